"""The page: where a medium is opened, then the editor; the result beside it once there is one."""

import os
from collections.abc import Callable
from typing import cast

import streamlit as st

from vidremove.errors import VidremoveError

from . import editor, results
from .opening import CLIPS, PICTURES, Medium, describe, open_path, open_sample, open_upload
from .removing import collect
from .session import Session, leave, take
from .texts import plain

START_WITH = "VIDREMOVE_APP_SOURCE"  # environment variable with the path to open first, set by `vidremove app FILE`
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 2.2rem 2rem 2rem; max-width: 1700px; }
[data-testid="stHeader"] { background: transparent; }
.st-key-canvas, .st-key-compare { opacity: 1 !important; } /* not faded while the next picture is made */
h1 { font-size: 1.6rem !important; padding: 0 !important; }
</style>"""


def show() -> None:
    """Draw the page; runs from the top at every step of the visitor."""
    st.set_page_config(page_title="vidremove", page_icon=":material/ink_eraser:", layout="wide")
    st.html(_STYLE)
    session = _session()
    if collect(session):
        st.session_state["view"] = results.COMPARE
    if session.medium is None:
        _show_opening(session)
        return
    _show_header(session)
    picture, panel = st.columns([3, 1.15], gap="large")
    with panel:  # where a message does not push the picture away from under the pointer
        show_message(session)
        results.show_panel(session) if results.comparing(session) else editor.show_panel(session)
    with picture:
        results.show_picture(session) if results.comparing(session) else editor.show_picture(session)
        if not results.playing(session):
            editor.show_timeline(session)


def show_message(session: Session) -> None:
    """What went wrong in the last step."""
    if session.message:
        st.warning(plain(session.message[:1].upper() + session.message[1:]), icon=":material/info:")


def _session() -> Session:
    """The visitor's own; opens what the launcher was told to open, once."""
    if "session" not in st.session_state:
        session = st.session_state["session"] = Session()
        given = os.environ.get(START_WITH, "")
        if given:
            _open(session, lambda: open_path(given))
    return cast(Session, st.session_state["session"])


def _open(session: Session, opener: Callable[[], Medium]) -> None:
    """Work on what `opener` opens; if it cannot, say why and keep everything."""
    try:
        take(session, opener())
    except VidremoveError as error:
        session.message = str(error)


def _show_header(session: Session) -> None:
    medium = session.medium
    if medium is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plain(medium.name)}", width="content")
        st.caption(describe(medium.info), width="content")
        for note in medium.source.notes:
            st.badge(plain(note), color="orange")
        st.space("stretch")
        if session.outcome is not None:
            st.segmented_control(
                "View", results.views(session), key="view", label_visibility="collapsed", width="content"
            )
        st.button("Open another", icon=":material/folder_open:", on_click=leave, args=(session,), disabled=session.busy)


def _show_opening(session: Session) -> None:
    _, middle, _ = st.columns([1, 2.2, 1])
    with middle:
        st.space("large")
        st.title("Remove something from a clip or a photo")
        st.caption("Point at it, check the mask, remove it, compare. Everything stays on this computer.")
        show_message(session)
        with st.container(border=True):
            kinds = [suffix[1:] for suffix in CLIPS + PICTURES]
            upload = st.file_uploader("Upload a clip or a photo", type=kinds, key="upload")
            if upload is not None and st.button("Open the upload", type="primary", key="open_upload"):
                _open(session, lambda: open_upload(upload, upload.name, session.folder))
                st.rerun()
            with st.form("by_path", border=False):
                path = st.text_input(
                    "Or open by path, best for large files: a clip, a photo or a folder of frames", key="path"
                )
                if st.form_submit_button("Open", icon=":material/folder_open:"):
                    _open(session, lambda: open_path(path))
                    st.rerun()
        if st.button("Try the sample clip", icon=":material/movie:", key="sample"):
            with st.spinner("Drawing the sample; this takes a while the first time", show_time=True):
                _open(session, lambda: open_sample(session.folder))
            st.rerun()

"""Where a medium is opened: by upload, by path, the sample, or a project that was begun before."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vidremove.errors import VidremoveError
from vidremove.images import fit_side

from .hosting import Hosting
from .importing import is_project, open_project
from .opening import CLIPS, PICTURES, Medium, open_path, open_sample, open_upload
from .recent import Recent, list_recent
from .restoring import restore, share
from .running import RUNS
from .session import Session, take
from .texts import plain, sentence
from .workspace import STALE_DAYS, Workspace

_COVER = 480  # pixels of the longer side of a project's picture
_COLUMNS = 4
_WAY = (
    ("ads_click", "Point at it"),
    ("visibility", "Check the mask"),
    ("ink_eraser", "Remove it"),
    ("compare", "Compare"),
)
_STYLE = """<style>
.st-key-upload [data-testid="stFileUploaderDropzone"] {
  min-height: 132px; flex-direction: column; justify-content: center; align-items: center; gap: .6rem;
  border: 1.5px dashed var(--st-border-color, #8886); }
.st-key-upload [data-testid="stFileUploaderDropzone"] > * { flex: none; width: auto; align-self: center; margin: 0; }
.st-key-upload [data-testid="stFileUploaderDropzone"]:hover { border-color: var(--st-primary-color, #0f766e); }
[class*="st-key-project_"] img { aspect-ratio: 16 / 10; object-fit: cover; }
[class*="st-key-project_"] p { margin-bottom: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
[class*="st-key-project_"] [data-testid="stCaptionContainer"],
[class*="st-key-project_"] [data-testid="stMarkdownContainer"] { margin: 0 !important; }
[class*="st-key-project_"] { gap: .3rem; padding: .75rem; }
</style>"""


def show(session: Session, hosting: Hosting) -> None:
    """The page without a medium."""
    st.html(_STYLE)
    _, middle, _ = st.columns([1, 3.2, 1])
    with middle:
        st.space("small")
        st.title("Remove something from a clip or a photo", anchor=False)
        st.markdown(" :material/arrow_right_alt: ".join(f":material/{icon}: {word}" for icon, word in _WAY))
        show_message(session)
        _show_ways(session, hosting)
        if not hosting.shared:
            _show_recent()
        whose = "for whoever has its address" if hosting.shared else "on this computer alone"
        st.caption(f"Your work is kept {whose}, for {STALE_DAYS} days after you last touched it.")


def show_message(session: Session) -> None:
    """What went wrong in the last step."""
    if session.message:
        st.warning(plain(sentence(session.message)), icon=":material/info:")


def open_first(hosting: Hosting) -> Session:
    """A session with what the launcher was told to open; for oneself, where it was left the last time."""
    if not hosting.shared:
        for recent in list_recent():
            if recent.source == Path(hosting.source):
                try:
                    return restore(recent.workspace, hosting)
                except VidremoveError:
                    break
    return open_at(hosting.source, hosting)


def open_at(text: str, hosting: Hosting) -> Session:
    """A session with what lies at a path: a medium, or a project to go on with; else one that says why not."""
    session = Session()
    if is_project(text):
        try:
            session = open_project(text, hosting)
            keep_cover(session)
        except VidremoveError as error:
            session.message = str(error)
    else:
        open_new(session, lambda folder: open_path(text, hosting))
    return session


def open_new(session: Session, opener: Callable[[Path], Medium]) -> None:
    """Begin a project with what `opener` opens, which is handed its folder; if it cannot, say why and leave nothing."""
    try:
        workspace = Workspace.new()
        try:
            take(session, opener(workspace.path), workspace)
        except BaseException:
            workspace.remove()
            raise
    except VidremoveError as error:
        session.message = str(error)
        return
    share(session)
    session.save()
    keep_cover(session)


def keep_cover(session: Session) -> None:
    """Keep a small picture for the list of projects."""
    if session.medium is None:
        return
    try:
        image = session.medium.at(session.medium.info.frames // 3)
    except VidremoveError:  # the page will tell when the frame is shown
        return
    cv2.imwrite(str(session.files.cover), fit_side(image, _COVER)[:, :, ::-1])


def _show_ways(session: Session, hosting: Hosting) -> None:
    with st.container(border=True, key="ways"):
        kinds = [suffix[1:] for suffix in CLIPS + PICTURES]
        upload = st.file_uploader(
            "Drop a clip or a photo here", type=kinds, key="upload", max_upload_size=hosting.upload_mb
        )
        if upload is not None and upload.file_id != st.session_state.get("tried"):
            st.session_state["tried"] = upload.file_id  # once, also where it cannot be opened
            with st.spinner("Opening"):
                open_new(session, lambda folder: open_upload(upload, upload.name, folder, hosting))
            _let_go(upload.file_id)
            st.rerun()
        if hosting.by_path:
            _show_path(hosting)
        if st.button("Try the sample clip", icon=":material/movie:", key="sample", type="tertiary"):
            with st.spinner("Drawing the sample; this takes a while the first time", show_time=True):
                open_new(session, open_sample)
            st.rerun()


def _let_go(file_id: str) -> None:
    """Free the memory in which Streamlit keeps an upload for as long as its visitor stays: it lies on disk by now."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file_id)


def _show_path(hosting: Hosting) -> None:
    with st.form("by_path", border=False):
        words, button = st.columns([5, 1], vertical_alignment="bottom")
        hint = "best for large files: a clip, a photo, a folder of frames, or a project (.json)"
        path = words.text_input(f"Or open by path, {hint}", key="path", placeholder="/films/street.mp4")
        if button.form_submit_button("Open", icon=":material/folder_open:", width="stretch"):
            with st.spinner("Opening"):
                st.session_state["session"] = opened = open_at(path, hosting)
            if opened.workspace is not None:
                st.query_params["project"] = opened.workspace.id
            st.rerun()


def _show_recent() -> None:
    recents = list_recent()
    if not recents:
        return
    st.markdown("##### Go on with …")
    for first in range(0, len(recents), _COLUMNS):
        for column, recent in zip(st.columns(_COLUMNS), recents[first : first + _COLUMNS], strict=False):
            with column:
                _show_project(recent)


def _show_project(recent: Recent) -> None:
    key = recent.workspace.id
    with st.container(border=True, key=f"project_{key}"):
        if recent.cover is not None:
            st.image(str(recent.cover), width="stretch")
        st.markdown(f"**{plain(recent.name)}**")
        st.caption(f"{plain(when(recent.touched_s, time.time()))}  \n{plain(recent.progress)}")
        with st.container(horizontal=True):
            st.button("Open", key=f"open_{key}", on_click=_go_on, args=(key,), width="stretch")
            with st.popover("", icon=":material/delete:", help="delete"):
                st.caption("Its prompts and results go; a clip that was opened by its path stays.")
                st.button("Delete", key=f"delete_{key}", type="primary", on_click=_delete, args=(recent.workspace,))


def _go_on(key: str) -> None:
    st.query_params["project"] = key


def _delete(workspace: Workspace) -> None:
    run = RUNS.find(workspace.id)
    if run is not None:
        run.stop()
    workspace.remove()


def when(then_s: float, now_s: float) -> str:
    """How long ago something was, in words."""
    minutes = int((now_s - then_s) / 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        count = minutes // size
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"

"""The page: where a medium is opened, then what is looked at of it, with one bar on top.

A view is a module with `show_picture(session)` and `show_panel(session)`; the timeline lies under all but the player.
"""

from collections.abc import Callable
from functools import cache
from typing import cast

import streamlit as st

from vidremove.errors import VidremoveError

from . import editor, removing, results, review, timeline, tracking, trying, weights, welcome
from .hosting import Hosting
from .opening import describe, oddities
from .restoring import restore
from .running import RUNS, Run
from .session import COMPARE, POINT, REVIEW, Session, end_run
from .texts import plain, shorten
from .workspace import Workspace, sweep

_COLLECT: dict[str, Callable[[Session, Run], bool]] = {  # who takes in the end of a run, by its kind
    removing.KIND: removing.collect_removal,
    tracking.KIND: tracking.collect_track,
    trying.KIND: trying.collect_trial,
}
_LONGEST_NAME, _LONGEST_ODD = 40, 28  # characters in the bar
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 1.1rem 2rem 1.5rem; max-width: 1760px; }
[data-testid="stHeader"] { background: transparent; pointer-events: none; }
[data-testid="stHeader"] * { pointer-events: auto; }
.st-key-canvas, .st-key-compare { opacity: 1 !important; } /* not faded while the next picture is made */
.st-key-bar [data-testid="stMarkdownContainer"], .st-key-bar p { margin: 0; }
h1 { font-size: 1.9rem !important; padding: 0 !important; }
</style>"""


def show() -> None:
    """Draw the page; runs from the top at every step of the visitor."""
    st.set_page_config(page_title="vidremove", page_icon=":material/ink_eraser:", layout="wide")
    st.html(_STYLE)
    hosting = Hosting.told()
    _begin(hosting)
    session = _session(hosting)
    if session.medium is None:
        welcome.show(session, hosting)
        return
    _take_in(session)
    session.save()
    _show_bar(session)
    view = results if results.comparing(session) else review if review.reviewing(session) else editor
    picture, panel = st.columns([3, 1.15], gap="large")
    with panel:  # where a message does not push the picture away from under the pointer
        welcome.show_message(session)
        weights.show_for_words(session.message)
        view.show_panel(session)
    with picture:
        view.show_picture(session)
        if not (results.playing(session) or review.playing(session)):
            timeline.show_timeline(session)
    session.save()


@cache
def _begin(hosting: Hosting) -> None:
    """Once for a server: remove what nobody came back to, and let no more go on at a time than it bears."""
    sweep()
    RUNS.most = hosting.most_runs


def _session(hosting: Hosting) -> Session:
    """The visitor's own: of the project that the address names, else what this tab had before, else a new one."""
    session = cast("Session | None", st.session_state.get("session"))
    named = st.query_params.get("project")
    if session is not None and session.workspace is not None and named in (None, session.workspace.id):
        if session.workspace.path.is_dir():
            st.query_params["project"] = session.workspace.id
            return session
        session = st.session_state["session"] = Session(message="this project was deleted.")
    workspace = Workspace.find(named)
    if workspace is not None:
        with st.spinner("Opening"):  # a long clip takes a while
            session = _take_up(workspace, hosting)
    elif session is None or session.workspace is not None:
        session = Session()
        if hosting.source and "session" not in st.session_state:
            session = welcome.open_first(hosting)
    st.session_state["session"] = session
    _name_address(session)
    return session


def _take_up(workspace: Workspace, hosting: Hosting) -> Session:
    """The session of a project; if it cannot be taken up, a new one that says why."""
    try:
        return restore(workspace, hosting)
    except VidremoveError as error:
        return Session(message=str(error))


def _name_address(session: Session) -> None:
    """Let the address name the project, so that a reload finds it."""
    if session.workspace is not None:
        st.query_params["project"] = session.workspace.id
    elif "project" in st.query_params:
        del st.query_params["project"]


def _take_in(session: Session) -> None:
    """The end of a run, if it has come; what was removed is looked at."""
    run = end_run(session)
    if run is None:
        return
    if run.kind in _COLLECT:
        if _COLLECT[run.kind](session, run) and run.kind == removing.KIND:
            session.view = COMPARE
    elif run.error:
        session.message = run.error


def _show_bar(session: Session) -> None:
    """Name, description, what is odd; the view; another medium."""
    medium = session.medium
    if medium is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="bar"):
        name = plain(shorten(medium.name, _LONGEST_NAME))
        st.markdown(f"**{name}** &ensp; :gray[{plain(describe(medium.info))}]", width="content")
        odd = oddities(medium)
        if odd:
            words = plain(shorten(odd[0][0], _LONGEST_ODD) + (f" + {len(odd) - 1}" if len(odd) > 1 else ""))
            st.markdown(f":orange-badge[{words}]", help=plain("; ".join(text for _, text in odd)), width="content")
        st.space("stretch")
        views = _views(session)
        if len(views) > 1:
            st.session_state["view"] = session.view if session.view in views else POINT
            st.segmented_control(
                "View", views, key="view", on_change=_look, args=(session,), label_visibility="collapsed",
                width="content",
            )  # fmt: skip
        st.button("Open another", icon=":material/folder_open:", on_click=_leave, args=(session,), key="leave")


def _views(session: Session) -> list[str]:
    """What there is to look at."""
    views = [POINT] if session.track is None else [POINT, REVIEW]
    return [*views, *(view for view in results.views(session) if view not in views)] if session.outcomes else views


def _look(session: Session) -> None:
    session.view = st.session_state["view"] or session.view


def _leave(session: Session) -> None:
    """Go back to where a medium is opened; this one is kept, and so is what goes on for it."""
    session.save()
    if session.untouched:
        session.files.remove()
    st.session_state["session"] = Session()
    st.query_params.clear()

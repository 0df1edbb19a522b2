"""Pointing at objects: the canvas, the timeline, and the panel beside it."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from vidremove.errors import VidremoveError

from . import session as steps
from .components import show_canvas
from .drawing import data_url, draw_layers
from .prompting import Layer, apply_event, apply_phrase, layers, marks
from .session import Session, colour_of
from .settings import show_removal
from .texts import plain

_TOOLS = {"click": "Click", "not": "Not this", "box": "Box"}
_TOOL_ICONS = {"click": ":material/add_circle:", "not": ":material/do_not_disturb_on:", "box": ":material/crop_square:"}
_POLL_S = 0.4  # between two looks at a run


def show_picture(session: Session) -> None:
    """The frame with its masks, to draw on."""
    medium = session.medium
    if medium is None:
        return
    try:
        image, found = medium.at(session.frame), layers(session)
    except VidremoveError as error:
        st.error(plain(str(error)))
        return
    height, width = medium.info.size
    colours = [(layer.found.mask, colour_of(session.said, layer.name)) for layer in found]
    data = {
        "picture": data_url(draw_layers(image, colours)),
        "width": width,
        "height": height,
        "frame": session.frame,
        "tool": session.tool,
        "colour": colour_of(session.said, session.said.name),
        "marks": list(marks(session)),
        "locked": session.busy,
    }
    show_canvas(data, lambda event: apply_event(session, event))


def show_timeline(session: Session) -> None:
    """Steps and slider; nothing for a photo."""
    medium = session.medium
    if medium is None or medium.info.frames < 2:
        return
    last = medium.info.frames - 1
    st.session_state["frame"] = session.frame
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, by, text in (("−10", -10, "ten back"), ("−1", -1, "one back")):
            st.button(label, key=f"step{by}", help=text, on_click=_step, args=(session, by))
        st.slider("Frame", 0, last, key="frame", on_change=_slide, args=(session,), label_visibility="collapsed")
        for label, by, text in (("+1", 1, "one on"), ("+10", 10, "ten on")):
            st.button(label, key=f"step{by}", help=text, on_click=_step, args=(session, by))
    time_s = session.frame / float(medium.info.rate) if medium.info.rate else 0.0
    st.caption(f"Frame {session.frame} of {last} · {time_s:.2f} s")


def _step(session: Session, by: int) -> None:
    steps.go_to(session, session.frame + by)


def _slide(session: Session) -> None:
    steps.go_to(session, int(st.session_state["frame"]))


def show_panel(session: Session) -> None:
    """What to point with, what was found, and Remove; the progress while a run goes on."""
    if session.busy:
        show_progress(session)
        return
    _show_tools(session)
    _show_current(session)
    _show_objects(session)
    st.divider()
    show_removal(session)


def _show_tools(session: Session) -> None:
    st.session_state["tool"] = session.tool
    st.segmented_control(
        "Point with", list(_TOOLS), format_func=lambda tool: f"{_TOOL_ICONS[tool]} {_TOOLS[tool]}", key="tool",
        on_change=_pick_tool, args=(session,), help="Shift or the right button also marks what is not the object.",
    )  # fmt: skip
    with st.form("phrase_form", border=False, clear_on_submit=True):
        words, button = st.columns([3, 1], vertical_alignment="bottom")
        words.text_input("Or in words", key="phrase", placeholder="the person in red")
        button.form_submit_button("Find", width="stretch", on_click=_say_phrase, args=(session,))


def _pick_tool(session: Session) -> None:
    session.tool = st.session_state["tool"] or session.tool


def _say_phrase(session: Session) -> None:
    apply_phrase(session, st.session_state["phrase"])


def _show_current(session: Session) -> None:
    """What was found for the object that is pointed at on this frame, and what to do with it."""
    current = next((layer for layer in _layers(session) if layer.name == session.said.name), None)
    if current is not None:
        if current.found.complaint:
            st.warning(plain(current.found.complaint))
        else:
            share = 100 * float(current.found.mask.mean())
            st.caption(f"{plain(current.name)} · {share:.1f} % of the picture · score {current.found.score:.2f}")
    draft = bool(session.said.draft)
    left, right = st.columns(2)
    left.button("Keep", key="keep", width="stretch", icon=":material/check:", disabled=not draft,
                on_click=steps.keep, args=(session,))  # fmt: skip
    right.button("Discard", key="discard", width="stretch", icon=":material/close:", disabled=not draft,
                 on_click=steps.discard, args=(session,))  # fmt: skip
    left.button("Add another", key="another", width="stretch", icon=":material/add:", disabled=not session.said.prompts,
                on_click=steps.add_another, args=(session,))  # fmt: skip
    right.button("Undo", key="undo", width="stretch", icon=":material/undo:", disabled=not session.undone,
                 on_click=steps.undo, args=(session,))  # fmt: skip


def _layers(session: Session) -> list[Layer]:
    try:
        return layers(session)
    except VidremoveError:  # show_picture tells it
        return []


def _show_objects(session: Session) -> None:
    """The objects with their colours; the chosen one can be renamed or taken off."""
    said = session.said
    if not said.prompts:
        return
    st.session_state["object"] = said.name
    st.radio("Objects", said.names, key="object", on_change=_choose, args=(session,), format_func=_label(session))
    name, drop = st.columns([3, 1], vertical_alignment="bottom")
    st.session_state["name"] = said.name
    name.text_input("Name", key="name", on_change=_rename, args=(session,), label_visibility="collapsed", max_chars=40)
    drop.button("", key="forget", icon=":material/delete:", help="take it off the list", width="stretch",
                on_click=steps.forget, args=(session, said.name))  # fmt: skip


def _label(session: Session) -> Callable[[str], str]:
    said = session.said
    words = {"#ff2828": "red", "#2f7bff": "blue", "#18a558": "green", "#b14bff": "violet", "#ff9d1c": "orange"}

    def label(name: str) -> str:
        frames = sorted(prompt.frame for prompt in said.prompts if prompt.object == name)
        where = f"frame {', '.join(map(str, frames))}" if frames else "nothing yet"
        return f":{words.get(colour_of(said, name), 'gray')}[■] {plain(name)} · {where}"

    return label


def _choose(session: Session) -> None:
    steps.choose(session, st.session_state["object"])


def _rename(session: Session) -> None:
    steps.rename(session, st.session_state["name"])


def show_progress(session: Session) -> None:
    """The passes of the run that goes on, and Cancel."""

    @st.fragment(run_every=_POLL_S)
    def progress() -> None:
        run: Any = session.run
        if run is None or run.finished:
            st.rerun()
        st.markdown("##### Removing")
        for step in run.passes():
            st.progress(step.share, text=step.text)
        st.button("Stopping…" if run.stopping else "Cancel", key="cancel", width="stretch", icon=":material/stop:",
                  disabled=run.stopping, on_click=run.cancel)  # fmt: skip

    progress()

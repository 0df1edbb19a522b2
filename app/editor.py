"""Pointing at objects: the canvas, and the panel beside it."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from vidremove.errors import VidremoveError

from . import session as steps
from .components import show_canvas
from .drawing import data_url, masks_url, shrink
from .prompting import Layer, apply_events, apply_phrase, layers, look_ahead, marks
from .reading import apply_mask_file
from .session import Session, colour_of
from .settings import show_removal
from .texts import plain, sentence
from .tracking import show_track_button
from .trying import show_try

_WIDEST = 1920  # pixels of the picture that is sent: it can be made larger on the page
_TOOLS = {"click": "Click", "not": "Not this", "box": "Box", "brush": "Brush", "erase": "Eraser"}
_ICONS = {
    "click": ":material/add_circle:",
    "not": ":material/do_not_disturb_on:",
    "box": ":material/crop_square:",
    "brush": ":material/brush:",
    "erase": ":material/ink_eraser:",
}
_NAMES = {"#ff2828": "red", "#2f7bff": "blue", "#18a558": "green", "#b14bff": "violet", "#ff9d1c": "orange"}
_KEYS = """
| Key | What it does |
|---|---|
| **C** **X** **R** **B** **E** | click, not this, box, brush, eraser |
| Shift, right button | the opposite: not this, erase |
| **\\[** **\\]** | smaller, larger brush |
| **Enter** **Esc** | keep, discard |
| **Ctrl+Z** **Ctrl+Shift+Z** | undo, redo |
| **←** **→**, with Shift | one frame, ten frames |
| Wheel, **+** **−** **0** | zoom; the whole frame |
| Space or middle button | move the zoomed frame |
| **M** | hide the masks |
"""
_POLL_S = 0.4  # between two looks at a run


def show_picture(session: Session) -> None:
    """The tools, and the frame with its masks, to point at and to paint on."""
    medium = session.medium
    if medium is None:
        return
    _show_tools(session)
    try:
        image, found = medium.at(session.frame), layers(session)
    except VidremoveError as error:
        st.error(plain(str(error)))
        return
    height, width = medium.info.size
    seen: dict[str, int] = st.session_state.setdefault("canvas_seen", {})
    shown = [layer for layer in found if layer.name not in session.hidden]
    masks = [(layer.found.mask, colour_of(session.said, layer.name)) for layer in shown]
    data = {
        "picture": data_url(shrink(image, _WIDEST)),
        "masks": masks_url((height, width), masks, _WIDEST),
        "width": width,
        "height": height,
        "frame": session.frame,
        "tool": session.tool,
        "colour": colour_of(session.said, session.said.name),
        "marks": list(marks(session)) if session.said.name not in session.hidden else [],
        "locked": session.busy,
        "done": [{"who": who, "n": number} for who, number in seen.items()],
    }
    show_canvas(data, lambda told: apply_events(session, told, seen))
    look_ahead(session)


def show_panel(session: Session) -> None:
    """What to point with, what was found, and Remove; the progress while a run goes on."""
    if session.busy:
        show_progress(session)
        return
    _show_current(session)
    _show_objects(session)
    show_track_button(session)
    st.divider()
    show_try(session)
    show_removal(session)


def _show_tools(session: Session) -> None:
    """What to point with, in one line over the picture."""
    st.session_state["tool"] = session.tool
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
        st.segmented_control(
            "Point with", list(_TOOLS), format_func=lambda tool: f"{_ICONS[tool]} {_TOOLS[tool]}", key="tool",
            on_change=_pick_tool, args=(session,), label_visibility="collapsed", disabled=session.busy,
            width="content",
        )  # fmt: skip
        st.text_input("In words", key="phrase", placeholder="or in words", icon=":material/search:",
                      label_visibility="collapsed", disabled=session.busy, on_change=_say_phrase,
                      args=(session,))  # fmt: skip
        with st.popover("", icon=":material/upload_file:", help="a mask from a file", disabled=session.busy):
            _show_mask_upload(session)
        with st.popover("", icon=":material/keyboard:", help="keys"):
            st.markdown(_KEYS)


def _pick_tool(session: Session) -> None:
    session.tool = st.session_state["tool"] or session.tool


def _say_phrase(session: Session) -> None:
    apply_phrase(session, st.session_state["phrase"])
    st.session_state["phrase"] = ""


def _show_mask_upload(session: Session) -> None:
    round_ = st.session_state.setdefault("mask_round", 0)  # a new one, so that the file is let go once it was read
    key = f"mask_file_{round_}"
    st.file_uploader("A mask for this frame: a picture of its size, white is removed", ["png"], key=key,
                     on_change=_read_mask, args=(session, key))  # fmt: skip


def _read_mask(session: Session, key: str) -> None:
    given = st.session_state[key]
    if given is not None:
        apply_mask_file(session, given, given.name)
        st.session_state["mask_round"] += 1


def _show_current(session: Session) -> None:
    """What was found for the object that is pointed at on this frame, and what to do with it."""
    current = next((layer for layer in _layers(session) if layer.name == session.said.name), None)
    if current is not None and current.found.complaint:
        st.warning(plain(sentence(current.found.complaint)))
    elif current is not None:
        st.caption(_describe(current))
    draft = bool(session.said.draft)
    with st.container(horizontal=True, gap="small"):
        st.button("Keep", key="keep", icon=":material/check:", width="stretch", disabled=not draft,
                  help="keep this mask (Enter)", on_click=steps.keep, args=(session,))  # fmt: skip
        st.button("Discard", key="discard", icon=":material/close:", width="stretch", disabled=not draft,
                  help="drop what was not kept (Esc)", on_click=steps.discard, args=(session,))  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        st.button("Add another", key="another", icon=":material/add:", width="stretch",
                  disabled=not session.said.prompts, help="keep this object and point at the next",
                  on_click=steps.add_another, args=(session,))  # fmt: skip
        st.button("Undo", key="undo", type="tertiary", icon=":material/undo:", disabled=not session.undone,
                  help="Ctrl+Z", on_click=steps.undo, args=(session,))  # fmt: skip
        st.button("Redo", key="redo", type="tertiary", icon=":material/redo:", disabled=not session.redone,
                  help="Ctrl+Shift+Z", on_click=steps.redo, args=(session,))  # fmt: skip


def _describe(layer: Layer) -> str:
    share = 100 * float(layer.found.mask.mean())
    how = "tracked, score" if layer.tracked else "score"
    score = "painted" if layer.painted else f"{how} {layer.found.score:.2f}"
    return f"{plain(layer.name)} · {share:.1f} % of the picture · {score}"


def _layers(session: Session) -> list[Layer]:
    try:
        return layers(session)
    except VidremoveError:  # show_picture tells it
        return []


def _show_objects(session: Session) -> None:
    """The objects with their colours; the chosen one can be renamed, hidden or taken off."""
    said = session.said
    if not said.prompts:
        return
    st.session_state["object"] = said.name
    st.radio("Objects", said.names, key="object", on_change=_choose, args=(session,), format_func=_label(session),
             label_visibility="collapsed")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.session_state["name"] = said.name
        st.text_input("Name", key="name", on_change=_rename, args=(session,), label_visibility="collapsed",
                      max_chars=40)  # fmt: skip
        hidden = said.name in session.hidden
        st.button("", key="hide", icon=f":material/visibility{'_off' * hidden}:", on_click=_hide, args=(session,),
                  help="show its mask" if hidden else "hide its mask")  # fmt: skip
        st.button("", key="forget", icon=":material/delete:", help="take it off the list",
                  on_click=steps.forget, args=(session, said.name))  # fmt: skip


def _label(session: Session) -> Callable[[str], str]:
    said = session.said

    def label(name: str) -> str:
        frames = sorted(prompt.frame for prompt in said.prompts if prompt.object == name)
        where = f"frame{'s' * (len(frames) > 1)} {', '.join(map(str, frames))}" if frames else "nothing yet"
        hidden = " :material/visibility_off:" if name in session.hidden else ""
        return f":{_NAMES.get(colour_of(said, name), 'gray')}[■] {plain(name)} · {where}{hidden}"

    return label


def _choose(session: Session) -> None:
    steps.choose(session, st.session_state["object"])


def _rename(session: Session) -> None:
    steps.rename(session, st.session_state["name"])


def _hide(session: Session) -> None:
    session.hidden ^= {session.said.name}


def show_progress(session: Session) -> None:
    """The passes of the run that goes on, and Cancel."""

    @st.fragment(run_every=_POLL_S)
    def progress() -> None:
        run: Any = session.run
        if run is None or run.finished:
            st.rerun()
        st.markdown(f"##### {plain(run.title)}")
        for step in run.passes():
            st.progress(step.share, text=step.text)
        st.button("Stopping…" if run.stopping else "Cancel", key="cancel", width="stretch", icon=":material/stop:",
                  disabled=run.stopping, on_click=run.stop)  # fmt: skip

    progress()

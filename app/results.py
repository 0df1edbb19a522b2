"""The results: look at them, decide, take away."""

import streamlit as st

from vidremove.errors import VidremoveError

from .commands import PROJECT
from .comparing import MODES, SLIDER, SOURCE, name_of, number_of_left, number_of_right, show_frame
from .components import show_links
from .editor import show_progress
from .hosting import Hosting
from .outcomes import Outcome, keep_outcome
from .playing import show_clips
from .session import COMPARE, PLAY, POINT, Session
from .taking import layer_of, list_links, save_copy, start_layer
from .texts import plain


def views(session: Session) -> tuple[str, ...]:
    """What can be looked at; only what moves can be played."""
    moves = session.medium is not None and session.medium.info.frames > 1
    return (POINT, COMPARE, PLAY) if moves else (POINT, COMPARE)


def comparing(session: Session) -> bool:
    """Whether results are looked at, and not the prompts."""
    return bool(session.outcomes) and session.view in (COMPARE, PLAY)


def playing(session: Session) -> bool:
    """Whether clips are shown, and not one frame."""
    return comparing(session) and session.view == PLAY


def show_picture(session: Session) -> None:
    """Two sides of the frame, or both clips."""
    if session.view == PLAY:
        show_clips(session)
    else:
        show_frame(session)


def show_panel(session: Session) -> None:
    """Which results are looked at, what was done, and what to do with the one on the right."""
    _show_choice(session)
    if session.busy:
        show_progress(session)
        return
    outcome = session.outcomes[number_of_right(session)]
    result = outcome.result
    what = f"{result.changed} of {result.frames} frames" if result.frames > 1 else "The picture was"
    st.caption(f"{what} changed in {result.seconds:.0f} s.")
    for note in result.notes:
        st.caption(f":material/info: {plain(note)}")
    _show_decision(session, outcome)
    _show_links(session, outcome)
    st.caption("Not good yet? Back in **Point** all prompts are still there: add some on other frames, remove again.")


def _show_choice(session: Session) -> None:
    """The two sides and how they are shown."""
    count, right = len(session.outcomes), number_of_right(session)
    st.session_state["right"] = right
    if count > 1:
        st.radio("Results", range(count), key="right", format_func=lambda number: _label(session, number))
        others = [SOURCE, *(number for number in range(count) if number != right)]
        st.session_state["left"] = number_of_left(session)
        st.selectbox("Compared with", others, key="left", format_func=lambda number: plain(name_of(session, number)))
    if session.view == COMPARE:
        st.session_state["mode"] = st.session_state.get("mode") or SLIDER
        st.segmented_control("Look at", MODES, key="mode", label_visibility="collapsed", width="stretch")


def _label(session: Session, number: int) -> str:
    accepted = " · :green[:material/check: accepted]" if session.outcomes[number].accepted else ""
    return plain(name_of(session, number)) + accepted


def _show_decision(session: Session, outcome: Outcome) -> None:
    accept, drop = st.columns([2, 1])
    if outcome.accepted:
        accept.button("Accepted", key="accept", icon=":material/check_circle:", width="stretch", type="tertiary",
                      on_click=accept_outcome, args=(session, outcome, False), help="take it back")  # fmt: skip
    else:
        accept.button("Accept", key="accept", icon=":material/check:", width="stretch", help="this is the one to keep",
                      on_click=accept_outcome, args=(session, outcome))  # fmt: skip
    with drop.popover("", icon=":material/delete:", width="stretch", help="delete this result"):
        st.caption("The file of this result is deleted; prompts and other results stay.")
        st.button("Delete this result", key="drop_outcome", on_click=drop_outcome, args=(session, outcome))


def accept_outcome(session: Session, outcome: Outcome, accepted: bool = True) -> None:
    """Mark a result as the one to keep, and no other; or take that back."""
    session.message = ""
    for each in session.outcomes:
        if each.accepted != (accepted and each is outcome):
            each.accepted = accepted and each is outcome
            try:
                keep_outcome(session.files, each)
            except VidremoveError as error:
                session.message = str(error)


def drop_outcome(session: Session, outcome: Outcome) -> None:
    """Delete a result; prompts and other results stay."""
    session.outcomes = [each for each in session.outcomes if each is not outcome]
    outcome.close()
    session.files.forget_result(outcome.result.target)
    if not session.outcomes:
        session.view = POINT


def _show_links(session: Session, outcome: Outcome) -> None:
    medium = session.medium
    if medium is None:
        return
    try:
        links = list_links(outcome.result.target, medium)
    except OSError:
        st.error("The file of this result is gone; delete it here and remove again.")
        return
    show_links(links)
    if not layer_of(outcome.result.target).is_dir():
        st.button("Make the fill as a layer", key="layer", icon=":material/layers:", width="stretch",
                  help="PNG pictures with alpha, to be laid over the source in an editor; fills once more",
                  on_click=start_layer, args=(session, outcome))  # fmt: skip
    if not Hosting.told().shared:
        _show_saving(outcome)
    with st.expander("The same from the command line", icon=":material/terminal:"):
        st.code(outcome.command, language="bash", wrap_lines=True)
        st.caption("Or with the settings, unpacked beside the clip; they hold the masks, corrected ones too:")
        st.code(f"vidremove remove --project {PROJECT} clean{outcome.result.target.suffix}", language="bash")


def _show_saving(outcome: Outcome) -> None:
    with st.expander("Save to a folder of this computer", icon=":material/save:"):
        st.caption(plain(str(outcome.result.target)))
        with st.form("save_copy", border=False):
            text = st.text_input("Path", key="save_path", placeholder="/home/me/clean.mp4")
            if st.form_submit_button("Save a copy", width="stretch"):
                try:
                    with st.spinner("Copying"):
                        st.success(plain(save_copy(outcome, text)))
                except VidremoveError as error:
                    st.error(plain(str(error)))

"""Looking at what was tracked: the masks over the frame or over the playing clip, and the doubtful frames."""

from typing import Literal

import streamlit as st

from vidremove.doubts import Doubt
from vidremove.errors import VidremoveError

from .components import show_still
from .drawing import data_url, draw_layers
from .footage import LONGEST_S, Drawn, Footage
from .session import POINT, REVIEW, Session, colour_of, go_to
from .settings import show_removal
from .texts import plain
from .tracking import dismiss, open_doubts, show_track_button
from .trying import show_try

_SHOWN = 12  # doubtful frames in the list
_POLL_S = 0.8  # between two looks at what is made in the background
_TALLEST = 560  # pixels of the screen, of a clip that is taller than wide
_GONE = "#888888"  # colour of an object that was tracked and is on the list no more
FRAME, CLIP = "Frame", "Play"
_WORDS = {FRAME: ":material/image: Frame", CLIP: ":material/play_arrow: Play the masks"}


def reviewing(session: Session) -> bool:
    """Whether the track is looked at."""
    return session.track is not None and session.view == REVIEW and not session.busy


def playing(session: Session) -> bool:
    """Whether the masks are played over the clip, and not one frame shown."""
    return reviewing(session) and st.session_state.get("look") == CLIP


def show_picture(session: Session) -> None:
    """The frame with its masks, or the clip with them."""
    medium, track = session.medium, session.track
    if medium is None or track is None:
        return
    st.session_state["look"] = st.session_state.get("look") or FRAME
    st.segmented_control("Look at", list(_WORDS), key="look", label_visibility="collapsed",
                         format_func=_WORDS.__getitem__)  # fmt: skip
    if playing(session):
        _show_clip(session)
        return
    try:
        shown = [(name, colour) for name, colour in _colours(session) if name not in session.hidden]
        layers = [(track.mask(session.frame, name), colour) for name, colour in shown]
        picture = draw_layers(medium.at(session.frame), layers)
    except VidremoveError as error:
        st.error(plain(str(error)))
        return
    height, width = medium.info.size
    show_still(data_url(picture), width / height)


def footage_of(session: Session) -> Footage | None:
    """What is made in the background for the track; begun when it is first asked for."""
    medium, track = session.medium, session.track
    if medium is None or track is None:
        return None
    before = session.footage
    if before is None or before.track is not track or before.stopped:
        if before is not None:
            before.stop()
        frames = [doubt.frame for doubt in open_doubts(session)[:_SHOWN]]
        drawn = Drawn(medium.source, track, tuple(_colours(session)))
        session.footage = Footage(drawn, frames, session.files.path / "masks.mp4")
    return session.footage


def show_panel(session: Session) -> None:
    """What is doubtful, what to do about it, and Remove."""
    track, footage = session.track, footage_of(session)
    if track is None or footage is None:
        return
    _show_doubts(session, footage)
    for note in track.notes:
        st.caption(f":material/info: {plain(note)}")
    show_track_button(session)
    st.divider()
    show_try(session)
    show_removal(session)


def _show_doubts(session: Session, footage: Footage) -> None:
    doubts = open_doubts(session)
    if not doubts:
        st.success("No frame looks doubtful. Play the masks to be sure.", icon=":material/check_circle:")
        return
    count = f"{len(doubts)} doubtful frames" if len(doubts) > 1 else "1 doubtful frame"
    st.markdown(f"##### {count}, the worst first" if len(doubts) > 1 else f"##### {count}")
    waiting = any(doubt.frame not in footage.thumbs for doubt in doubts[:_SHOWN]) and not footage.finished

    def rows() -> None:
        if waiting and footage.finished:
            st.rerun()
        with st.container(height=330 if len(doubts) > 3 else "content", border=False):
            for place, doubt in enumerate(doubts[:_SHOWN]):
                _show_doubt(session, footage, doubt, place)
            if len(doubts) > _SHOWN:
                st.caption(f"and {len(doubts) - _SHOWN} less doubtful, marked on the timeline")

    st.fragment(rows, run_every=_POLL_S)() if waiting else rows()


def _show_doubt(session: Session, footage: Footage, doubt: Doubt, place: int) -> None:
    picture, words = st.columns([1, 2], vertical_alignment="center")
    if doubt.frame in footage.thumbs:
        picture.image(footage.thumbs[doubt.frame], width="stretch")
    with words:
        st.caption(f"**{doubt.frame}** · {plain(doubt.object)}: {plain(doubt.reason)}")
        with st.container(horizontal=True, gap="small"):
            for label, told, act in (
                ("Show", "show this frame here", _show),
                ("Correct", "go there and point at what is right", _correct),
                ("Fine", "it looks right: take it off the list", dismiss),
            ):
                st.button(label, key=f"doubt-{label}-{place}", type="tertiary", help=told,
                          on_click=act, args=(session, doubt))  # fmt: skip


def _show(session: Session, doubt: Doubt) -> None:
    st.session_state["look"] = FRAME
    go_to(session, doubt.frame)


def _correct(session: Session, doubt: Doubt) -> None:
    session.view = POINT
    go_to(session, doubt.frame)


def _show_clip(session: Session) -> None:
    medium, footage = session.medium, footage_of(session)
    if medium is None or footage is None:
        return
    info, going = medium.info, not footage.finished

    def clip() -> None:
        if going and footage.finished:
            st.rerun()
        if footage.clip is not None:
            ratio = info.size[1] / info.size[0]
            wide: int | Literal["stretch"] = "stretch" if ratio >= 1 else round(_TALLEST * ratio)
            with st.container(horizontal_alignment="center"):
                st.video(str(footage.clip), loop=True, autoplay=True, muted=True, width=wide)
            if info.duration_s > LONGEST_S:
                st.caption(f"The first {LONGEST_S / 60:.0f} minutes; the whole is removed all the same.")
        elif footage.finished:
            st.info("The clip with its masks could not be written; look at single frames.")
        else:
            st.progress(footage.share, text="Drawing the masks over the clip")

    st.fragment(clip, run_every=_POLL_S)() if going else clip()


def _colours(session: Session) -> list[tuple[str, str]]:
    track = session.track
    known = set(session.said.names)
    names = () if track is None else track.objects
    return [(name, colour_of(session.said, name) if name in known else _GONE) for name in names]

"""Carry the masks through the clip, anew or only where something was added, and take in the end of it."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from vidremove import correct, track
from vidremove.doubts import Doubt, doubtful
from vidremove.errors import VidremoveError
from vidremove.tracks import Track
from vidremove.types import OnProgress, Prompt, Result

from .prompting import check_said
from .removing import config_of
from .running import Run
from .saving import keep_tracked, same_prompts
from .session import REVIEW, Session, keep, start_run

KIND = "track"  # of a run that is ours


def is_current(session: Session) -> bool:
    """Whether the track is what the prompts of now would give."""
    return session.has_tracked(session.said.prompts)


def current_masks(session: Session) -> Path | None:
    """The track, to be handed to `preview` as its masks, where it is current; else None."""
    return session.files.track if is_current(session) else None


def added_prompts(session: Session) -> tuple[Prompt, ...] | None:
    """What was added or changed since the clip was tracked; None where all must be tracked anew.

    That is so without a track, and where something that it was made from was taken away.
    """
    before = {(prompt.object, prompt.frame): prompt for prompt in session.tracked}
    now = session.said.prompts
    if session.track is None or not before.keys() <= {(prompt.object, prompt.frame) for prompt in now}:
        return None
    known = {key: [prompt] for key, prompt in before.items()}
    return tuple(each for each in now if not same_prompts([each], known.get((each.object, each.frame), [])))


def start_track(session: Session) -> None:
    """Keep what is drafted and track everything that was kept, or only what is new; what hinders it is the message."""
    medium = session.medium
    if medium is None or session.busy:
        return
    session.message = ""
    keep(session)
    prompts, added = session.said.prompts, added_prompts(session)
    try:
        check_said(medium, prompts if added is None else added, "track")
        workspace, config = session.files, config_of(session.settings)
        source, target = medium.source.path, workspace.track

        def work(on_progress: OnProgress) -> tuple[Result, tuple[Prompt, ...]]:
            if added is None:
                done = track(source, target, prompts, config=config, overwrite=True, on_progress=on_progress)
            else:
                done = correct(source, target, added, config=config, on_progress=on_progress)
            keep_tracked(workspace, source, prompts)  # here, since the visitor may have gone
            return done, prompts

        start_run(session, KIND, "Tracking" if added is None else "Updating the track", work)
    except VidremoveError as error:
        session.message = str(error)


def collect_track(session: Session, run: Run) -> bool:
    """Take in a run of ours that has ended: the track, or why there is none; the one before stays in that case.

    Returns: whether there is a new track.
    """
    if run.cancelled:
        session.message = "stopped as asked; your prompts are still here."
        return False
    if run.result is None:
        session.message = run.error
        return False
    result, prompts = run.result
    try:
        opened = Track.open(result.target)
    except VidremoveError as error:
        session.message = str(error)
        return False
    if session.track is not None:
        session.track.close()
    session.track, session.tracked, session.view = opened, prompts, REVIEW
    return True


def show_track_button(session: Session) -> None:
    """Track, or bring the track up to date; nothing for a photo. Goes beside Remove."""
    medium = session.medium
    if medium is None or medium.info.frames < 2:
        return
    added = added_prompts(session)
    label = "Track" if session.track is None else "Track again" if added is None else "Update the track"
    words = {
        "Track": "carry the masks through the clip, to check them before anything is removed",
        "Track again": "something was taken away that the track was made from",
        "Update the track": "only between the marked frames next to what you added or changed",
    }
    nothing = not session.said.prompts or is_current(session)
    st.button(label, key="track", icon=":material/timeline:", width="stretch", help=words[label], disabled=nothing,
              on_click=start_track, args=(session,))  # fmt: skip


def open_doubts(session: Session) -> list[Doubt]:
    """The doubtful frames of the track, worst first, without those that were looked at and found right."""
    if session.track is None:
        return []
    return [doubt for doubt in _doubts(session.track) if doubt_key(doubt) not in session.dismissed]


def dismiss(session: Session, doubt: Doubt) -> None:
    """Take a doubtful frame off the list: it looks right."""
    session.dismissed.add(doubt_key(doubt))


def doubt_key(doubt: Doubt) -> tuple[str, int, str]:
    """What a doubt is told by: after a correction elsewhere it stays dismissed."""
    return doubt.object, doubt.frame, doubt.reason


@lru_cache(maxsize=8)
def _doubts(opened: Track) -> tuple[Doubt, ...]:
    return tuple(doubtful(opened))

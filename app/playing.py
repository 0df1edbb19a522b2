"""Play: two clips in step. What the browser does not play is copied small, in the background."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from vidremove.errors import VidremoveError
from vidremove.media.proxy import plays_in_browsers, write_proxy
from vidremove.media.video import VideoSource
from vidremove.types import OnProgress

from .comparing import Side, number_of_left, number_of_right, side_of
from .components import show_player
from .files import offer_file
from .opening import Medium
from .outcomes import beside
from .running import Run
from .session import Session, go_to
from .texts import plain

_POLL_S = 0.5  # between two looks at a copy that is made
_LONGEST_S = 60.0  # of a copy
_SIDE = 960  # pixels of its longer side

_copies: dict[Path, Run] = {}  # that are made, or could not be
_lock = threading.Lock()


def show_clips(session: Session) -> None:
    """Both clips beside each other; while a copy is made, how far it is."""
    try:
        sides = [side_of(session, number) for number in (number_of_left(session), number_of_right(session))]
        played = [_playable(session, side, sides) for side in sides]
    except VidremoveError as error:
        st.error(plain(str(error)))
        return
    waiting = [found for found in played if isinstance(found, Run)]
    if waiting:
        _show_waiting(waiting)
        return
    paths = [found for found in played if isinstance(found, Path)]
    copied = any(path != side.medium.source.path for path, side in zip(paths, sides, strict=True))
    info = sides[0].medium.info
    data = {
        "left": offer_file(paths[0], shown=True),
        "right": offer_file(paths[1], shown=True),
        "labels": [side.label for side in sides],
        "rate": float(info.rate) or 25.0,
        "ratio": info.size[1] / info.size[0],
        "start": time_of(sides[0].medium, session.frame),
        "copied": copied,
        "sound": not copied,
        "note": note_of(sides[0].medium) if copied else "",
    }
    show_player(data, lambda event: apply_pause(session, event))


def apply_pause(session: Session, event: Mapping[str, Any] | None) -> None:
    """Go to the frame where the clips were stopped; show copies where they failed; pass over what is not understood."""
    if isinstance(event, Mapping) and event.get("failed") is True:
        st.session_state["copies"] = True
        return
    time = event.get("time") if isinstance(event, Mapping) else None
    if session.medium is None or isinstance(time, bool) or not isinstance(time, int | float):
        return
    if not 0 <= time < float("inf"):
        return
    go_to(session, session.medium.source.index_at(float(time)))


def time_of(medium: Medium, frame: int) -> float:
    """Seconds from the start of the clip to the middle of the time that a frame is shown."""
    source, rate = medium.source, float(medium.info.rate) or 25.0
    if not isinstance(source, VideoSource):
        return (frame + 0.5) / rate
    times = (source.index.pts[frame : frame + 2] - source.index.pts[0]) * float(medium.info.time_base)
    return float(times.mean()) if len(times) > 1 else float(times[0]) + 0.5 / rate


def note_of(medium: Medium) -> str:
    """What a copy lacks, in a word."""
    cut = medium.info.duration_s > _LONGEST_S
    length = f" of the first {_LONGEST_S:.0f} seconds" if cut else ""
    return f"A small copy{length}, without sound: not every browser plays this kind. Compare shows every pixel."


def _playable(session: Session, side: Side, others: Sequence[Side]) -> Path | Run:
    """The file itself, or a small copy of it, or the run that makes one. Raises: VidremoveError if there is none."""
    path = side.medium.source.path
    as_they_are = not st.session_state.get("copies") and all(plays_in_browsers(each.medium.source) for each in others)
    if as_they_are:  # both or none, so that they look alike
        return path
    copy = session.files.path / "source.proxy.mp4" if side.medium is session.medium else beside(path, "proxy.mp4")
    if copy.is_file():
        return copy
    with _lock:
        run = _copies.get(copy)
        if run is None or (run.finished and not run.error):  # its file has gone since
            run = _copies[copy] = Run(lambda step: _copy(side.medium, copy, step), "copy", "Making a small copy")
    return run


def _copy(medium: Medium, copy: Path, on_progress: OnProgress) -> int:
    return write_proxy(medium.source, copy, side=_SIDE, longest_s=_LONGEST_S, on_progress=on_progress)


def _show_waiting(runs: list[Run]) -> None:
    @st.fragment(run_every=_POLL_S)
    def progress() -> None:
        failed = next((run.error for run in runs if run.error), "")
        if failed:
            st.error(plain(failed))
            return
        if all(run.finished for run in runs):
            st.rerun()
        st.caption("Making a small copy that the browser plays.")
        steps = [step for run in runs for step in run.passes()]
        share = sum(step.share for step in steps) / len(runs)
        st.progress(share)

    progress()

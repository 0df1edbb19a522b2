"""Try the settings on one second round a frame before the whole is removed, and say what the whole would take."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from vidremove import preview
from vidremove.errors import VidremoveError
from vidremove.types import OnProgress, Progress, Result

from .prompting import check_said
from .removing import config_of, usable
from .running import Run
from .session import Session, keep, start_run
from .texts import plain
from .tracking import current_masks

KIND = "try"  # of a run that is ours


@dataclass(frozen=True, slots=True)
class Trial:
    """What a try gave."""

    target: Path  # before and after beside each other
    frame: int
    seconds: float  # that the whole takes, estimated
    memory_mb: float  # that the program held at most, 0 where this system does not tell
    notes: tuple[str, ...]
    tracks: bool  # whether the estimate counts the tracking too


def start_trial(session: Session) -> None:
    """Remove what the prompts name in one second round the frame that is shown; what hinders it is the message."""
    medium = session.medium
    if medium is None or session.busy:
        return
    session.message = ""
    keep(session)
    prompts, masks, frame = session.said.prompts, current_masks(session), session.frame
    try:
        if not masks:
            check_said(medium, prompts, "remove")
        config = config_of(usable(session.settings)[0])
        suffix = ".mp4" if medium.info.kind != "photo" else ".png"
        source, target = medium.source.path, session.files.path / f"try{suffix}"

        def work(on_progress: OnProgress) -> tuple[Result, int, float]:
            highest = 0.0

            def step(progress: Progress) -> bool | None:
                nonlocal highest
                highest = max(highest, memory_mb())
                return on_progress(progress)

            said = () if masks else prompts
            wanted: dict[str, Any] = {"masks": masks, "frame": frame, "config": config}
            return preview(source, target, said, **wanted, overwrite=True, on_progress=step), frame, highest

        start_run(session, KIND, "Trying one second", work)
    except VidremoveError as error:
        session.message = str(error)


def collect_trial(session: Session, run: Run) -> bool:
    """Take in a run of ours that has ended. Returns: whether there is something to show."""
    if run.cancelled:
        session.message = "stopped as asked; your prompts are still here."
        return False
    if run.result is None or session.medium is None:
        session.message = run.error
        return False
    result, frame, highest = run.result
    tracks = any(step.stage == "track" for step in result.passes)
    seconds = result.seconds_for(session.medium.info.frames)
    session.trial = Trial(result.target, frame, seconds, highest, result.notes, tracks)
    return True


def memory_mb() -> float:
    """Megabytes of memory that this program holds; 0 where the system does not tell in the way of Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def show_try(session: Session) -> None:
    """Try, and what the last try gave. Goes above Remove."""
    medium = session.medium
    if medium is None:
        return
    what = "Try this second" if medium.info.kind != "photo" else "Try it"
    st.button(what, key="try", icon=":material/preview:", width="stretch", disabled=not session.said.prompts,
              help="see one second round this frame with the settings of now, and what the whole would take",
              on_click=start_trial, args=(session,))  # fmt: skip
    trial = session.trial
    if trial is None or not trial.target.exists():
        return
    st.caption(say_estimate(trial))
    again, away = st.columns([3, 1])
    look = again.button("Look again", key="look-again", icon=":material/open_in_full:", width="stretch")
    away.button("", key="try-hide", icon=":material/close:", help="take this away", width="stretch",
                on_click=_hide, args=(session,))  # fmt: skip
    if look or st.session_state.get("trial") is not trial:
        st.session_state["trial"] = trial
        st.dialog("Before and after", width="large")(_show_look)(trial)


def say_estimate(trial: Trial) -> str:
    """What the whole would take, in a sentence; a photo is whole as it was tried."""
    if trial.target.suffix == ".png":
        return "This is how it will look."
    minutes = trial.seconds / 60
    longer = f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
    time = f"{trial.seconds:.0f} s" if minutes < 1.5 else longer
    memory = f" and {trial.memory_mb / 1000:.1f} GB of memory, however long the clip is" if trial.memory_mb else ""
    with_tracking = ", the tracking included" if trial.tracks else ""
    return f"Frame {trial.frame} and around. The whole would take about {time}{with_tracking}{memory}."


def _show_look(trial: Trial) -> None:
    if trial.target.suffix == ".png":
        st.image(str(trial.target), width="stretch")
    else:
        st.video(str(trial.target), loop=True, autoplay=True, muted=True)
    st.caption(say_estimate(trial))
    for note in trial.notes:
        st.caption(f":material/info: {plain(note)}")


def _hide(session: Session) -> None:
    session.trial = None

"""Start a removal, and take in its end."""

import weakref
from pathlib import Path

from vidremove import remove
from vidremove.config import Config, load_config
from vidremove.errors import InputError, VidremoveError
from vidremove.media import open_source
from vidremove.types import OnProgress, Result

from .commands import remove_command
from .opening import Medium
from .prompting import find
from .running import Run
from .session import Outcome, Session, Settings, drop_outcome, keep

_WRITTEN = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")  # clips that come back with the suffix they had


def config_of(settings: Settings) -> Config:
    """The settings of a run. Raises: ConfigError."""
    overrides = [f"fill.inpainter={settings.fill}"]
    if settings.dilate >= 0:
        overrides.append(f"fill.dilate={settings.dilate}")
    return load_config(settings.preset, overrides)


def start(session: Session) -> None:
    """Keep what is drafted and start to remove everything that was kept; what hinders it becomes the message."""
    medium = session.medium
    if medium is None or session.busy:
        return
    session.message = ""
    keep(session)
    prompts = session.said.prompts
    try:
        if not prompts:
            raise InputError("nothing says what to remove: click on the object, draw a box round it, or name it.")
        for prompt in prompts:
            complaint = find(medium, prompt).complaint
            if complaint:
                raise InputError(f"{prompt.object}, frame {prompt.frame}: {complaint}")
        config = config_of(session.settings)
    except VidremoveError as error:
        session.message = str(error)
        return
    session.runs += 1
    source, target = medium.source.path, session.folder / f"result-{session.runs}{_suffix(medium)}"

    def work(on_progress: OnProgress) -> Result:
        return remove(source, target, prompts, config=config, on_progress=on_progress)

    session.command = remove_command(medium.given, f"clean{_suffix(medium)}", prompts, session.settings)
    session.run = Run(work)
    weakref.finalize(session.scratch, session.run.cancel)  # a visitor who has gone waits for no result


def collect(session: Session) -> bool:
    """Take in a run that has ended: its result, or why there is none; the result before stays in that case.

    Returns: whether there is a new result.
    """
    run = session.run
    if run is None or not run.finished:
        return False
    session.run = None
    if run.cancelled:
        session.message = "stopped as asked; your prompts are still here."
        return False
    if run.result is None or session.medium is None:
        session.message = run.error
        return False
    target = run.result.target
    try:
        after = Medium(open_source(target), f"clean{target.suffix}", str(target))
    except VidremoveError as error:
        session.message = str(error)
        return False
    drop_outcome(session)
    session.outcome = Outcome(run.result, after, session.command)
    return True


def _suffix(medium: Medium) -> str:
    """What the name of the result ends in; nothing for a folder."""
    suffix = Path(medium.source.path).suffix.lower()
    if medium.info.kind == "folder":
        return ""
    return suffix if medium.info.kind == "photo" or suffix in _WRITTEN else ".mp4"

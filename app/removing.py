"""Start a removal, and take in its end."""

from pathlib import Path

from vidremove import remove
from vidremove.config import Config, load_config
from vidremove.errors import InputError, VidremoveError
from vidremove.types import OnProgress, Result

from .commands import remove_command
from .opening import Medium
from .outcomes import Outcome, find_outcomes, keep_outcome
from .prompting import find
from .session import Session, Settings, end_run, keep, start_run

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
    workspace, suffix = session.files, _suffix(medium)
    source, target = medium.source.path, workspace.new_result(suffix)
    command = remove_command(medium.given, f"clean{suffix}", prompts, session.settings)

    def work(on_progress: OnProgress) -> Result:
        result = remove(source, target, prompts, config=config, on_progress=on_progress)
        keep_outcome(workspace, Outcome(result, command))  # here, since the visitor may have gone
        return result

    try:
        start_run(session, "remove", "Removing", work)
    except VidremoveError as error:
        session.message = str(error)


def collect(session: Session) -> bool:
    """Take in a run that has ended: its result, or why there is none; the result before stays in that case.

    Returns: whether there is a new result.
    """
    run = end_run(session)
    if run is None:
        return False
    if run.cancelled:
        session.message = "stopped as asked; your prompts are still here."
        return False
    if run.error:
        session.message = run.error
        return False
    session.outcomes = find_outcomes(session.files, session.outcomes)
    return True


def _suffix(medium: Medium) -> str:
    """What the name of the result ends in; nothing for a folder."""
    suffix = Path(medium.source.path).suffix.lower()
    if medium.info.kind == "folder":
        return ""
    return suffix if medium.info.kind == "photo" or suffix in _WRITTEN else ".mp4"

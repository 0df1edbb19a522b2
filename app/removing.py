"""Start a removal with one fill or two, and take in its end."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vidremove import remove, track
from vidremove.cli.console import WORDS
from vidremove.config import Config, load_config
from vidremove.errors import VidremoveError
from vidremove.project import Project, load_project, save_project, suffix_for
from vidremove.tracks import Track
from vidremove.types import OnProgress, Progress, Prompt, Result

from .commands import remove_command
from .outcomes import Outcome, beside, find_outcomes, keep_outcome
from .prompting import check_said
from .running import Run
from .saving import keep_tracked
from .session import Session, Settings, keep, start_run
from .weights import label, missing
from .workspace import Workspace

KIND = "remove"  # of a run that is ours
FILLS = ("patch", "lama", "mat", "telea")  # in the order in which they are offered
_LABELS = {"patch": "Embedded", "telea": "Telea"}
PRESETS = {"fast": "Fast", "default": "Balanced", "quality": "Best"}


def label_of(fills: tuple[str, ...]) -> str:
    """What the page calls a fill, or two."""
    return " and ".join(_LABELS.get(name) or label(name) for name in fills)


def config_of(settings: Settings) -> Config:
    """The settings of a run, with the first fill whose weights are here. Raises: ConfigError."""
    way = usable(settings)[0]
    return load_config(way.preset, way.overrides)


def usable(settings: Settings) -> list[Settings]:
    """One for each fill whose weights are here; the embedded one where they are for none."""
    fills = [name for name in settings.fills if name not in missing(settings.fills)]
    return [replace(settings, fill=name) for name in dict.fromkeys(fills or ["patch"])]


@dataclass(frozen=True, slots=True)
class Removal:
    """One removal with one or several fills; the result of each is kept on disk as soon as it is finished."""

    files: Workspace
    source: Path
    given: str  # as the command line is told
    is_photo: bool
    suffix: str  # of the results
    prompts: tuple[Prompt, ...]
    tracked: bool  # the track of the project is that of the prompts
    ways: tuple[Settings, ...]

    def __call__(self, on_progress: OnProgress) -> list[Result]:
        """Track once, then fill in one way after the other. Raises: VidremoveError; what was finished stays."""
        done: list[Result] = []
        for way in self.ways:
            target = self.files.new_result(self.suffix)
            masks = beside(target, "track")
            try:
                if done or self.tracked:
                    before = beside(done[0].target, "track") if done else self.files.track
                    shutil.copytree(before, masks)
                else:
                    self._track(way, masks, on_progress)
                tell = _named(way, on_progress) if len(self.ways) > 1 else on_progress
                result = remove(self.source, target, masks=masks, config=config_of(way), on_progress=tell)
                self._keep(way, result, masks)
            except BaseException:
                self.files.forget_result(target)
                raise
            done.append(result)
        return done

    def _track(self, way: Settings, masks: Path, on_progress: OnProgress) -> None:
        """Track the prompts; of a clip that becomes the project's track, to be looked at and corrected."""
        if self.is_photo:
            track(self.source, masks, self.prompts, config=config_of(way), on_progress=on_progress)
            return
        kept = self.files.track
        track(self.source, kept, self.prompts, config=config_of(way), overwrite=True, on_progress=on_progress)
        keep_tracked(self.files, self.source, self.prompts)
        shutil.copytree(kept, masks)

    def _keep(self, way: Settings, result: Result, masks: Path) -> None:
        """Write down what repeats the result, then that it is there."""
        project = Project(self.source, self.prompts, masks, way.preset, way.overrides)
        save_project(project, beside(result.target, "project.json"))
        command = remove_command(self.given, f"clean{self.suffix}", self.prompts, way)
        words = [label_of(way.fills), *([] if way.preset == "default" else [PRESETS[way.preset]])]
        keep_outcome(self.files, Outcome(result, command, " · ".join(words)))


def _named(way: Settings, on_progress: OnProgress) -> Callable[[Progress], bool | None]:
    """Tell of passes by the fill that they are for."""
    name = label_of(way.fills)
    return lambda step: on_progress(replace(step, stage=f"{name} · {WORDS.get(step.stage, step.stage)}"))


def start(session: Session) -> None:
    """Keep what is drafted and start to remove everything that was kept; what hinders it becomes the message."""
    medium = session.medium
    if medium is None or session.busy:
        return
    session.message = ""
    keep(session)
    prompts = session.said.prompts
    tracked = session.has_tracked(prompts)
    try:
        if not tracked:
            check_said(medium, prompts, "remove")
        ways = usable(session.settings)
        for way in ways:
            config_of(way)
        photo, suffix = medium.info.kind == "photo", suffix_for(medium.source.path)
        work = Removal(
            session.files, medium.source.path, medium.given, photo, suffix, prompts, tracked, tuple(ways)
        )  # fmt: skip
        start_run(session, KIND, f"Removing · {label_of(tuple(way.fill for way in ways))}", work)
    except VidremoveError as error:
        session.message = str(error)


def collect_removal(session: Session, run: Run) -> bool:
    """Take in a run of ours that has ended: its results, or why there are none; what was finished before stays.

    Returns: whether there is a new result.
    """
    _take_up_track(session)
    before = len(session.outcomes)
    session.outcomes = find_outcomes(session.files, session.outcomes)
    new = len(session.outcomes) - before
    if run.cancelled:
        first = f"{session.outcomes[-1].label} was finished and is kept" if new else ""
        masks = "what was tracked is kept" if session.track is not None and not new else ""
        kept = [words for words in (first, masks, "your prompts are still here") if words]
        session.message = f"stopped as asked; {'; '.join(kept)}."
    elif run.error:
        session.message = run.error
    return new > 0


def _take_up_track(session: Session) -> None:
    """Open the project's track if the run has made it."""
    if not session.files.tracked.is_file():
        return
    try:
        prompts = load_project(session.files.tracked).prompts
        if not session.has_tracked(prompts):
            opened = Track.open(session.files.track)
            if session.track is not None:
                session.track.close()
            session.track, session.tracked = opened, prompts
    except VidremoveError as error:
        session.message = str(error)

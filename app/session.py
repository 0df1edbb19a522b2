"""What one visitor has done so far, in one place, and the steps that change it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from vidremove.errors import InputError
from vidremove.tracks import Track
from vidremove.types import OnProgress, Prompt

from .opening import Medium
from .outcomes import Outcome
from .running import RUNS, Run, Work
from .saving import same_prompts, save
from .workspace import Workspace

COLOURS = ("#ff2828", "#2f7bff", "#18a558", "#b14bff", "#ff9d1c", "#00a7b5")  # of objects, in their order
POINT, REVIEW, COMPARE, PLAY = VIEWS = ("Point", "Review", "Compare", "Play")
_LONGEST_NAME = 40
_MOST_UNDONE = 100
_MOST_UNDONE_BYTES = 256 << 20  # of painted masks in what was said before


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What has been said of the objects; replaced as a whole, so that a step back is the one before."""

    kept: tuple[Prompt, ...] = ()  # one for each object and frame
    draft: tuple[Prompt, ...] = ()  # of `name`, one for each frame; not kept yet
    name: str = "object 1"  # of the object that is pointed at

    @property
    def names(self) -> list[str]:
        """The objects in their order, with the one that is pointed at."""
        return list(dict.fromkeys([*(prompt.object for prompt in self.kept), self.name]))

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """All that counts for a run: what is kept, and the draft instead of what it changes."""
        changed = {(prompt.object, prompt.frame) for prompt in self.draft}
        return (*(p for p in self.kept if (p.object, p.frame) not in changed), *self.draft)

    def on(self, name: str, frame: int) -> Prompt | None:
        """What is said of one object on one frame."""
        return next((p for p in self.prompts if p.object == name and p.frame == frame), None)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to remove."""

    preset: str = "default"
    fill: str = "patch"
    dilate: int = -1  # pixels; -1: by the size of the picture
    feather: int = -1  # pixels; -1: as the preset has it

    @property
    def fills(self) -> tuple[str, ...]:
        """One fill, or several that are tried one after the other, such as "lama+mat"."""
        return tuple(self.fill.split("+"))

    @property
    def overrides(self) -> tuple[str, ...]:
        """What changes in the preset, for `load_config`; with the first of several fills."""
        pixels = {"dilate": self.dilate, "feather": self.feather}
        changes = (f"fill.{key}={value}" for key, value in pixels.items() if value >= 0)
        return (f"fill.inpainter={self.fills[0]}", *changes)


@dataclass(eq=False)
class Session:
    """The state of one visitor's page; shared by the tabs in which the same project is open."""

    workspace: Workspace | None = None  # where it is kept on disk; with `medium`
    medium: Medium | None = None
    frame: int = 0
    tool: str = "click"
    said: Said = field(default_factory=Said)
    hidden: set[str] = field(default_factory=set)  # objects whose masks are not drawn
    undone: list[Said] = field(default_factory=list)  # what was said before, for steps back
    redone: list[Said] = field(default_factory=list)  # what was taken back, for steps forward
    settings: Settings = field(default_factory=Settings)
    view: str = POINT
    run: Run | None = None
    track: Track | None = None  # the masks over the clip
    tracked: tuple[Prompt, ...] = ()  # what the track was made from
    dismissed: set[tuple[str, int, str]] = field(default_factory=set)  # doubts that were found right
    footage: Any = None  # app.footage.Footage: what is made in the background for the track
    trial: Any = None  # app.trying.Trial: one second, before and after
    outcomes: list[Outcome] = field(default_factory=list)  # in the order in which they were made
    message: str = ""  # what went wrong in the last step, one sentence
    _saved: tuple[Any, ...] = ()

    @property
    def files(self) -> Workspace:
        """Where everything is kept. Raises: InputError while nothing is open."""
        if self.workspace is None:
            raise InputError("nothing is open: open a clip or a photo first.")
        return self.workspace

    @property
    def busy(self) -> bool:
        return self.run is not None

    @property
    def untouched(self) -> bool:
        """Whether nothing would be lost with the project: nothing was said or done, and its medium lies elsewhere."""
        medium, workspace = self.medium, self.workspace
        done = self.said.prompts or self.undone or self.outcomes or self.track or self.run
        if medium is None or workspace is None or done:
            return False
        return not medium.source.path.is_relative_to(workspace.path)

    def has_tracked(self, prompts: Sequence[Prompt]) -> bool:
        """Whether there is a track, and it was made from just these prompts."""
        return self.track is not None and same_prompts(self.tracked, prompts)

    def say(self, said: Said) -> None:
        """Go on with this, and remember what was before."""
        self.undone = _recent([*self.undone, self.said])
        self.said, self.redone, self.message = said, [], ""
        self.save()

    def save(self) -> None:
        """Keep all this on disk, if it changed since it was kept last; any change may be followed by it."""
        shown = (self.frame, self.tool, self.view)
        now = (self.said, self.settings, shown, self.track, self.tracked, frozenset(self.dismissed))
        if now != self._saved:
            self._saved = now
            save(self)


def _recent(history: list[Said]) -> list[Said]:
    """The last steps, as many as are kept; at least one."""
    recent = history[-_MOST_UNDONE:]
    masks: dict[int, int] = {}  # bytes of each; steps share them
    for count, said in enumerate(reversed(recent)):
        masks |= {id(prompt.mask): prompt.mask.nbytes for prompt in said.prompts if prompt.mask is not None}
        if count and sum(masks.values()) > _MOST_UNDONE_BYTES:
            return recent[-count:]
    return recent


def take(session: Session, medium: Medium, workspace: Workspace) -> None:
    """Begin to work on a medium in a folder for it."""
    session.workspace, session.medium, session.frame, session.message = workspace, medium, 0, ""
    session.said, session.undone, session.redone, session.view = Said(), [], [], POINT
    session.run, session.outcomes = RUNS.find(workspace.id), []
    session.track, session.tracked, session.dismissed, session.footage = None, (), set(), None


def start_run(session: Session, kind: str, title: str, work: Work) -> None:
    """Start a long piece of work for the project; `work` keeps what it makes in the project's folder itself.

    Raises: InputError if something goes on already, or too much on this computer.
    """
    running = session.files.running

    def noted(on_progress: OnProgress) -> Any:
        with suppress(OSError):  # a note that cannot be written is no reason not to work
            running.write_text(title, "utf-8")
        try:
            return work(on_progress)
        finally:
            running.unlink(missing_ok=True)

    session.run = RUNS.start(session.files.id, kind, title, noted)
    if session.footage is not None:
        session.footage.stop()  # begun again when it is looked at after the run


def end_run(session: Session) -> Run | None:
    """The run that has ended, and is the session's no more; None while it goes on, or if there is none."""
    run = session.run
    if run is None or not run.finished:
        return None
    session.run = None
    RUNS.drop(session.files.id)
    return run


def go_to(session: Session, frame: int) -> None:
    """Show another frame, the nearest there is."""
    if session.medium is not None:
        session.frame, session.message = min(max(0, frame), session.medium.info.frames - 1), ""
        session.save()


def undo(session: Session) -> None:
    """Take back the last thing that was said."""
    if session.undone:
        session.redone.append(session.said)
        session.said = session.undone.pop()
        session.save()
    session.message = ""


def redo(session: Session) -> None:
    """Say again what was taken back last."""
    if session.redone:
        session.undone.append(session.said)
        session.said = session.redone.pop()
        session.save()
    session.message = ""


def keep(session: Session) -> None:
    """Keep the masks of the object that is pointed at."""
    said = session.said
    if said.draft:
        session.say(Said(said.prompts, (), said.name))


def discard(session: Session) -> None:
    """Drop what was said of the object since it was last kept."""
    said = session.said
    if said.draft:
        session.say(Said(said.kept, (), said.name))
    session.message = ""


def add_another(session: Session) -> None:
    """Keep this object and point at a new one."""
    keep(session)
    said, number = session.said, 1
    while f"object {number}" in {prompt.object for prompt in said.kept}:
        number += 1
    session.say(Said(said.kept, (), f"object {number}"))


def choose(session: Session, name: str) -> None:
    """Point at an object that is there already; what was drafted of another is kept."""
    if name in session.said.names and name != session.said.name:
        keep(session)
        session.say(Said(session.said.kept, (), name))


def forget(session: Session, name: str) -> None:
    """Take an object off the list."""
    kept = tuple(prompt for prompt in session.said.kept if prompt.object != name)
    draft = () if session.said.name == name else session.said.draft
    session.say(Said(kept, draft, session.said.name))


def rename(session: Session, name: str) -> None:
    """Call the object that is pointed at by another name."""
    new, said = " ".join(name.split())[:_LONGEST_NAME], session.said
    if new == said.name:
        return
    if not new or not new.isprintable():
        session.message = "an object needs a name."
    elif new in said.names:
        session.message = f"there is an object called {new!r} already."
    else:
        kept = tuple(replace(p, object=new) if p.object == said.name else p for p in said.kept)
        session.say(Said(kept, tuple(replace(p, object=new) for p in said.draft), new))


def colour_of(said: Said, name: str) -> str:
    """The colour of an object's mask and marks."""
    return COLOURS[said.names.index(name) % len(COLOURS)]

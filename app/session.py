"""What one visitor has done so far, in one place, and the steps that change it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from vidremove.types import Prompt, Result

from .opening import Medium
from .running import Run
from .scratch import Scratch

COLOURS = ("#ff2828", "#2f7bff", "#18a558", "#b14bff", "#ff9d1c", "#00a7b5")  # of objects, in their order
_LONGEST_NAME = 40
_MOST_UNDONE = 100


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


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A finished removal."""

    result: Result
    after: Medium
    command: str  # that does the same


@dataclass(slots=True, eq=False)
class Session:
    """The state of one visitor's page."""

    medium: Medium | None = None
    frame: int = 0
    tool: str = "click"  # "click", "not" or "box"
    said: Said = field(default_factory=Said)
    undone: list[Said] = field(default_factory=list)  # what was said before, for steps back
    settings: Settings = field(default_factory=Settings)
    run: Run | None = None
    command: str = ""  # of the run
    outcome: Outcome | None = None
    message: str = ""  # what went wrong in the last step, one sentence
    runs: int = 0
    scratch: Scratch = field(default_factory=Scratch)

    @property
    def folder(self) -> Path:
        """For uploads and results; removed with the session."""
        return self.scratch.path

    @property
    def busy(self) -> bool:
        return self.run is not None

    def say(self, said: Said) -> None:
        """Go on with this, and remember what was before."""
        self.undone = [*self.undone[-_MOST_UNDONE:], self.said]
        self.said, self.message = said, ""


def take(session: Session, medium: Medium) -> None:
    """Work on another medium; what was said and done of the one before is let go."""
    if session.medium is not None:
        session.medium.close()
    drop_outcome(session)
    session.medium, session.frame, session.message = medium, 0, ""
    session.said, session.undone = Said(), []


def leave(session: Session) -> None:
    """Go back to where a medium is opened."""
    if session.medium is not None:
        session.medium.close()
    drop_outcome(session)
    session.medium, session.message = None, ""


def drop_outcome(session: Session) -> None:
    """Let go of a result."""
    if session.outcome is not None:
        session.outcome.after.close()
        session.outcome = None


def go_to(session: Session, frame: int) -> None:
    """Show another frame, the nearest there is."""
    if session.medium is not None:
        session.frame, session.message = min(max(0, frame), session.medium.info.frames - 1), ""


def undo(session: Session) -> None:
    """Take back the last thing that was said."""
    if session.undone:
        session.said = session.undone.pop()
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

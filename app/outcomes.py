"""Finished removals: what one is, and how it is written down in the project's folder and found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidremove.media import open_source
from vidremove.types import Result

from .opening import Medium
from .workspace import Workspace


@dataclass(slots=True, eq=False)
class Outcome:
    """A finished removal; its files lie in the project's folder."""

    result: Result
    command: str  # that does the same
    label: str = ""  # what sets it apart from the others, such as "LaMa, Best"
    accepted: bool = False
    _after: Medium | None = None

    @property
    def after(self) -> Medium:
        """The result itself, opened when it is first asked for. Raises: InputError."""
        if self._after is None:
            target = self.result.target
            self._after = Medium(open_source(target), f"clean{target.suffix}", str(target))
        return self._after

    def close(self) -> None:
        """Close the result's file, if it was opened."""
        if self._after is not None:
            self._after.close()
            self._after = None


def beside(target: Path, ending: str) -> Path:
    """Where something that belongs to a result is kept, such as "track" for its masks; it goes when the result goes."""
    return target.with_name(f"{target.name.split('.')[0]}.{ending}")


def keep_outcome(workspace: Workspace, outcome: Outcome) -> None:
    """Write down what a finished removal is, so that it is found again. Raises: OutputError."""
    result = outcome.result
    record = {
        "frames": result.frames,
        "changed": result.changed,
        "shots": result.shots,
        "seconds": result.seconds,
        "notes": list(result.notes),
        "command": outcome.command,
        "label": outcome.label,
        "accepted": outcome.accepted,
    }
    workspace.keep_result(result.target, record)


def find_outcomes(workspace: Workspace, known: Sequence[Outcome] = ()) -> list[Outcome]:
    """The finished removals of a project in the order in which they were made; what is damaged is left out.

    Args:
        known: some that were found before, and are taken as they are.
    """
    before = {outcome.result.target: outcome for outcome in known}
    found = [before.get(target) or outcome_of(target, record) for target, record in workspace.list_results()]
    return [outcome for outcome in found if outcome is not None]


def outcome_of(target: Path, record: Mapping[str, Any]) -> Outcome | None:
    """The removal that `keep_outcome` wrote down; None for a record that is none."""
    try:
        numbers = (int(record["frames"]), int(record["changed"]), int(record["shots"]), float(record["seconds"]))
        notes = tuple(str(note) for note in record["notes"])
        words = (str(record["command"]), str(record["label"]), bool(record["accepted"]))
    except (KeyError, TypeError, ValueError):
        return None
    return Outcome(Result(target, *numbers, notes), *words)

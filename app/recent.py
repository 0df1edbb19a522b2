"""The projects that were begun on this computer, for the list on the opening page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .workspace import Workspace, list_workspaces, read_json

_MOST = 24


@dataclass(frozen=True, slots=True)
class Recent:
    """What the list says of a project."""

    workspace: Workspace
    name: str
    source: Path
    cover: Path | None
    touched_s: float  # seconds since 1970
    progress: str  # how far it has come, in words
    untouched: bool  # nothing was pointed at yet


def list_recent(home: Path | None = None) -> list[Recent]:
    """The projects that can be gone on with, the last touched first."""
    found = (describe(workspace) for workspace in list_workspaces(home)[: 2 * _MOST])
    listed: list[Recent] = []
    for recent in found:
        again = recent is not None and any(recent.source == other.source for other in listed)
        if recent is not None and not (again and recent.untouched):
            listed.append(recent)
    return listed[:_MOST]


def describe(workspace: Workspace) -> Recent | None:
    """What the list says of a project; None if there is nothing to go on with."""
    values = read_json(workspace.project)
    source, app = values.get("source"), values.get("app")
    if not isinstance(source, str) or not isinstance(app, dict):
        return None
    path = workspace.path / source
    name = app.get("name")
    return Recent(
        workspace,
        name if isinstance(name, str) and name else path.name,
        path,
        workspace.cover if workspace.cover.is_file() else None,
        workspace.touched_s,
        _progress(workspace, values),
        not (values.get("prompts") or values.get("drafts")),
    )


def _progress(workspace: Workspace, values: dict[str, Any]) -> str:
    said = [*_entries(values.get("prompts")), *_entries(values.get("drafts"))]
    count = len({str(prompt.get("object")) for prompt in said})
    words = [f"{count} object{'s' if count > 1 else ''}" if count else "nothing pointed at yet"]
    if workspace.track.exists():
        words.append("tracked")
    results = len(workspace.list_results())
    if results:
        words.append(f"{results} result{'s' if results > 1 else ''}")
    return " · ".join(words)


def _entries(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []

"""The state of a page as the file of its project, see vidremove/project.py; restoring.py is the way back."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidremove.errors import VidremoveError
from vidremove.project import Project, save_project
from vidremove.types import Prompt

from .workspace import Workspace

if TYPE_CHECKING:
    from .session import Session


def save(session: "Session") -> None:
    """Keep the state on disk. What hinders it becomes the message: the work on the page goes on."""
    workspace, medium = session.workspace, session.medium
    if workspace is None or medium is None or not workspace.path.is_dir():  # taken away in another tab
        return
    project = Project(
        medium.source.path,
        session.said.kept,
        workspace.track if session.has_tracked(session.said.kept) else None,
        session.settings.preset,
        session.settings.overrides,
        drafts=session.said.draft,
        app={
            "name": medium.name,
            "given": medium.given,
            "frame": session.frame,
            "tool": session.tool,
            "view": session.view,
            "object": session.said.name,
            "dismissed": [list(doubt) for doubt in sorted(session.dismissed)],
            "settings": asdict(session.settings),
        },
    )
    try:
        save_project(project, workspace.project)
    except VidremoveError as error:
        session.message = str(error)


def keep_tracked(workspace: Workspace, source: Path, prompts: Sequence[Prompt]) -> None:
    """Write down which prompts the track of a project was made from. Raises: OutputError."""
    save_project(Project(source, tuple(prompts)), workspace.tracked)


def same_prompts(one: Sequence[Prompt], other: Sequence[Prompt]) -> bool:
    """Whether two lists say the same, in whatever order."""
    if len(one) != len(other):
        return False
    there = {(prompt.object, prompt.frame): prompt for prompt in other}
    return all(_same(prompt, there.get((prompt.object, prompt.frame))) for prompt in one)


def _same(one: Prompt, other: Prompt | None) -> bool:
    if other is None or _plain(one) != _plain(other):
        return False
    if one.mask is None or other.mask is None:
        return one.mask is other.mask
    return one.mask is other.mask or bool(np.array_equal(one.mask, other.mask))


def _plain(prompt: Prompt) -> tuple[Any, ...]:
    return prompt.clicks, prompt.not_clicks, prompt.box, prompt.text

"""Go on with a project that the command line has written, or that was taken away from a page: a copy of it is made."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vidremove.errors import InputError, OutputError
from vidremove.project import SUFFIX, Project, load_project, save_project
from vidremove.tracks import Track, is_track

from .hosting import Hosting
from .restoring import restore
from .saving import keep_tracked
from .session import Session, Settings
from .texts import unquote
from .workspace import Workspace

_ON_PAGE = {"fill.inpainter": "fill", "fill.dilate": "dilate", "fill.feather": "feather"}


def is_project(text: str) -> bool:
    """Whether a path that was written names a project, and not a medium."""
    return unquote(text).lower().endswith(SUFFIX)


def open_project(text: str, hosting: Hosting) -> Session:
    """A session with a copy of the project at this path; its clip is read where it is, its file is not changed.

    Raises: InputError, OutputError, one sentence; nothing is left then.
    """
    path = hosting.allow(Path(unquote(text)).expanduser() if not hosting.shared else Path(unquote(text)))
    project = load_project(path)
    source = hosting.allow(project.source)
    workspace = Workspace.new()
    try:
        left_out = _copy(project, source, workspace)
        session = restore(workspace, hosting)
    except OSError as error:
        workspace.remove()
        raise OutputError(f"{path}: cannot be copied ({error.strerror}); free some space.") from error
    except BaseException:
        workspace.remove()
        raise
    if left_out:
        session.message = f"opened without {', '.join(left_out)}: the page has no place for that."
    return session


def _copy(project: Project, source: Path, workspace: Workspace) -> list[str]:
    """Keep it in the folder of the new project. Returns: what was left out, in words."""
    settings, left_out = _settings(project)
    track = project.track if project.track is not None and is_track(project.track) else None
    if project.track is not None and track is None:
        left_out.append(f"the masks in {project.track.name}")
    left_out += [name for name in ("start", "end", "rate") if getattr(project, name) is not None]
    app: dict[str, Any] = {"name": source.name, "given": str(source), **project.app, "settings": asdict(settings)}
    if track is not None:
        with Track.open(track):  # whole, or nothing is copied
            shutil.copytree(track, workspace.track, symlinks=True)
        keep_tracked(workspace, source, project.prompts)
    copy = Project(
        source,
        project.prompts,
        workspace.track if track is not None else None,
        settings.preset,
        settings.overrides,
        drafts=project.drafts,
        app=app,
    )
    save_project(copy, workspace.project)
    return left_out


def _settings(project: Project) -> tuple[Settings, list[str]]:
    """The settings that the page knows, and the others. Raises: InputError for a number that is none."""
    values: dict[str, Any] = {"preset": project.preset}
    left_out = []
    for override in project.overrides:
        key, _, value = override.partition("=")
        if key not in _ON_PAGE:
            left_out.append(override)
        elif key == "fill.inpainter":
            values["fill"] = value
        else:
            try:
                values[_ON_PAGE[key]] = int(value)
            except ValueError as error:
                raise InputError(f"{override}: needed a whole number of pixels.") from error
    kept = project.app.get("settings")
    fills = kept.get("fill") if isinstance(kept, dict) else None
    if isinstance(fills, str) and fills.split("+")[0] == values.get("fill"):
        values["fill"] = fills  # several, tried one after the other; the command line knows the first
    return Settings(**values), left_out

"""Take a project up again where it was left: after a reload of the page, a closed tab or a new server."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakValueDictionary

from vidremove.errors import VidremoveError
from vidremove.project import Project, load_project
from vidremove.tracks import Track

from .hosting import Hosting
from .opening import Medium, open_kept
from .outcomes import find_outcomes
from .session import VIEWS, Said, Session, Settings, take
from .workspace import Workspace

_open: "WeakValueDictionary[str, Session]" = WeakValueDictionary()  # by the project's id
_lock = threading.Lock()
_LONGEST_TITLE = 200


def share(session: Session) -> None:
    """Let other tabs with the same project find this session."""
    with _lock:
        _open[session.files.id] = session


def restore(workspace: Workspace, hosting: Hosting) -> Session:
    """The session of a project: the one that another tab has open, else as it is on disk.

    Raises: InputError, one sentence, if the file or its clip cannot be opened any more.
    """
    with _lock:
        found = _open.get(workspace.id)
    if found is not None:
        return found
    loaded = _load(workspace, hosting)
    with _lock:
        return _open.setdefault(workspace.id, loaded)


def _load(workspace: Workspace, hosting: Hosting) -> Session:
    project = load_project(workspace.project)
    session = Session()
    take(session, _open_medium(project, workspace, hosting), workspace)
    _put(project, session)
    if session.run is None:
        workspace.tidy()
        _tell_cut_off(session)
    session.outcomes = find_outcomes(workspace)
    _put_track(session)
    return session


def _open_medium(project: Project, workspace: Workspace, hosting: Hosting) -> Medium:
    name, given = _text(project.app, "name", project.source.name), _text(project.app, "given", str(project.source))
    return open_kept(project.source, name, given, workspace.path, hosting)


def _put(project: Project, session: Session) -> None:
    """What the file says into the session; what makes no sense there is passed over."""
    app, kept, draft = project.app, project.prompts, project.drafts
    last = session.medium.info.frames - 1 if session.medium is not None else 0
    kept = tuple(prompt for prompt in kept if prompt.frame <= last)
    draft = tuple(prompt for prompt in draft if prompt.frame <= last)
    name = draft[0].object if draft else _text(app, "object", kept[-1].object if kept else Said().name)
    session.said = Said(kept, draft, name)
    frame = app.get("frame")
    session.frame = min(max(0, frame), last) if isinstance(frame, int) else 0
    session.tool = _text(app, "tool", session.tool)
    view = _text(app, "view", session.view)
    session.view = view if view in VIEWS else session.view
    session.settings = settings_of(app.get("settings"))
    session.dismissed = set(_doubts(app.get("dismissed")))


def settings_of(values: Any) -> Settings:
    """The settings that were kept; the default for what is none."""
    plain = Settings()
    if not isinstance(values, Mapping):
        return plain
    known = {name: getattr(plain, name) for name in Settings.__slots__}
    good = {name: values[name] for name in known if name in values and type(values[name]) is type(known[name])}
    return Settings(**{**known, **good})


def _put_track(session: Session) -> None:
    """The masks that were tracked, if they are there, whole and of this medium."""
    workspace, medium = session.files, session.medium
    if medium is None or not workspace.track.is_dir():
        return
    try:
        prompts, track = load_project(workspace.tracked).prompts, Track.open(workspace.track)
    except VidremoveError as error:
        session.message = f"the masks that were tracked cannot be opened any more: {error}"
        return
    if (track.frames, track.size) == (medium.info.frames, medium.info.size):
        session.track, session.tracked = track, prompts
    else:
        track.close()


def _tell_cut_off(session: Session) -> None:
    """Say that a run did not come to its end, once."""
    running = session.files.running
    if running.is_file():
        title = running.read_text("utf-8", "replace")[:_LONGEST_TITLE]
        session.message = f"the program was ended before this was done: {title}. Start it again."
        running.unlink(missing_ok=True)


def _doubts(values: Any) -> Iterator[tuple[str, int, str]]:
    for entry in values if isinstance(values, list) else []:
        match entry:
            case [str(name), int(frame), str(reason)]:
                yield name, frame, reason


def _text(values: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) and value else otherwise

"""Where one visitor's work is kept on disk: a private folder with an id that nobody guesses, and what lies in it."""

import json
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidremove.errors import OutputError

HOME = "VIDREMOVE_PROJECTS"  # environment variable with the folder of all projects
STALE_DAYS = 30
_ID = re.compile(r"[0-9a-f]{32}")
_DAY_S = 86400
_ABANDONED_S = 3600  # since a file was written to; younger ones may belong to a run of another server


def home_folder() -> Path:
    """The folder of all projects: `VIDREMOVE_PROJECTS`, else where this system keeps a user's data."""
    named = os.environ.get(HOME)
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/vidremove/projects"
    given = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_DATA_HOME")
    return Path(given or Path.home() / ".local/share") / "vidremove" / "projects"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One project's folder. Its id is the only key to it: 128 random bits, as 32 hexadecimal digits."""

    path: Path

    @classmethod
    def new(cls, home: Path | None = None) -> "Workspace":
        """Make an empty one that only this user may enter. Raises: OutputError where it cannot be made."""
        path = (home or home_folder()) / secrets.token_hex(16)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
            (path / "results").mkdir()
        except OSError as error:
            raise OutputError(f"{path.parent}: projects cannot be kept there ({error.strerror}).") from error
        return cls(path)

    @classmethod
    def find(cls, key: object, home: Path | None = None) -> "Workspace | None":
        """The one with this id; None for an id that is none or that nothing is kept under."""
        if not isinstance(key, str) or not _ID.fullmatch(key):
            return None
        path = (home or home_folder()) / key
        return cls(path) if path.is_dir() and not path.is_symlink() else None

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def project(self) -> Path:
        """What is removed and how, for `vidremove remove --project`; and where the page was."""
        return self.path / "project.json"

    @property
    def tracked(self) -> Path:
        """A project with the prompts that `track` was made from."""
        return self.path / "tracked.json"

    @property
    def track(self) -> Path:
        """The masks that were tracked."""
        return self.path / "tracked.track"

    @property
    def results(self) -> Path:
        """N.mp4 (or .png, or a folder) with N.json beside it once it is complete."""
        return self.path / "results"

    @property
    def cover(self) -> Path:
        """A small picture of the medium."""
        return self.path / "cover.jpg"

    @property
    def running(self) -> Path:
        """The title of what goes on; still there when the program was ended before it."""
        return self.path / "running.txt"

    @property
    def touched_s(self) -> float:
        """When something was kept last, in seconds since 1970."""
        times = [_modified_s(file) for file in (self.path, self.project, self.tracked, self.results)]
        return max(times)

    def new_result(self, suffix: str) -> Path:
        """A path in `results` that nothing has yet, ending in `suffix`; "" for a folder."""
        self.results.mkdir(exist_ok=True)
        numbers = [int(found[0]) for file in self.results.iterdir() if (found := re.match(r"\d+", file.name))]
        return self.results / f"{max(numbers, default=0) + 1}{suffix}"

    def keep_result(self, target: Path, record: Mapping[str, Any]) -> None:
        """Write down what a finished result is; from then on it is found again. Raises: OutputError."""
        write_json(self.results / f"{target.name.split('.')[0]}.json", {**record, "target": target.name})

    def list_results(self) -> list[tuple[Path, dict[str, Any]]]:
        """Results and what was written down of them, in the order in which they were made."""
        found = []
        for file in self.results.glob("*.json"):
            record = read_json(file)
            name = record.get("target")
            if file.stem.isdigit() and isinstance(name, str) and re.fullmatch(rf"{file.stem}(\.\w+)?", name):
                target = self.results / name
                if target.exists():
                    found.append((int(file.stem), target, record))
        return [(target, record) for _, target, record in sorted(found, key=lambda entry: entry[0])]

    def forget_result(self, target: Path) -> None:
        """Take a result away, with what was written down of it and all that belongs to it (see outcomes.beside)."""
        number = target.name.split(".")[0]
        for file in [self.results / f"{number}.json", self.results / number, *self.results.glob(f"{number}.*")]:
            _remove(file)

    def tidy(self) -> None:
        """Take away what runs that were cut off have left; for a project that nothing runs for."""
        complete = {target.name.split(".")[0] for target, _ in self.list_results()}
        for file in self.results.glob("*"):
            if file.name.split(".")[0] not in complete and time.time() - _modified_s(file) > _ABANDONED_S:
                _remove(file)

    def remove(self) -> None:
        """Take the project away with all in it; what was opened by its path lies elsewhere and stays."""
        shutil.rmtree(self.path, ignore_errors=True)


def list_workspaces(home: Path | None = None) -> list[Workspace]:
    """All projects, the last touched first."""
    try:
        names = os.listdir(home or home_folder())
    except OSError:
        return []
    found = [workspace for name in names if (workspace := Workspace.find(name, home)) is not None]
    return sorted(found, key=lambda workspace: workspace.touched_s, reverse=True)


def sweep(home: Path | None = None, days: float = STALE_DAYS) -> int:
    """Remove the projects that were not touched for `days`. Returns: how many."""
    stale = [found for found in list_workspaces(home) if time.time() - found.touched_s > days * _DAY_S]
    for workspace in stale:
        workspace.remove()
    return len(stale)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a file whole or not at all. Raises: OutputError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"{path}: your work cannot be kept ({error.strerror}); free some space.") from error


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file; empty if there is none or it is damaged."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

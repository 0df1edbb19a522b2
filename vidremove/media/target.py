"""A target that appears under its name only when it is complete: written beside it, renamed at the end."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from vidremove.errors import OutputError
from vidremove.media.faults import writing

_PREFIX = ".vidremove-"


def check_target(target: Path, source: Path, overwrite: bool) -> None:
    """See before any work that the target can take the result's name without harm.

    Raises: OutputError, one sentence.
    """
    with writing(target):  # the system may refuse even to look
        _check(target, source, overwrite)


def _check(target: Path, source: Path, overwrite: bool) -> None:
    parent = target.absolute().parent
    if not parent.is_dir():
        raise OutputError(f"{target}: the folder {parent} does not exist. Make it first or name another.")
    real, origin = target.resolve(), source.resolve()
    if real == origin:
        raise OutputError(f"{target}: is the source itself; the result needs a name of its own.")
    if origin.is_dir() and real.is_relative_to(origin):
        raise OutputError(f"{target}: lies inside the source folder {source}; name a place outside it.")
    if origin.is_relative_to(real):
        raise OutputError(f"{target}: holds the source; the result needs a place of its own.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{target}: no permission to write into {parent}.")
    taken = target.is_symlink() or target.exists()
    if taken and not overwrite and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError(f"{target}: exists already. Name another, or allow it to be replaced with --overwrite.")


class StagedFile:
    """A file written under a temporary name beside its target."""

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        self.target, self._overwrite = target, overwrite
        self.path = target.absolute().with_name(f"{_PREFIX}{uuid.uuid4().hex[:12]}{target.suffix}")
        with writing(target):
            if target.is_dir():
                raise OutputError(f"{target}: is a folder; a file is to be written here. Name a file.")
            self.path.touch(exist_ok=False)

    def commit(self) -> None:
        """Give the file its final name.

        Raises: OutputError where something has taken the name since the start, unless it may be overwritten.
        """
        with writing(self.target):
            if not self._overwrite:
                try:
                    self.target.touch(exist_ok=False)  # takes the name at one stroke, on every file system
                except FileExistsError as error:
                    raise _taken(self.target) from error
            try:
                os.replace(self.path, self.target)
            except BaseException:  # an interrupt too
                if not self._overwrite and self.path.exists():  # else the result has its name already
                    self.target.unlink()  # the name that was taken above
                raise

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


class StagedFolder:
    """A folder of files written under a temporary name beside its target.

    An existing folder is replaced only if every file in it might be of ours.
    """

    def __init__(
        self, target: Path, replaceable: Callable[[Path], bool], *, overwrite: bool, what: str = "a picture"
    ) -> None:
        self.target, self._replaceable, self._overwrite, self._what = target, replaceable, overwrite, what
        with writing(target):
            self._check()
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=target.absolute().parent))

    def commit(self) -> None:
        """Give the folder its final name; what had it before is removed afterwards.

        Raises: OutputError where something has taken the name since the start that may not be replaced.
        """
        old = None
        with writing(self.target):
            mode = os.umask(0)
            os.umask(mode)
            self.path.chmod(0o777 & ~mode)  # mkdtemp makes it private
            self._check()
            if self.target.is_dir():
                old = self._make_room()
            try:
                os.rename(self.path, self.target.resolve())
            except BaseException:  # an interrupt too
                if old is not None and self.path.exists():  # else the result has its name already
                    os.rename(old, self.target.resolve())
                raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _check(self) -> None:
        target = self.target
        if target.exists() and not target.is_dir():
            raise OutputError(f"{target}: is a file; a folder is to be written here. Name another.")
        other = next((p for p in target.iterdir() if not self._replaceable(p)), None) if target.is_dir() else None
        if other is not None:
            raise OutputError(f"{target}: holds {other.name!r}, which is not {self._what}; it is not replaced.")

    def _make_room(self) -> Path | None:
        """Free the target's name. Returns: where the folder that had it is now; None where it was empty."""
        if not self._overwrite:
            try:
                self.target.resolve().rmdir()
            except OSError as error:
                raise _taken(self.target) from error
            return None
        old = self.path.with_name(f"{_PREFIX}{uuid.uuid4().hex[:12]}")
        os.rename(self.target.resolve(), old)
        return old


_Sink = TypeVar("_Sink", bound="StagedSink")


class StagedSink:
    """What the sinks of pictures share: leaving the `with` block without an error gives the target its name."""

    def __init__(self, target: Path, staged: StagedFile | StagedFolder) -> None:
        self.target, self.notes = target, list[str]()
        self._staged, self._written = staged, 0

    def __enter__(self: _Sink) -> _Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if not self._written:
                    raise OutputError(f"{self.target}: no frame was written, so nothing is there.")
                self._staged.commit()
        finally:
            self._staged.discard()


def _taken(target: Path) -> OutputError:
    return OutputError(
        f"{target}: came into being during the run and is not replaced. Run again with another name or --overwrite."
    )

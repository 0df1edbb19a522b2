"""Where frames come from: a video file, a folder of frames or one picture, told apart by what is there."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol

from vidremove.errors import InputError
from vidremove.media import stills
from vidremove.media.folder import FolderSource, list_pictures
from vidremove.media.video import VideoSource
from vidremove.types import Frame, MediaInfo


class Source(Protocol):
    """Frames of one medium. Frame numbers count from 0 and mean the same in every method.

    `notes` are those of `info`, and what was found while decoding.
    """

    path: Path
    info: MediaInfo

    @property
    def notes(self) -> list[str]: ...
    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...
    def glimpses(self, start: int = 0, stop: int | None = None, side: int = 192) -> Iterator[Frame]: ...
    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...
    def at(self, index: int) -> Frame: ...
    def index_at(self, time_s: float | Fraction) -> int: ...
    def close(self) -> None: ...
    def __enter__(self) -> "Source": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_source(path: str | Path, *, rate: Fraction | None = None) -> Source:
    """Open a video file, a folder of pictures or one picture.

    Args:
        rate: frames a second of a folder; a video keeps its own times.
    Raises: InputError, with one sentence on what was found and what is needed.
    """
    path = Path(path)
    if rate is not None and rate <= 0:
        raise InputError(f"{path}: a rate of {rate} frames a second; needed more than 0.")
    if rate is not None and max(rate.as_integer_ratio()) >= 1 << 31:
        raise InputError(
            f"{path}: a rate of {float(rate):g} frames a second, as a ratio of larger numbers than files keep."
        )
    try:
        if path.is_dir():
            return FolderSource(path, list_pictures(path), rate)
        if not path.exists():
            raise InputError(f"{path}: no such file or folder.")
    except OSError as error:  # a name too long, a folder that may not be entered
        raise InputError(f"{path}: cannot be opened ({error.strerror}).") from error
    if path.suffix.lower() in stills.SUFFIXES:
        return FolderSource(path, [path], rate, "photo")
    return VideoSource(path)

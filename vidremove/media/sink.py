"""Where frames go: the kind of the source decides what a target's name can mean."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol

from vidremove.config import OutputConfig
from vidremove.errors import OutputError
from vidremove.media import stills
from vidremove.media.codecs import CONTAINERS
from vidremove.media.picture_sink import FolderSink, PhotoSink
from vidremove.media.source import Source
from vidremove.media.target import check_target
from vidremove.media.video import VideoSource
from vidremove.media.video_sink import VideoSink
from vidremove.types import Frame


class Sink(Protocol):
    """Takes the frames of a source in order. Leaving its `with` block without an error gives the target its name."""

    target: Path
    notes: list[str]  # what could not be kept, in words

    def write(self, frame: Frame) -> None: ...
    def __enter__(self) -> "Sink": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_sink(
    target: str | Path, source: Source, config: OutputConfig, *, rate: Fraction | None = None, overwrite: bool = False
) -> Sink:
    """Make ready to write a result.

    A clip goes to a clip or, where the target has no suffix, to a folder of PNGs; a folder to a folder or a clip; a
    photo to a photo.

    Args:
        rate: frames a second of a clip made from a folder; a clip made from a clip keeps its times.
        overwrite: an existing target may be replaced, once the new one is complete.
    Raises: OutputError, before anything is written, where the target cannot be.
    """
    target = Path(target)
    suffix = target.suffix.lower()
    check_target(target, source.path, overwrite)
    if suffix in CONTAINERS and not target.is_dir():
        if source.info.kind == "photo":
            raise OutputError(f"{target}: the source is one picture; name a picture ({', '.join(stills.SUFFIXES)}).")
        return VideoSink(target, source, config, rate, overwrite=overwrite)
    if suffix in stills.SUFFIXES and not target.is_dir():
        if source.info.frames != 1:
            raise OutputError(f"{target}: is one picture, the source has {source.info.frames} frames. Name a folder.")
        return PhotoSink(target, source, config, overwrite=overwrite)
    if source.info.kind == "photo":
        raise OutputError(f"{target}: the source is one picture; name a picture ({', '.join(stills.SUFFIXES)}).")
    if suffix and not target.is_dir() and not suffix[1:].isdigit():
        known = ", ".join((*CONTAINERS, *stills.SUFFIXES))
        raise OutputError(f"{target}: files ending in {suffix} are not written. Known: {known}; no ending is a folder.")
    return FolderSink(target, source, config, overwrite=overwrite)


def frames_as_they_are(source: Source, sink: Sink, start: int, stop: int) -> Iterator[Frame]:
    """Frames [start, stop) that `sink` is to write unchanged; without pictures where it takes the source's planes."""
    if isinstance(source, VideoSource) and isinstance(sink, VideoSink):
        return source.planes(start, stop)
    return source.frames(start, stop)

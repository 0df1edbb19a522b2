"""Pictures as a target: a folder of frames, or one picture. A frame with nothing changed is copied byte for byte."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidremove.config import OutputConfig
from vidremove.errors import OutputError
from vidremove.media import stills
from vidremove.media.codecs import CONTAINERS
from vidremove.media.faults import writing
from vidremove.media.folder import FolderSource, Still
from vidremove.media.target import StagedFile, StagedFolder, StagedSink, check_target
from vidremove.types import Frame

if TYPE_CHECKING:
    from vidremove.media.source import Source


class FolderSink(StagedSink):
    """One picture a frame: with the source's names and formats where it is a folder, else 00000.png and so on."""

    def __init__(self, target: Path, source: "Source", config: OutputConfig, *, overwrite: bool) -> None:
        self._names, self._lossless = frame_names(source), config.lossless
        super().__init__(target, StagedFolder(target, is_picture_file, overwrite=overwrite))

    def write(self, frame: Frame) -> None:
        """Write one frame; `frame.mask` says which pixels were replaced (None: none)."""
        with writing(self.target):
            save(frame, self._staged.path / self._names[frame.index], self._lossless, self.notes)
        self._written += 1


class PhotoSink(StagedSink):
    """One picture, in the format of its suffix."""

    def __init__(self, target: Path, source: "Source", config: OutputConfig, *, overwrite: bool) -> None:
        self._lossless = config.lossless
        super().__init__(target, StagedFile(target, overwrite=overwrite))

    def write(self, frame: Frame) -> None:
        """Write the picture; `frame.mask` says which pixels were replaced (None: none)."""
        if self._written:
            raise OutputError(f"{self.target}: holds one picture, the source has more. Name a folder or a clip.")
        with writing(self.target):
            save(frame, self._staged.path, self._lossless, self.notes)
        self._written += 1


def save(frame: Frame, path: Path, lossless: bool, notes: list[str]) -> None:
    """Write one frame as a picture in the format of the suffix, from the source's own pixels where it has them."""
    suffix, native = path.suffix.lower(), frame.native
    changed = frame.mask is not None and bool(frame.mask.any())
    if not isinstance(native, Still):
        data, found = stills.encode(frame.image, suffix, lossless=lossless)
    else:
        header = native.header
        same_format = suffix in _suffixes(header.path)
        if not changed and same_format:
            shutil.copyfile(header.path, path)
            return
        stored = stills.read_stored(header)
        if changed and frame.mask is not None:
            turn = header.orientation
            stored = stills.put_pixels(stored, turn.stored(frame.image), turn.stored(frame.mask))
        if not same_format:
            stored = header.orientation.upright(stored)
        data, found = stills.encode(stored, suffix, header, same_way_up=same_format, lossless=lossless)
    notes += [note for note in found if note not in notes]
    path.write_bytes(data)


def check_picture_folder(target: Path, source: Path, what: str, *, overwrite: bool = False) -> Path:
    """See before any work that a folder of `what`, one picture a frame, can be written. Raises: OutputError."""
    check_target(target, source, overwrite)
    if target.suffix.lower() in (*stills.SUFFIXES, *CONTAINERS):
        raise OutputError(f"{target}: {what} are written into a folder, one picture a frame. Name a folder.")
    return target


def check_picture(target: Path, source: Path, *, overwrite: bool = False) -> None:
    """See before any work that `write_picture` can write the target. Raises: OutputError."""
    check_target(target, source, overwrite)
    if target.suffix.lower() not in stills.SUFFIXES:
        raise OutputError(f"{target}: needed the name of a picture, ending in {', '.join(stills.SUFFIXES)}.")


def write_picture(target: Path, image: np.ndarray, source: Path, *, overwrite: bool = False) -> None:
    """Write one picture that is not a frame, in the format of its suffix.

    Args:
        image: uint8 (H, W, 3), RGB.
        source: what it was made from; never replaced.
    Raises: OutputError where the target cannot be written; nothing of it is left then.
    """
    check_picture(target, source, overwrite=overwrite)
    data, _ = stills.encode(image, target.suffix.lower(), lossless=True)
    staged = StagedFile(target, overwrite=overwrite)
    try:
        with writing(target):
            staged.path.write_bytes(data)
        staged.commit()
    finally:
        staged.discard()


def frame_names(source: "Source", suffix: str = "") -> list[str]:
    """File names of a source's frames: as in its folder, or numbers; with another suffix where one is given."""
    if isinstance(source, FolderSource):
        names = [file.name for file in source.files]
        if not suffix:
            return names
        stems = [file.stem for file in source.files]
        return [f"{stem}{suffix}" for stem in (stems if len(set(stems)) == len(stems) else names)]
    digits = max(5, len(str(source.info.frames - 1)))
    return [f"{index:0{digits}d}{suffix or '.png'}" for index in range(source.info.frames)]


def _suffixes(path: Path) -> tuple[str, ...]:
    """Suffixes that mean the same format as that of `path`."""
    own = path.suffix.lower()
    return next((pair for pair in ((".jpg", ".jpeg"), (".tif", ".tiff")) if own in pair), (own,))


def is_picture_file(path: Path) -> bool:
    """Whether it is a file of its own that might be a picture of ours."""
    return path.is_file() and not path.is_symlink() and path.suffix.lower() in stills.SUFFIXES

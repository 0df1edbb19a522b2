"""Masks from files into a MaskStore, and out of it as PNGs, one a frame."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from vidremove.errors import InputError
from vidremove.images import to_uint8
from vidremove.masks import MaskStore
from vidremove.media import stills
from vidremove.media.faults import writing
from vidremove.media.folder import list_pictures
from vidremove.media.picture_sink import check_picture_folder, frame_names, is_picture_file
from vidremove.media.source import Source
from vidremove.media.target import StagedFolder, StagedSink
from vidremove.media.video import VideoSource
from vidremove.types import MediaInfo

_HALF = 127  # of 255: brighter means remove
_LABELS = {1: 15, 2: 255}  # by bytes a sample: a lossless picture with no value above holds numbers of objects


def is_picture(path: str | Path) -> bool:
    """Whether the name is that of one picture."""
    return Path(path).suffix.lower() in stills.SUFFIXES and not Path(path).is_dir()


def read_mask(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """One mask from a picture: bright, or any numbered object, means remove.

    Args:
        size: (H, W) needed; None for any.
    Returns: bool (H, W).
    Raises: InputError for what is no picture or has another size.
    """
    header = stills.read_header(Path(path))
    if size is not None and header.size != size:
        (height, width), (high, wide) = header.size, size
        raise InputError(f"{path}: is {width}x{height}; the mask must have the frames' size, {wide}x{high}.")
    return header.orientation.upright(_mask_of(header))


def _mask_of(header: stills.Header) -> np.ndarray:
    if header.mode == "P":
        return stills.read_palette_numbers(header) > 0
    stored = stills.read_stored(header)
    brightest: np.ndarray = (stored[..., :-1] if stored.shape[2] in (2, 4) else stored).max(axis=2)
    if header.format != "JPEG" and brightest.max() <= _LABELS[brightest.itemsize]:
        return brightest > 0
    return to_uint8(brightest) > _HALF


def read_masks(
    path: str | Path, info: MediaInfo, store: MaskStore, on_frame: Callable[[int], bool | None] | None = None
) -> bool:
    """Read one mask a frame from a folder of pictures or a video into the store.

    Args:
        info: of the source the masks are for.
        on_frame: called with the number of masks read; returning False stops.
    Returns: whether it ran to the end.
    Raises: InputError for another number of masks than frames, or another size.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; needed one mask a frame.")
    for index, mask in enumerate(_from_folder(path, info) if path.is_dir() else _from_video(path, info)):
        store.put(index, mask)
        if on_frame is not None and on_frame(index + 1) is False:
            return False
    return True


def _from_folder(path: Path, info: MediaInfo) -> Iterator[np.ndarray]:
    files = list_pictures(path)
    _check_count(path, len(files), info)
    return (read_mask(file, info.size) for file in files)


def _from_video(path: Path, info: MediaInfo) -> Iterator[np.ndarray]:
    with VideoSource(path) as masks:
        _check_count(path, masks.info.frames, info)
        if masks.info.size != info.size:
            (height, width), (high, wide) = masks.info.size, info.size
            raise InputError(f"{path}: is {width}x{height}; the masks must have the frames' size, {wide}x{high}.")
        for gray in masks.grays():
            yield gray > _HALF


def _check_count(path: Path, found: int, info: MediaInfo) -> None:
    if found != info.frames:
        raise InputError(f"{path}: holds {found} masks, {info.path} has {info.frames} frames; needed one a frame.")


def encode_mask(mask: np.ndarray) -> bytes:
    """A PNG file, black and white: white where the bool mask (H, W) is True."""
    return cv2.imencode(".png", mask.view(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()


class MaskSink(StagedSink):
    """A folder of masks as PNGs, black and white, named as the source's frames; complete or not there at all."""

    def __init__(self, target: str | Path, source: Source, *, overwrite: bool = False) -> None:
        folder = check_picture_folder(Path(target), source.path, "masks", overwrite=overwrite)
        self._names = frame_names(source, ".png")
        super().__init__(folder, StagedFolder(folder, is_picture_file, overwrite=overwrite))

    def write(self, index: int, mask: np.ndarray) -> None:
        """Write the mask of frame `index`: bool (H, W)."""
        with writing(self.target):
            (self._staged.path / self._names[index]).write_bytes(encode_mask(mask))
        self._written += 1

"""decord as an optional reader of single frames, used only where it has proved to give the same pictures as PyAV."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vidremove.types import MediaInfo

_log = logging.getLogger(__name__)
_MEAN_DIFFERENCE = 1.5  # levels of 255; another frame, turn or colour matrix differs by more
_LARGEST_DIFFERENCE = 24  # chroma is interpolated otherwise beside sharp colour edges


def agreeing_decord(
    path: Path, info: MediaInfo, proof: list[tuple[int, np.ndarray]]
) -> Callable[[int], np.ndarray | None] | None:
    """A function from frame number to uint8 (H, W, 3) RGB, or None where decord is missing or differs.

    The function gives None for a frame that decord cannot read; it is not to be asked again then.

    Args:
        proof: frames read by PyAV; decord must count as many frames and show the same pictures at these numbers.
    """
    if info.bits != 8:
        return None  # decord knows 8 bits only
    try:
        import decord

        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
        if len(reader) != info.frames or any(_differs(reader[n].asnumpy(), image) for n, image in proof):
            return None
    except Exception as error:  # a missing package, an unknown codec or any fault of it: PyAV does the work
        _log.debug("%s: decord is not used: %s", path, error)
        return None

    def read(index: int) -> np.ndarray | None:
        try:
            return np.asarray(reader[index].asnumpy())
        except Exception as error:  # a damaged frame, of which only PyAV makes the best
            _log.debug("%s: decord fails at frame %d: %s", path, index, error)
            return None

    return read


def _differs(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return True
    difference = np.abs(one.astype(np.int16) - other)
    return bool(difference.mean() > _MEAN_DIFFERENCE or np.percentile(difference, 99.9) > _LARGEST_DIFFERENCE)

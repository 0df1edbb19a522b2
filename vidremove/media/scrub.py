"""Single frames of a clip by number: a decoder kept open, and the frames round the last one kept decoded."""

from collections.abc import Callable, Iterator

import av
import numpy as np

Walk = Callable[[int], Iterator[tuple[int, av.VideoFrame]]]  # from a frame number on: numbers, rising, and frames

KEPT_BYTES = 192 << 20  # of decoded planes
_BEHIND = 0.75  # share of them that may lie before a frame that was stepped back to, for more such steps
_AROUND = 12  # frames before one that was jumped to that are decoded with it
_NEAR = 4  # frames: a step, no jump; ahead, they are decoded rather than sought, even past an I-frame


class Scrubber:
    """Exact frames in any order. Steps on go on decoding; steps back find what was decoded on the way.

    Source: ours.
    """

    def __init__(self, walk: Walk, keyframes: np.ndarray, frame_bytes: int) -> None:
        """Read by `walk`; only the one that was started last is used.

        Args:
            keyframes: rising frame numbers from which decoding can start.
            frame_bytes: of the planes of one frame.
        """
        self._begin, self._keyframes = walk, keyframes
        self._most = max(4, KEPT_BYTES // max(1, frame_bytes))
        self._walk: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._next = -1  # number of the frame that the walk gives next
        self._kept: dict[int, av.VideoFrame] = {}

    def at(self, index: int) -> av.VideoFrame:
        """Frame `index`, not to be written into. Raises: InputError if it cannot be decoded."""
        if index not in self._kept:
            self._go_to(index)
        return self._kept[index]

    def is_short_jump(self, index: int) -> bool:
        """Whether a frame must be sought, and lies so near behind an I-frame that little is decoded on the way."""
        return index not in self._kept and not self._is_ahead(index) and index - self._key_before(index) <= _AROUND

    def _is_ahead(self, index: int) -> bool:
        """Whether the walk comes to the frame sooner than one from an I-frame."""
        return 0 <= self._next <= index and self._next >= self._key_before(index) - _NEAR

    def _go_to(self, index: int) -> None:
        if not self._is_ahead(index):
            steps_back = any(index < kept <= index + _NEAR for kept in self._kept)
            behind = round(_BEHIND * self._most)
            behind = behind if steps_back else min(_AROUND, behind)
            self._next = max(self._key_before(index), index - behind)
            self._walk = self._begin(self._next)
        for number, frame in self._walk:
            self._next = number + 1
            self._keep(number, frame, index)
            if number >= index:
                return
        self._next = -1

    def _keep(self, number: int, frame: av.VideoFrame, index: int) -> None:
        self._kept[number] = frame
        if len(self._kept) > self._most:
            del self._kept[max(self._kept, key=lambda kept: abs(kept - index))]

    def _key_before(self, index: int) -> int:
        place = int(np.searchsorted(self._keyframes, index, side="right")) - 1
        return int(self._keyframes[place]) if place >= 0 else 0

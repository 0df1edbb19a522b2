"""Find the cuts while frames go by, and number the shots."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vidremove.config import ShotsConfig
from vidremove.images import identity_grid, to_uint8
from vidremove.types import Frame, Shot

_SIZE = (54, 96)  # frames are compared at this size
_FLASH = 5  # frames after which the picture must be back for a flash
_LIKE = 1.2  # likeness below this is a cut: real neighbours are above 1.7, frames of other shots below 1.1
_FLAT = 4.0  # standard deviation of grey levels of a frame that shows nothing (black between two fades)


@dataclass(frozen=True, slots=True, eq=False)
class _Sketch:
    gray: np.ndarray  # uint8 at _SIZE, its mean and contrast made equal
    colours: np.ndarray  # float32 (2048,), shares
    flat: bool


def mark_shots(frames: Iterable[Frame], config: ShotsConfig | None = None) -> Iterator[Frame]:
    """Number the shots: yield the same frames with `shot` set, counted from 0.

    A cut is where a frame is unlike the one before it even after the motion between them is undone. A flash is no
    cut, since the picture comes back within five frames; a pan is none, since motion explains it. A fade through
    black ends a shot at the first frame that shows something else. Dissolves are not found.

    Lookahead: 5 frames.

    Source: ours.
    """
    if config is not None and not config.detect:
        yield from frames
        return
    judge = _Judge()
    waiting: deque[tuple[Frame, _Sketch]] = deque()
    for frame in frames:
        waiting.append((frame, judge.sketch(frame.image)))
        if len(waiting) > _FLASH:
            yield judge.next(waiting)
    while waiting:
        yield judge.next(waiting)


def list_shots(frames: Iterable[Frame], config: ShotsConfig | None = None) -> list[Shot]:
    """The shots of consecutive frames, each [start, stop)."""
    shots: list[Shot] = []
    for frame in mark_shots(frames, config):
        if shots and shots[-1].number == frame.shot:
            shots[-1] = replace(shots[-1], stop=frame.index + 1)
        else:
            shots.append(Shot(frame.shot, frame.index, frame.index + 1))
    return shots


class _Judge:
    def __init__(self) -> None:
        self._shot = 0
        self._anchor: _Sketch | None = None  # the last frame that surely belongs to the shot
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._grid = identity_grid(*_SIZE)

    def next(self, waiting: deque[tuple[Frame, _Sketch]]) -> Frame:
        """Take the first of the waiting frames and say which shot it belongs to."""
        frame, sketch = waiting.popleft()
        if self._anchor is None or self._anchor.flat or self._alike(self._anchor, sketch):
            self._anchor = sketch
        elif not sketch.flat and not any(self._alike(self._anchor, later) for _, later in waiting):
            self._shot += 1
            self._anchor = sketch
        return replace(frame, shot=self._shot)

    def sketch(self, image: np.ndarray) -> _Sketch:
        small = cv2.resize(to_uint8(image), _SIZE[::-1], interpolation=cv2.INTER_AREA)
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        contrast = float(gray.std())
        level = (gray - gray.mean()) / max(contrast, _FLAT) * 45 + 128
        lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
        colours = cv2.calcHist([lab], [0, 1, 2], None, [8, 16, 16], [0, 256, 64, 192, 64, 192]).ravel() / gray.size
        return _Sketch(np.clip(level, 0, 255).astype(np.uint8), colours, contrast < _FLAT)

    def _alike(self, a: _Sketch, b: _Sketch) -> bool:
        if a.flat or b.flat:
            return False
        common = float(np.minimum(a.colours, b.colours).sum())
        flow = self._flow.calc(a.gray, b.gray, None)
        moved = cv2.remap(b.gray, self._grid + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        correlation = float(np.corrcoef(a.gray.ravel().astype(np.float32), moved.ravel().astype(np.float32))[0, 1])
        return bool(correlation + common >= _LIKE)

"""First look over frames and masks: how the camera moves, and which frames to keep for holes far away in time."""

from array import array
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from vidremove.config import FillConfig
from vidremove.stages.registration import is_plausible, project, register
from vidremove.stages.store import BackgroundStore
from vidremove.stages.view import View, make_view
from vidremove.types import Frame

_STILL = (
    1.02  # a camera stands still while keeping the picture as it is leaves at most this times the error of moving it
)
_CLIPPED = 32  # grey levels, so that moving things do not outweigh the rest
_PAIRS = 2000  # homographies kept
_PATIENCE = 3  # frames in a row that must move before a still run ends
_WORKERS = 2  # threads that register frames to the one before
_AHEAD = 4  # frames being registered


@dataclass(slots=True)
class CameraStep:
    """Camera of one frame."""

    segment: int  # frames of one segment are linked to each other
    place: np.ndarray  # float64 (3, 3), from this frame's working pixels to those of the segment's first frame
    run: int  # number of the still run, unique over the video; -1 where the camera moves


class Measured:
    """Homographies that were measured between pairs of frames, the latest few thousand; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[tuple[int, int], np.ndarray] = {}

    def get(self, pair: tuple[int, int]) -> np.ndarray | None:
        """What was put for a pair; None if it is not known."""
        with self._lock:
            return self._found.get(pair)

    def put(self, pair: tuple[int, int], homography: np.ndarray) -> None:
        """Keep the homography of a pair, and forget the oldest."""
        with self._lock:
            self._found[pair] = homography
            if len(self._found) > _PAIRS:
                del self._found[next(iter(self._found))]


class CameraPath:
    """The steps of the frames that were looked at, 80 bytes each."""

    def __init__(self) -> None:
        self._first = 0  # index of the frame of the first row
        self._segments, self._runs, self._places = array("i"), array("i"), array("d")

    def put(self, index: int, step: CameraStep) -> None:
        """Add the step of a frame; they come in order."""
        if not self._segments:
            self._first = index
        while self._first + len(self._segments) < index:
            self._append(CameraStep(-1, np.zeros((3, 3)), -1))
        self._append(step)

    def get(self, index: int) -> CameraStep | None:
        """The step of a frame; None if it was not looked at."""
        row = index - self._first
        if not 0 <= row < len(self._segments) or self._segments[row] < 0:
            return None
        place = np.array(self._places[9 * row : 9 * row + 9]).reshape(3, 3)
        return CameraStep(self._segments[row], place, self._runs[row])

    def _append(self, step: CameraStep) -> None:
        self._segments.append(step.segment)
        self._runs.append(step.run)
        self._places.extend(step.place.ravel())


@dataclass(slots=True, eq=False)
class Survey:
    """What the first pass knows."""

    store: BackgroundStore
    steps: CameraPath = field(default_factory=CameraPath)
    measured: Measured = field(default_factory=Measured)
    frames: int = 0  # seen

    def between(self, target: int, source: int) -> np.ndarray | None:
        """Homography from working pixels of frame `target` to those of `source`; None if they are not linked."""
        a, b = self.steps.get(target), self.steps.get(source)
        if a is None or b is None or a.segment != b.segment:
            return None
        if a.run >= 0 and a.run == b.run:
            return np.eye(3)
        homography = np.linalg.inv(b.place) @ a.place
        return homography / homography[2, 2] if abs(homography[2, 2]) > 1e-9 else None

    def still(self, target: int, source: int) -> bool:
        """Whether the camera stood still between the two frames."""
        a, b = self.steps.get(target), self.steps.get(source)
        return a is not None and b is not None and a.run >= 0 and a.run == b.run


class Surveyor:
    """Feed every frame of the video in order, each with its mask; then `finish`.

    Frames farther than `config.window` from every hole cost next to nothing. Memory: `config.window` frames and a few.
    Source: ours.
    """

    def __init__(self, config: FillConfig, folder: Path) -> None:
        """`folder` is a place of its own for the stored frames; it is made here."""
        self._config = config
        self._survey = Survey(BackgroundStore(folder, config.store_frames, config.store_spacing))
        self._waiting: deque[Frame] = deque(maxlen=config.window)  # looked at only if a hole comes near
        self._shot = -1
        self._last: View | None = None  # the last frame looked at
        self._since_hole = config.window + 1
        self._segment = self._run = -1
        self._pool = ThreadPoolExecutor(_WORKERS)
        self._begun: deque[tuple[Frame, View, Future[np.ndarray | None] | None]] = deque()
        self._reset()

    def add(self, frame: Frame) -> None:
        """Take in the next frame."""
        self._survey.frames += 1
        if frame.shot != self._shot:
            self._shot = frame.shot
            self._waiting.clear()
            self._reset()
        if frame.mask is not None and frame.mask.any():
            while self._waiting:
                self._look(self._waiting.popleft())
            self._since_hole = 0
        else:
            self._since_hole += 1
        if self._since_hole <= self._config.window:
            self._look(frame)
        else:
            if self._since_hole == self._config.window + 1:
                self._last = None
            self._waiting.append(frame)

    def finish(self) -> Survey:
        """What was learnt. Frames may not be added any more."""
        self._waiting.clear()
        self._reset()
        self._pool.shutdown()
        return self._survey

    def _reset(self) -> None:
        self._conclude(0)
        self._last = None
        self._since_hole = self._config.window + 1
        self._anchor: View | None = None  # first frame of the still run
        self._moved = 0

    def _look(self, frame: Frame) -> None:
        view = make_view(frame, self._config.dilate)
        step = None
        if self._last is not None and self._last.index == frame.index - 1:
            step = self._pool.submit(register, view, self._last, np.eye(3))
        self._begun.append((frame, view, step))
        self._last = _without_image(view)
        self._conclude(_AHEAD)

    def _conclude(self, left: int) -> None:
        """Link the frames that were looked at to the ones before, in order, but for the last few."""
        while len(self._begun) > left:
            frame, view, registered = self._begun.popleft()
            if registered is None:
                self._segment += 1
                place = np.eye(3)
                self._start_run(view)
            else:
                step = registered.result()
                last = self._survey.steps.get(frame.index - 1)
                place = np.eye(3) if last is None else last.place
                if step is not None:
                    place = place @ step
                self._follow_run(view, step)
            run = self._run if self._moved == 0 else -1
            self._survey.steps.put(frame.index, CameraStep(self._segment, place, run))
            self._survey.store.offer(frame, view)

    def _start_run(self, view: View) -> None:
        self._run += 1
        self._anchor, self._moved = _without_image(view), 0

    def _follow_run(self, view: View, step: np.ndarray | None) -> None:
        """Keep the still run going, or start another one at this frame."""
        if self._anchor is not None and step is not None and is_near_identity(step, view.size):
            homography = register(view, self._anchor, np.eye(3))
            if homography is not None and stands_still(view, self._anchor, homography):
                self._moved = 0
                return
        self._moved += 1
        if self._moved >= _PATIENCE:
            self._start_run(view)


def _without_image(view: View) -> View:
    """The view without its full-size arrays, which registration does not need."""
    return View(
        view.index, view.small, view.covered > 0, view.factor, view.small, view.gray, view.covered, view.features
    )


def is_near_identity(homography: np.ndarray, size: tuple[int, int], limit: float = 2.0) -> bool:
    """Whether no corner moves by more than `limit` pixels."""
    height, width = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return is_plausible(homography, size) and float(np.abs(project(homography, corners) - corners).max()) < limit


def stands_still(view: View, anchor: View, homography: np.ndarray) -> bool:
    """Whether leaving `anchor` where it is explains `view` as well as moving it by `homography` does.

    Source: ours. A measured homography trembles by a fraction of a pixel, which a still camera must not.
    """
    free = cv2.bitwise_or(view.covered, anchor.covered) == 0
    if not free.any():
        return False
    height, width = view.size
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(anchor.gray, homography, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    as_it_is, as_moved = (
        float(np.minimum(cv2.absdiff(view.gray, other), _CLIPPED)[free].mean()) for other in (anchor.gray, moved)
    )
    return as_it_is <= _STILL * as_moved + 0.02

"""Look at each frame at working size, with its motion and with neighbours on both sides to compare it with."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.appearance import describe
from vidremove.camera import background_difference, camera_motion, motion_residual
from vidremove.images import Box, to_gray, to_uint8
from vidremove.types import Frame

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]
_DISTANCES = (3, 6, 9, 12, 16, 20, 24, 30)  # frames to neighbours, of which four on either side are used
FARTHEST = _DISTANCES[-1]  # frames to the farthest neighbour that is looked at
_COUNT = 8
_SMALLEST = 32  # pixels a side, for the flow


def working_size(size: tuple[int, int], area: int) -> tuple[int, int]:
    """Size (H, W) at which a frame is looked at: `area` pixels at most, even, at least 32 a side."""
    scale = min(1.0, (area / (size[0] * size[1])) ** 0.5)
    height, width = (max(_SMALLEST, round(side * scale / 2) * 2) for side in size)
    return height, width


@dataclass(slots=True, eq=False)
class _Seen:
    """What the window keeps of a frame; the flows only until the frame was yielded."""

    image: np.ndarray
    gray: np.ndarray
    flow_back: np.ndarray | None
    flow_ahead: np.ndarray | None
    camera: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One frame at working size (h, w). "Previous" is the frame before it in the order they came in."""

    frame: Frame
    image: np.ndarray  # uint8 (h, w, 3), RGB
    lab: np.ndarray  # uint8 (h, w, 3), CIELAB
    descriptors: np.ndarray  # float32 (h // 2, w // 2, 10), see appearance.describe
    flow_back: np.ndarray | None  # float32 (h, w, 2), pixels of (h, w), from this frame to the previous
    flow_ahead: np.ndarray | None  # from the previous frame to this
    camera: np.ndarray  # float64 (3, 3), background's motion from this frame to the previous
    neighbours: tuple[tuple[np.ndarray, np.ndarray], ...]  # images, and the background's motion from here to them
    following: tuple[np.ndarray, np.ndarray] | None  # flow and camera from this frame to the next

    def difference(self, box: Box) -> np.ndarray:
        """Difference from the registered background: uint8 of the box, UNKNOWN where it is not known."""
        return background_difference(self.image, self.neighbours, box)

    def residual(self, box: Box) -> np.ndarray:
        """Motion against the camera's: float32 (.., .., 2) of the box, pixels; 0 for a single frame."""
        if self.flow_back is not None:
            return motion_residual(self.flow_back, self.camera, box)
        if self.following is not None:
            return motion_residual(*self.following, box)
        return np.zeros((box[1] - box[0], box[3] - box[2], 2), np.float32)


def observe(
    frames: Iterable[Frame], flow: Flow, area: int, reach: int, skip: int = 0
) -> Generator[Observation, None, None]:
    """Yield an observation of every frame of one shot, in the order given.

    Lookahead: `reach` frames, held at full size; as many stay behind at working size.

    Args:
        frames: consecutive frames of one shot, forwards or backwards.
        flow: dense flow between two grey images, see flows/dis.py.
        area: pixels of the working size.
        reach: frames to look ahead and behind for the background.
        skip: frames at the start, `reach` at most, of which no observation is made: they only lie behind the others.
    """
    window: deque[_Seen] = deque()
    waiting: deque[Frame] = deque()
    for count, frame in enumerate(frames):
        window.append(_see(frame, window[-1] if window else None, flow, area, count < skip))
        if count >= skip:
            waiting.append(frame)
        if len(waiting) > reach:
            yield _observation(waiting.popleft(), window, len(waiting))
            if len(window) - len(waiting) > reach:
                window.popleft()
    while waiting:
        yield _observation(waiting.popleft(), window, len(waiting))


def observe_one(frames: Sequence[Frame], at: int, flow: Flow, area: int) -> Observation:
    """The observation of `frames[at]` alone: as `observe` yields it, but flows that only others need are not made.

    Args:
        frames: consecutive frames of one shot, no more on either side than the reach that `observe` is given.
    """
    window: deque[_Seen] = deque()
    for place, frame in enumerate(frames):
        window.append(_see(frame, window[-1] if window else None, flow, area, place not in (at, at + 1)))
    return _observation(frames[at], window, len(frames) - 1 - at)


def _see(frame: Frame, previous: _Seen | None, flow: Flow, area: int, skipped: bool) -> _Seen:
    height, width = working_size(frame.image.shape[:2], area)
    image = to_uint8(frame.image)
    if image.shape[:2] != (height, width):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    gray = to_gray(image)
    if previous is None:
        return _Seen(image, gray, None, None, np.eye(3))
    back = flow(gray, previous.gray)
    camera = camera_motion(back, gray, previous.gray)
    if skipped:
        return _Seen(image, gray, None, None, camera)
    return _Seen(image, gray, back, flow(previous.gray, gray), camera)


def _observation(frame: Frame, window: deque[_Seen], ahead: int) -> Observation:
    """What is known of the frame that has `ahead` frames behind it in the window; its flows are then let go."""
    at = len(window) - 1 - ahead
    seen = window[at]
    following = None
    if ahead:
        flow_ahead = window[at + 1].flow_ahead
        following = None if flow_ahead is None else (flow_ahead, np.linalg.inv(window[at + 1].camera))
    lab = cv2.cvtColor(seen.image, cv2.COLOR_RGB2LAB)
    flows = seen.flow_back, seen.flow_ahead
    seen.flow_back = seen.flow_ahead = None
    return Observation(frame, seen.image, lab, describe(lab), *flows, seen.camera, _neighbours(window, at), following)


def _neighbours(window: deque[_Seen], at: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    behind, ahead = neighbour_distances(at, len(window) - 1 - at)
    found = []
    motion = np.eye(3)
    for distance in range(1, max(behind, default=0) + 1):
        motion = window[at - distance + 1].camera @ motion
        if distance in behind:
            found.append((window[at - distance].image, motion))
    motion = np.eye(3)
    for distance in range(1, max(ahead, default=0) + 1):
        motion = np.linalg.inv(window[at + distance].camera) @ motion
        if distance in ahead:
            found.append((window[at + distance].image, motion))
    return tuple(found)


def neighbour_distances(behind: int, ahead: int) -> tuple[list[int], list[int]]:
    """Distances at which a frame is compared, spread over what there is: four on either side where possible.

    Args:
        behind, ahead: frames available on either side.
    """
    near = [d for d in _DISTANCES if d <= behind] or ([behind] if behind else [])
    far = [d for d in _DISTANCES if d <= ahead] or ([ahead] if ahead else [])
    half = _COUNT // 2
    return _spread(near, max(half, _COUNT - len(far))), _spread(far, max(half, _COUNT - len(near)))


def _spread(distances: list[int], count: int) -> list[int]:
    if len(distances) <= count:
        return distances
    return [distances[round(i * (len(distances) - 1) / (count - 1))] for i in range(count)]

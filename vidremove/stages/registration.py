"""Where the background of one frame lies in another: the camera's motion, and what it leaves over near the hole."""

from typing import Any

import cv2
import numpy as np

from vidremove.images import disk
from vidremove.stages.view import View

_FEATURES = 400
_FEATURE_GAP = 4  # pixels a feature keeps from the hole, which moves by itself
_LEAST_FEATURES = 12
_LEAST_INLIERS = 0.15  # share of the features that must follow one homography
_INLIER = 1.0  # pixels
_WINDOW = (11, 11)  # pixels
_ITERATIONS = 8
_FLOW_GAP = 4  # pixels next to a hole whose flow is not believed: the object moves there
_KEPT = 75  # percent of the ring's residuals believed; the largest belong to things that move
_LEAST_KEPT = 0.3  # pixels a residual may always have
_NO_START: Any = None  # OpenCV types do not allow it
_LEAST_FLOW_SIDE = 16  # pixels that the flow needs
_COARSE = 4  # what is continued into a hole is at this fraction of the working size


def find_features(view: View) -> np.ndarray:
    """Corners outside the hole: float32 (N, 2), (x, y) working pixels."""
    if view.features is None:
        free = None
        if view.covered.any():
            free = cv2.bitwise_not(cv2.dilate(view.covered, disk(_FEATURE_GAP)))
        found = cv2.goodFeaturesToTrack(view.gray, _FEATURES, 0.005, 6, mask=free, blockSize=5)
        view.features = np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2)
    return view.features


def project(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a homography: float32 (..., 2) -> float32 (..., 2)."""
    moved: np.ndarray = cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float32), homography)
    return moved.reshape(points.shape)


def register(target: View, source: View, start: np.ndarray, *, levels: int = 3) -> np.ndarray | None:
    """Homography from working pixels of `target` to those of `source`, refined from `start`.

    `levels` of the pyramid say how far off the start may be: some 7 pixels, times 2 a level.

    Returns: float64 (3, 3); None where too few features follow one.
    Source: Lucas and Kanade 1981 on pyramids (Bouguet 2001); Barath et al. 2020, MAGSAC++.
    """
    points = find_features(target)
    if len(points) < _LEAST_FEATURES:
        return None
    guess = project(start, points)
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        target.gray,
        source.gray,
        points.reshape(-1, 1, 2),
        guess.reshape(-1, 1, 2).copy(),
        winSize=_WINDOW,
        maxLevel=levels,
        criteria=(cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, _ITERATIONS, 0.02),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    moved = moved.reshape(-1, 2)
    good = (status.ravel() > 0) & is_free(source.covered, moved)
    if good.sum() < _LEAST_FEATURES:
        return None
    homography, inliers = cv2.findHomography(
        points[good], moved[good], cv2.USAC_MAGSAC, _INLIER, maxIters=500, confidence=0.999
    )
    if homography is None or inliers.mean() < _LEAST_INLIERS or not is_plausible(homography, target.size):
        return None
    return np.asarray(homography)


def is_free(covered: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which points (N, 2) lie inside a view and outside its hole, uint8 (h, w): bool (N,)."""
    height, width = covered.shape
    near = np.rint(np.clip(points, -1e6, 1e6)).astype(np.int64)
    inside = (near >= 0).all(axis=1) & (near[:, 0] < width) & (near[:, 1] < height)
    near = np.clip(near, 0, (width - 1, height - 1))
    free: np.ndarray = inside & (covered[near[:, 1], near[:, 0]] == 0)
    return free


def is_plausible(homography: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether the view keeps its orientation and its area within a factor of 8."""
    height, width = size
    (a, b, c), (d, e, f), (g, h, i) = homography.tolist()  # few numbers: faster than arrays
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    depths = [g * x + h * y + i for x, y in corners]
    if not np.isfinite(homography).all() or min(depths) * max(depths) <= 0:
        return False
    if min(map(abs, depths)) < 0.1 * max(map(abs, depths)):
        return False
    moved = [((a * x + b * y + c) / z, (d * x + e * y + f) / z) for (x, y), z in zip(corners, depths, strict=True)]
    around = zip(moved, moved[1:] + moved[:1], strict=True)
    area = 0.5 * sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in around)
    return height * width / 8 < area < height * width * 8


def fill_smooth(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Continue values to where their weight is 0, smoothly: push-pull over a pyramid that starts at a quarter.

    Args:
        values: float32 (h, w, C).
        weights: float32 (h, w), 0..1.
    Returns: float32 (h, w, C), near `values` where the weight is 1.
    Source: Gortler et al. 1996, The Lumigraph, section 3.4.
    """
    height, width = weights.shape
    size = (-(-width // _COARSE), -(-height // _COARSE))
    levels = [_shrink(values * weights[..., None], weights, size)]
    while min(levels[-1][1].shape) > 2:
        sums, weights = levels[-1]
        size = ((weights.shape[1] + 1) // 2, (weights.shape[0] + 1) // 2)
        levels.append(tuple(cv2.blur(level, (3, 3)) for level in _shrink(sums, weights, size)))
    sums, weights = levels.pop()
    mean = sums.sum(axis=(0, 1)) / np.float32(max(float(weights.sum()), 1e-9))
    smooth = _mix(sums, weights, mean)
    while levels:
        sums, weights = levels.pop()
        above = cv2.resize(smooth, (weights.shape[1], weights.shape[0]), interpolation=cv2.INTER_LINEAR)
        smooth = _mix(sums, weights, above)
    return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)


def _shrink(sums: np.ndarray, weights: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    return tuple(cv2.resize(level, size, interpolation=cv2.INTER_AREA) for level in (sums, weights))


def _mix(sums: np.ndarray, weights: np.ndarray, above: np.ndarray) -> np.ndarray:
    """The mean of a level where its weight is 1, and what comes from above where it is 0."""
    share = np.minimum(weights, 1)
    scale, rest = share / np.maximum(weights, np.float32(1e-6)), 1 - share
    if sums.ndim == 3:
        scale, rest = scale[..., None], rest[..., None]
    own: np.ndarray = sums * scale
    own += rest * above
    return own


def dense_flow(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Flow between two grey images uint8 (h, w): float32 (h, w, 2), pixels; zero under 16 pixels a side."""
    if min(target.shape) < _LEAST_FLOW_SIDE:
        return np.zeros((*target.shape, 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    dis.setFinestScale(1)
    flow: np.ndarray = dis.calc(target, source, _NO_START)
    return flow


def residual_flow(
    target: np.ndarray, source: np.ndarray, hole: np.ndarray, near: np.ndarray, covered: np.ndarray
) -> np.ndarray:
    """Flow left over between two aligned images, continued into the hole from a ring round it.

    Args:
        target, source: uint8 (h, w), grey, at least 16 pixels a side.
        hole: uint8 (h, w), 255 where `target` is unknown.
        near: bool (h, w), round the hole: where to measure what is continued into it.
        covered: uint8 (h, w), 255 where `source` is unknown.
    Returns: float32 (h, w, 2), pixels from `target` to `source`.
    Source: ours; flow by Kroeger et al. 2016. The unknown is made equal in both, so that it pulls nothing.
    """
    source = np.where((covered > 0) & (hole == 0), target, source)
    target = np.where(hole > 0, source, target)
    flow = dense_flow(target, source)
    gap = np.ones((2 * _FLOW_GAP + 1, 2 * _FLOW_GAP + 1), np.uint8)
    known = cv2.dilate(cv2.bitwise_or(hole, covered), gap) == 0
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    ring = length[known & near]
    if ring.size < 50:
        return np.zeros_like(flow)
    cut = int(ring.size * _KEPT / 100)
    limit = max(float(np.partition(ring, cut)[cut]), _LEAST_KEPT)
    smooth: np.ndarray = fill_smooth(flow, (known & (length <= limit)).astype(np.float32))
    measured = cv2.blur(known.astype(np.float32), (9, 9)) * known
    smooth += measured[..., None] * (flow - smooth)
    return smooth

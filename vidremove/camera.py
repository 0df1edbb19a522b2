"""How the camera moved, and what does not follow it: homographies from flow, motion residual, background difference."""

from collections.abc import Sequence

import cv2
import numpy as np

from vidremove.images import Box

UNKNOWN = 255  # value of a background difference where no neighbour shows the place
_GRID = 8  # pixels between the points the homography is fitted to
_INLIER = 1.0  # pixels
_FAR = 16000  # pixels: corners beyond are not drawn but warped
_STILL = 2.0  # pixels a corner moves, below which a still camera is considered


def camera_motion(flow: np.ndarray, image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Homography of the background between two frames, robust to whatever moves by itself.

    A still camera is told apart by evidence: the identity is kept where it explains the picture as well as the fit,
    since the noise of a fit would shift a still background by a fraction of a pixel.

    Args:
        flow: float32 (H, W, 2), pixels, from `image` to `other`.
        image, other: uint8 (H, W), grey.
    Returns: float64 (3, 3), from points (x, y) of `image` to points of `other`; the identity where no fit is found.
    Source: Barath et al. 2019, MAGSAC (the fit); ours (the test for a still camera).
    """
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID]
    points = np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float32)
    moved = points + flow[rows.ravel(), columns.ravel()]
    if len(points) < 8:
        return np.eye(3)
    fit, inliers = cv2.findHomography(points, moved, cv2.USAC_MAGSAC, _INLIER, maxIters=500, confidence=0.995)
    if fit is None or inliers.mean() < 0.2 or not 0.5 < np.linalg.det(fit) < 2.0:
        return np.eye(3)
    return np.eye(3) if _is_still(image, other, fit) else fit


def _is_still(image: np.ndarray, other: np.ndarray, fit: np.ndarray) -> bool:
    height, width = image.shape
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    moved = cv2.perspectiveTransform(corners[None], fit)[0]
    if np.abs(moved - corners).max() > _STILL:
        return False
    aligned = cv2.warpPerspective(
        other, fit, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    errors = [np.minimum(cv2.absdiff(image, seen), 20)[4:-4, 4:-4].mean() for seen in (other, aligned)]
    return bool(errors[0] <= 1.02 * errors[1])


def motion_residual(flow: np.ndarray, camera: np.ndarray, box: Box) -> np.ndarray:
    """Motion that the camera does not explain.

    Args:
        flow: float32 (H, W, 2), pixels, from this frame to another.
        camera: float64 (3, 3), the background's motion to the same frame.
        box: part of the frame to look at.
    Returns: float32 (h, w, 2), pixels, of the box.
    """
    y0, y1, x0, x1 = box
    grid = np.dstack(np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)))
    expected = cv2.perspectiveTransform(grid.reshape(-1, 1, 2), camera).reshape(grid.shape) - grid
    return flow[y0:y1, x0:x1] - expected.astype(np.float32)


def background_difference(
    image: np.ndarray, neighbours: Sequence[tuple[np.ndarray, np.ndarray]], box: Box
) -> np.ndarray:
    """How unlike the registered neighbours each pixel is: the median over the neighbours that show the place.

    A pixel is compared with the range of a 3 x 3 neighbourhood, so that a registration one pixel off does not count.

    Args:
        image: uint8 (H, W, 3).
        neighbours: images of the same size, each with its homography (3, 3) from `image` to it.
        box: part of the frame to look at.
    Returns: uint8 (h, w) of the box, sum over the channels up to 254; UNKNOWN where fewer than two neighbours see it.
    Source: ours.
    """
    y0, y1, x0, x1 = box
    if len(neighbours) < 2:
        return np.full((y1 - y0, x1 - x0), UNKNOWN, np.uint8)
    ranks = [_difference(image[y0:y1, x0:x1], other, camera, box) for other, camera in neighbours]
    for last in range(len(ranks) - 1, 0, -1):  # sorted by exchanges: far faster than np.sort along this axis
        for i in range(last):
            ranks[i], ranks[i + 1] = cv2.min(ranks[i], ranks[i + 1]), cv2.max(ranks[i], ranks[i + 1])
    known = sum((rank < UNKNOWN).astype(np.int8) for rank in ranks)
    median = ranks[0]
    for k in range(1, (len(ranks) - 1) // 2 + 1):
        median = np.where((known - 1) // 2 >= k, ranks[k], median)
    median[known < 2] = UNKNOWN
    return median


def _difference(crop: np.ndarray, other: np.ndarray, camera: np.ndarray, box: Box) -> np.ndarray:
    y0, y1, x0, x1 = box
    to_other = camera @ np.array([[1.0, 0, x0], [0, 1, y0], [0, 0, 1]])
    size = (x1 - x0, y1 - y0)
    seen = cv2.warpPerspective(
        other, to_other, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    square = np.ones((3, 3), np.uint8)
    above = cv2.subtract(crop, cv2.dilate(seen, square))
    below = cv2.subtract(cv2.erode(seen, square), crop)
    first, second, third = cv2.split(cv2.max(above, below))
    difference: np.ndarray = np.minimum(cv2.add(cv2.add(first, second), third), UNKNOWN - 1)
    outside = _outside(to_other, other.shape[:2], size)
    if outside is not None:
        difference[outside] = UNKNOWN
    return difference


def _outside(camera: np.ndarray, size: tuple[int, int], crop: tuple[int, int]) -> np.ndarray | None:
    """Pixels of the crop that fall outside the other frame: bool (h, w), or None where none does."""
    width, height = crop
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], np.float32)
    seen = cv2.perspectiveTransform(corners[None], camera)[0]
    if (seen >= 0).all() and (seen[:, 0] <= size[1] - 1).all() and (seen[:, 1] <= size[0] - 1).all():
        return None
    edge = np.array([[0, 0], [size[1], 0], [size[1], size[0]], [0, size[0]]], np.float32) - 0.5
    shown = cv2.perspectiveTransform(edge[None], np.linalg.inv(camera))[0]
    outside = np.ones((height, width), np.uint8)
    if np.abs(shown).max() < _FAR:
        cv2.fillConvexPoly(outside, np.round(shown * 256).astype(np.int32), 0, shift=8)
    else:
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        outside -= cv2.warpPerspective(np.ones(size, np.uint8), camera, crop, flags=flags)
    return outside.view(np.bool_)

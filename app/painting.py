"""Strokes of a brush, drawn into a mask."""

from collections.abc import Sequence

import cv2
import numpy as np

_SHIFT = 4  # bits of a sixteenth of a pixel
_ONE = 1 << _SHIFT


def draw_stroke(size: tuple[int, int], points: Sequence[float], radius: float) -> np.ndarray:
    """The pixels that a round brush passes over.

    Args:
        size: (H, W) of the mask.
        points: x0, y0, x1, y1, ... of its way, pixels of the frame, centres whole; may lie outside.
        radius: pixels.
    Returns: bool (H, W).
    Source: ours.
    """
    mask = np.zeros(size, np.uint8)
    at = np.round(np.array(points, np.float64).reshape(-1, 2) * _ONE).astype(np.int32)
    cv2.polylines(mask, [at], False, 1, max(1, round(2 * radius)), cv2.LINE_8, _SHIFT)
    for x, y in (at[0], at[-1]):
        if radius < 1:  # OpenCV draws no disc as small as that
            cv2.circle(mask, (round(x / _ONE), round(y / _ONE)), 0, 1, -1)
        else:
            cv2.circle(mask, (int(x), int(y)), round(radius * _ONE), 1, -1, cv2.LINE_8, _SHIFT)
    return mask.view(np.bool_)


def take_part(mask: np.ndarray, without: np.ndarray, point: tuple[float, float], radius: int) -> np.ndarray:
    """The mask less what is gone `without` it at a point: that connected part, and at least a disc.

    Args:
        mask, without: bool (H, W).
        point: (x, y), pixels.
        radius: of the disc, pixels.
    Returns: bool (H, W), a new array.
    """
    x, y = round(point[0]), round(point[1])
    gone = np.zeros(mask.shape, np.uint8)
    cv2.circle(gone, (x, y), radius, 1, -1)
    _, parts = cv2.connectedComponents((mask & ~without | gone.view(np.bool_) & mask).view(np.uint8), connectivity=8)
    label = parts[y, x]
    return mask & ~((parts == label) if label else gone.view(np.bool_))

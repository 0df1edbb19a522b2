"""A frame as the fill looks at it: at full size to copy from, at working size to register and judge by."""

from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.images import grow, to_gray, to_uint8
from vidremove.types import Frame

_WORKING_SIDE = 540  # pixels at most; larger frames are registered at a whole fraction of their size


def working_factor(size: tuple[int, int]) -> int:
    """Whole number by which frames of `size` (H, W) are made smaller for registration."""
    return max(1, -(-max(size) // _WORKING_SIDE))


@dataclass(slots=True, eq=False)
class View:
    """One frame of a shot. Sides of the working size (h, w) are those of the full size over `factor`, rounded up."""

    index: int
    image: np.ndarray  # uint8 or uint16 (H, W, 3), RGB
    hole: np.ndarray  # bool (H, W), the mask, grown
    factor: int
    small: np.ndarray  # uint8 (h, w, 3), RGB
    gray: np.ndarray  # uint8 (h, w)
    covered: np.ndarray  # uint8 (h, w), 255 where any pixel below is in the hole
    features: np.ndarray | None = None  # float32 (N, 2), (x, y) working pixels; found when first asked for
    moving: np.ndarray | None = None  # float32 (N, 4), see moving.find_moving

    @property
    def size(self) -> tuple[int, int]:
        """Working size (h, w)."""
        return self.gray.shape[0], self.gray.shape[1]


def make_view(frame: Frame, dilate: int) -> View:
    """The frame with its mask grown by `dilate` pixels."""
    image = frame.image
    factor = working_factor(image.shape[:2])
    small = shrink(to_uint8(image), factor)
    hole = np.zeros(image.shape[:2], np.bool_) if frame.mask is None else grow(frame.mask, dilate)
    covered = np.zeros(small.shape[:2], np.uint8)
    if hole.any():
        covered = np.where(shrink(hole.astype(np.float32), factor) > 0, np.uint8(255), np.uint8(0))
    return View(frame.index, image, hole, factor, small, to_gray(small), covered)


def shrink(image: np.ndarray, factor: int) -> np.ndarray:
    """Area average over blocks of `factor` pixels, (H, W[, C]) -> (ceil(H / factor), ceil(W / factor)[, C])."""
    if factor == 1:
        return image
    height, width = image.shape[:2]
    below, right = -height % factor, -width % factor
    if below or right:
        image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = (image.shape[1] // factor, image.shape[0] // factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)

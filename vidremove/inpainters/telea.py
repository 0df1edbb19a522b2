"""The trivial inpainter."""

import cv2
import numpy as np


class Telea:
    """Telea 2004, J. Graphics Tools 9(1). No weights; good for thin holes."""

    multiple = 1  # sides of the images may be anything

    def __init__(self, radius: int = 5) -> None:  # pixels
        self.radius = radius

    def __call__(self, images: np.ndarray, holes: np.ndarray, banned: np.ndarray | None = None) -> np.ndarray:
        """Fill the holes.

        Args:
            images: uint8 (T, H, W, 3), RGB; what stands in the holes is not read.
            holes: bool (T, H, W), True = fill.
            banned: bool (T, H, W), True = must not be copied from either (other objects); not used here.
        Returns: uint8 (T, H, W, 3), equal to `images` to the bit outside the holes.
        """
        pairs = zip(images, holes.astype(np.uint8), strict=True)
        filled = [cv2.inpaint(image, hole, self.radius, cv2.INPAINT_TELEA) for image, hole in pairs]
        return np.where(holes[..., None], np.stack(filled), images)

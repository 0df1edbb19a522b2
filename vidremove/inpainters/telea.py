"""The trivial inpainter."""

import numpy as np

from vidremove.images import diffuse


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
        filled = [diffuse(image, hole, self.radius) for image, hole in zip(images, holes, strict=True)]
        return np.where(holes[..., None], np.stack(filled), images)

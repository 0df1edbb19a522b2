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
        filled = [diffuse(image, hole, self.radius) for image, hole in zip(images, holes, strict=True)]
        return np.where(holes[..., None], np.stack(filled), images)


def diffuse(image: np.ndarray, hole: np.ndarray, radius: int) -> np.ndarray:
    """Telea's inpainting, which reads nothing of what stands in the hole.

    OpenCV leaves the outermost pixels of a picture as they are and reads them, so the hole is first filled with the
    colour of the nearest known pixel; grey where none is known.

    Args:
        image: uint8 (H, W, 3).
        hole: bool (H, W), True = fill.
        radius: pixels round a pixel that it is made from.
    Returns: uint8 (H, W, 3).
    """
    if hole.all():
        return np.full_like(image, 128)
    if not hole.any():
        return image.copy()
    padded = cv2.copyMakeBorder(hole.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, areas = cv2.distanceTransformWithLabels(padded, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    areas = areas[1:-1, 1:-1]
    colours = np.zeros((areas.max() + 1, 3), np.uint8)
    colours[areas[~hole]] = image[~hole]
    near: np.ndarray = colours[areas]
    if min(hole.shape) < 3:
        return near
    filled = cv2.inpaint(near, hole.view(np.uint8), radius, cv2.INPAINT_TELEA)
    return np.asarray(np.where(hole[..., None], filled, image))

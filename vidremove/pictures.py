"""Pictures for people: a mask drawn over its frame, pictures side by side."""

import cv2
import numpy as np

from vidremove.images import to_uint8

RED = (255, 40, 40)
GAP = 8  # pixels between two pictures


def draw_mask(image: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int] = RED) -> np.ndarray:
    """The mask as a see-through colour with a solid outline.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB.
        mask: bool (H, W).
    Returns: uint8 (H, W, 3), RGB, a new array.
    """
    drawn = to_uint8(image).copy()
    drawn[mask] = (drawn[mask].astype(np.uint16) + np.array(colour, np.uint16)) // 2
    outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(drawn, outline, -1, colour, max(1, image.shape[1] // 640), cv2.LINE_AA)


def side_by_side(*pictures: np.ndarray) -> np.ndarray:
    """uint8 pictures (H, W, 3) of one size beside each other, with white gaps."""
    gap = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.hstack(parts[1:])

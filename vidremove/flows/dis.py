"""Dense flow by OpenCV's DIS."""

import cv2
import numpy as np

PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


class Dis:
    """Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search. No weights."""

    def __init__(self, preset: str = "fast") -> None:
        self._dis = cv2.DISOpticalFlow_create(PRESETS[preset])

    def __call__(self, a: np.ndarray, b: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """Flow from image `a` to image `b`.

        Args:
            a, b: uint8 (H, W), grey, at least 16 pixels a side.
            start: float32 (H, W, 2), pixels, a first guess; left unchanged.
        Returns: float32 (H, W, 2), (dx, dy) in pixels: a[y, x] is seen in b at (x + dx, y + dy).
        """
        return self._dis.calc(a, b, None if start is None else start.copy())

"""Pictures for the browser: frames with masks drawn in, small enough to send."""

import base64

import cv2
import numpy as np

from vidremove.pictures import draw_mask

WIDEST = 1280  # pixels of a picture that is sent; clicks are told in pixels of the frame all the same
_QUALITY = 88


def draw_layers(image: np.ndarray, layers: list[tuple[np.ndarray, str]]) -> np.ndarray:
    """Draw masks (bool (H, W), "#rrggbb") over a frame, uint8 (H, W, 3); returns a new picture of at most `WIDEST`."""
    drawn = shrink(image)
    for mask, colour in layers:
        small = cv2.resize(mask.astype(np.float32), drawn.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.5
        drawn = draw_mask(drawn, small, _rgb(colour))
    return drawn


def shrink(image: np.ndarray) -> np.ndarray:
    """The picture no wider than `WIDEST`."""
    height, width = image.shape[:2]
    if width <= WIDEST:
        return image
    return cv2.resize(image, (WIDEST, max(1, round(height * WIDEST / width))), interpolation=cv2.INTER_AREA)


def data_url(image: np.ndarray) -> str:
    """A JPEG picture as the text that an <img> takes."""
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

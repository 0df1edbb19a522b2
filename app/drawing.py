"""Pictures for the browser: frames with masks drawn in, small enough to send."""

import base64

import cv2
import numpy as np

from vidremove.pictures import draw_mask

WIDEST = 1280  # pixels of a picture that is sent; clicks are told in pixels of the frame all the same
_QUALITY = 88
_ALPHA = 115  # of 255: of a mask over the picture


def draw_layers(image: np.ndarray, layers: list[tuple[np.ndarray, str]]) -> np.ndarray:
    """Draw masks (bool (H, W), "#rrggbb") over a frame, uint8 (H, W, 3); returns a new picture of at most `WIDEST`."""
    drawn = shrink(image)
    for mask, colour in layers:
        small = cv2.resize(mask.astype(np.float32), drawn.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.5
        drawn = draw_mask(drawn, small, _rgb(colour))
    return drawn


def shrink(image: np.ndarray, widest: int = WIDEST) -> np.ndarray:
    """The picture no wider than `widest`."""
    height, width = image.shape[:2]
    if width <= widest:
        return image
    return cv2.resize(image, (widest, max(1, round(height * widest / width))), interpolation=cv2.INTER_AREA)


def masks_url(size: tuple[int, int], layers: list[tuple[np.ndarray, str]], widest: int = WIDEST) -> str:
    """Masks (bool (H, W), "#rrggbb") to be laid over a picture of `size` (H, W): a PNG with alpha as a data URL.

    Returns: the text that an <img> takes; empty for no masks.
    """
    if not layers:
        return ""
    height, width = size if size[1] <= widest else (max(1, round(size[0] * widest / size[1])), widest)
    drawn = np.zeros((height, width, 4), np.uint8)
    for mask, colour in layers:
        values = mask.astype(np.float32) if mask.shape != (height, width) else mask
        small = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA) > 0.5 if values is not mask else mask
        blue_to_red = _rgb(colour)[::-1]
        drawn[small] = (*blue_to_red, _ALPHA)
        outline, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outline, -1, (*blue_to_red, 255), 1)
    _, data = cv2.imencode(".png", drawn, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode()


def data_url(image: np.ndarray, quality: int = _QUALITY) -> str:
    """A JPEG picture as the text that an <img> takes."""
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

"""Images, masks and flow as numpy arrays: grey, 8 bits, grow, boxes. Flow is (H, W, 2), as OpenCV keeps it."""

import cv2
import numpy as np

Box = tuple[int, int, int, int]  # y0, y1, x0, x1; half open

LARGEST_PIXELS = 2**28  # of one picture; more is refused before anything is decoded


def to_gray(image: np.ndarray) -> np.ndarray:
    """Luma for matching: uint8 (H, W) from RGB uint8 or uint16 (H, W, 3)."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return gray if gray.dtype == np.uint8 else (gray >> 8).astype(np.uint8)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """The image at 8 bits a sample, rounded; the same array where it has 8 bits already."""
    return image if image.dtype == np.uint8 else ((image.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def fit_side(image: np.ndarray, side: int | None) -> np.ndarray:
    """The image made smaller until its longest side has `side` pixels; as it is where None or no longer than that."""
    longest = max(image.shape[:2])
    if side is None or longest <= side:
        return image
    height, width = (max(1, round(length * side / longest)) for length in image.shape[:2])
    smaller: np.ndarray = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return smaller


def even_sides(image: np.ndarray) -> np.ndarray:
    """The image (H, W, C) with its last row and column repeated where needed: H.264 in 4:2:0 needs even sides."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def disk(radius: int) -> np.ndarray:
    """Round structuring element, uint8 (2 radius + 1, 2 radius + 1)."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def grow(mask: np.ndarray, radius: int) -> np.ndarray:
    """Dilate a bool mask by `radius` pixels; a negative radius shrinks it."""
    if radius == 0 or not mask.any():
        return mask
    operation = cv2.dilate if radius > 0 else cv2.erode
    return operation(mask.view(np.uint8), disk(abs(radius))).view(np.bool_)


def bounding_box(mask: np.ndarray, margin: int = 0, multiple: int = 1) -> Box | None:
    """Smallest box round the True pixels, widened by `margin`, sides rounded up to `multiple` where the image allows.

    Returns: (y0, y1, x0, x1), half open, inside the image; None for an empty mask.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    y0, y1 = _widen(int(rows[0]), int(rows[-1]) + 1, mask.shape[0], margin, multiple)
    x0, x1 = _widen(int(columns[0]), int(columns[-1]) + 1, mask.shape[1], margin, multiple)
    return y0, y1, x0, x1


def _widen(start: int, stop: int, limit: int, margin: int, multiple: int) -> tuple[int, int]:
    start, stop = max(0, start - margin), min(limit, stop + margin)
    stop = min(limit, stop + (start - stop) % multiple)
    return max(0, start - (start - stop) % multiple), stop


def identity_grid(height: int, width: int) -> np.ndarray:
    """Pixel coordinates (x, y) of every pixel, float32 (H, W, 2)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack([x, y])


def diffuse(image: np.ndarray, hole: np.ndarray, radius: int, method: int = cv2.INPAINT_TELEA) -> np.ndarray:
    """Continue the rim of a hole smoothly into it; reads nothing of what stands in the hole.

    OpenCV leaves the outermost pixels of a picture as they are and reads them, so the hole is first filled with the
    colour of the nearest known pixel; grey where none is known.

    Args:
        image: uint8 (H, W, 3).
        hole: bool (H, W), True = fill.
        radius: pixels round a pixel that it is made from.
        method: `cv2.INPAINT_TELEA` (Telea 2004) or `cv2.INPAINT_NS` (Bertalmio et al. 2001, which keeps edges going).
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
    filled = cv2.inpaint(near, hole.view(np.uint8), radius, method)
    return np.asarray(np.where(hole[..., None], filled, image))

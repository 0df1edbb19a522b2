"""The parts of a frame in which holes are filled."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vidremove.images import Box, bounding_box
from vidremove.stages.view import View

MARGIN = 28  # working pixels round a hole that take part
RING = 14  # of them those that candidates are judged on
NEAR = 22  # and those whose motion is continued into the hole
_MOST = 6  # regions a frame; more holes are filled together
_NO_MAP: Any = None  # OpenCV types do not allow it
_LEAST_SIDE = 16  # working pixels, for the flow


@dataclass(slots=True, eq=False)
class Site:
    """A hole with its surroundings, as candidates are compared with them. Arrays are of `box`, working pixels."""

    view: View
    box: Box  # working pixels
    inner: Box  # the hole alone, within `box`
    full: Box  # the hole alone, pixels of the image
    hole: np.ndarray  # uint8 (h, w), 255 in the hole
    ring: np.ndarray  # bool (h, w), pixels that candidates are judged on
    near: np.ndarray  # bool (h, w), pixels whose motion is continued into the hole
    grid: np.ndarray  # float32 (h, w, 2), (x, y) working pixels of the frame
    gray: np.ndarray  # uint8 (h, w)
    colour: np.ndarray  # float32 (h, w, 3), 0..255


def make_site(view: View, box: Box) -> Site:
    """The surroundings of the holes inside a box of `find_regions`."""
    hole = np.ascontiguousarray(crop(view.covered, box))
    inner = bounding_box(hole > 0) or (0, hole.shape[0], 0, hole.shape[1])
    y, x = box[0], box[2]
    full = full_box((inner[0] + y, inner[1] + y, inner[2] + x, inner[3] + x), view.factor, view.image.shape[:2])
    return Site(
        view,
        box,
        inner,
        full,
        hole,
        (cv2.dilate(hole, np.ones((2 * RING + 1,) * 2, np.uint8)) > 0) & (hole == 0),
        cv2.dilate(hole, np.ones((2 * NEAR + 1,) * 2, np.uint8)) > 0,
        box_grid(box),
        np.ascontiguousarray(crop(view.gray, box)),
        crop(view.small, box).astype(np.float32),
    )


@dataclass(slots=True, eq=False)
class Region:
    """What was found for the hole of a site. Arrays are of its `full` box."""

    site: Site
    hole: np.ndarray  # bool (H, W)
    colour: np.ndarray  # float32 (H, W, 3), in the image's own range; means something where known
    known: np.ndarray  # bool (H, W), True where the hole was filled
    doubt: np.ndarray  # float32 (h, w), 0..1, of the site's inner box: share that no source spoke for

    @property
    def full(self) -> Box:
        """Where in the image it is."""
        return self.site.full


def find_regions(view: View) -> list[Box]:
    """Boxes (working pixels) that together hold all holes with a margin; they do not overlap."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(view.covered, connectivity=8)
    boxes = [_pad(tuple(int(v) for v in stat[:4]), view.size) for stat in stats[1:count]]
    while True:
        merged = _merge(boxes)
        if len(merged) == len(boxes):
            break
        boxes = merged
    if len(boxes) > _MOST:
        a = np.array(boxes)
        return [(int(a[:, 0].min()), int(a[:, 1].max()), int(a[:, 2].min()), int(a[:, 3].max()))]
    return boxes


def full_box(box: Box, factor: int, size: tuple[int, ...]) -> Box:
    """The box in pixels of the image of `size` (H, W)."""
    y0, y1, x0, x1 = (side * factor for side in box)
    return y0, min(y1, size[0]), x0, min(x1, size[1])


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """The part of an image inside a box, not copied."""
    y0, y1, x0, x1 = box
    return image[y0:y1, x0:x1]


def box_grid(box: Box) -> np.ndarray:
    """Coordinates (x, y) of the pixels of a box: float32 (h, w, 2)."""
    y0, y1, x0, x1 = box
    x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
    return np.dstack([x, y])


def depth_scale(image: np.ndarray) -> np.float32:
    """By what 0..255 is multiplied to be in the range of the image."""
    return np.float32(257 if image.dtype == np.uint16 else 1)


def enlarge_map(places: np.ndarray, factor: int, size: tuple[int, int]) -> np.ndarray:
    """Working-pixel coordinates (h, w, 2) as coordinates of the image for each of its pixels, cut to `size`."""
    if factor > 1:
        wide = (places.shape[1] * factor, places.shape[0] * factor)
        places = (cv2.resize(places, wide, interpolation=cv2.INTER_LINEAR) + 0.5) * factor - 0.5
    return np.ascontiguousarray(places[: size[0], : size[1]])


def enlarge(values: np.ndarray, factor: int, size: tuple[int, int]) -> np.ndarray:
    """Values of working pixels (h, w[, C]) for each pixel of the image, cut to `size`."""
    if factor > 1:
        wide = (values.shape[1] * factor, values.shape[0] * factor)
        values = cv2.resize(values, wide, interpolation=cv2.INTER_LINEAR)
    return values[: size[0], : size[1]]


def _pad(stat: tuple[int, ...], size: tuple[int, int]) -> Box:
    x, y, width, height = stat
    y0, y1 = max(0, y - MARGIN), min(size[0], y + height + MARGIN)
    x0, x1 = max(0, x - MARGIN), min(size[1], x + width + MARGIN)
    y0, x0 = max(0, min(y0, y1 - _LEAST_SIDE)), max(0, min(x0, x1 - _LEAST_SIDE))
    return y0, min(size[0], max(y1, y0 + _LEAST_SIDE)), x0, min(size[1], max(x1, x0 + _LEAST_SIDE))


def _merge(boxes: list[Box]) -> list[Box]:
    merged: list[Box] = []
    for box in boxes:
        for i, other in enumerate(merged):
            if box[0] < other[1] and other[0] < box[1] and box[2] < other[3] and other[2] < box[3]:
                merged[i] = (
                    min(box[0], other[0]),
                    max(box[1], other[1]),
                    min(box[2], other[2]),
                    max(box[3], other[3]),
                )
                break
        else:
            merged.append(box)
    return merged


def sample(image: np.ndarray, places: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """The image looked up at (x, y) coordinates (h, w, 2); dtype of the image, borders replicated."""
    found: np.ndarray = cv2.remap(image, places, _NO_MAP, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return found

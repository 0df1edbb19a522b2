"""Filling on crops: where networks look, one steady crop for each hole that moves through a window of frames."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.errors import ShapeError
from vidremove.images import Box

Complete = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Images uint8 (n, h, w, 3) and masks bool (n, h, w), True = fill, to images of the same shape, read at the masks."""

Sides = Callable[[int, int], tuple[int, int]]
"""Height and width of a hole to those of the crop round it, at most; frames cut it down where they are smaller."""

_LEAST_MARGIN = 48  # pixels round a hole within which another one belongs to it
_SMOOTHING = 9  # frames over which the path of a crop is straightened


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The crops of one hole."""

    frames: list[int]  # indexes of the images, ascending
    boxes: list[Box]  # one for each, all of one size
    label: int  # of the hole in `labels`
    labels: np.ndarray  # int32 (H, W): which hole a hole pixel belongs to


def fill_on_crops(
    images: np.ndarray, holes: np.ndarray, banned: np.ndarray | None, sides: Sides, complete: Complete
) -> np.ndarray:
    """Fill each hole on crops of one size and a smooth path, at the frames' own resolution.

    Args:
        images: uint8 (T, H, W, 3), RGB; what stands in the holes is not read.
        holes: bool (T, H, W), True = fill.
        banned: bool (T, H, W), True = not to be continued either; the network is shown these as holes too.
        sides: size of a crop.
        complete: the network.
    Returns: uint8 (T, H, W, 3), equal to `images` to the bit outside the holes.
    Raises: ShapeError if the shapes do not belong together.
    Source: ours.
    """
    if images.shape[:3] != holes.shape or (banned is not None and banned.shape != holes.shape):
        raise ShapeError(f"images are {images.shape}, holes {holes.shape}: needed (T, H, W, 3) and (T, H, W)")
    filled = images.copy()
    for track in plan_tracks(holes, sides):
        parts = [np.s_[t, y0:y1, x0:x1] for t, (y0, y1, x0, x1) in zip(track.frames, track.boxes, strict=True)]
        crops = np.stack([images[part] for part in parts])
        masks = np.stack([holes[part] if banned is None else holes[part] | banned[part] for part in parts])
        made = complete(np.where(masks[..., None], np.uint8(0), crops), masks)
        for part, new in zip(parts, made, strict=True):
            own = holes[part] & (track.labels[part[1:]] == track.label)
            filled[part][own] = new[own]
    return filled


def plan_tracks(holes: np.ndarray, sides: Sides) -> list[Track]:
    """One track for each group of holes whose surroundings do not touch in any of the frames.

    Args:
        holes: bool (T, H, W).
        sides: size of a crop.
    Returns: tracks whose boxes contain their hole in every frame in which it has pixels.
    Source: ours.
    """
    ever: np.ndarray = np.logical_or.reduce(holes, axis=0)
    count, labels = _group(ever)
    tracks = []
    for label in range(1, count):
        own = holes & (labels == label)
        frames = np.flatnonzero(own.any(axis=(1, 2)))
        tight = np.array([_bounds(own[t]) for t in frames])
        boxes = _steady(frames, tight, sides, (holes.shape[1], holes.shape[2]))
        tracks.append(Track(frames.tolist(), boxes, label, labels))
    return tracks


def _group(hole: np.ndarray) -> tuple[int, np.ndarray]:
    """Number the holes whose surroundings touch alike: the count of numbers with 0, and int32 (H, W)."""
    surroundings = np.zeros(hole.shape, np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(hole.astype(np.uint8), connectivity=8)
    for x, y, width, height, _ in stats[1:]:
        margin = max(_LEAST_MARGIN, width, height) // 2
        surroundings[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin] = 1
    return cv2.connectedComponents(surroundings, connectivity=8)


def _bounds(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _smooth(frames: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each place on the straight line that fits those of the frames about it best, float (n,)."""
    near = (np.abs(frames[:, None] - frames[None, :]) <= _SMOOTHING // 2).astype(float)
    count = near.sum(axis=1)
    time, place = near @ frames / count, near @ places / count
    late = near * (frames[None, :] - time[:, None])
    slope = (late @ places) / np.maximum((late * late).sum(axis=1), 1e-9)
    line: np.ndarray = place + slope * (frames - time)
    return line


def _steady(frames: np.ndarray, tight: np.ndarray, sides: Sides, size: tuple[int, int]) -> list[Box]:
    """Boxes of one size round the tight ones, int (n, 4), whose path is smooth where that leaves no hole outside."""
    height, width = (int((tight[:, axis + 1] - tight[:, axis]).max()) for axis in (0, 2))
    starts = []
    crop = [min(side, limit) for side, limit in zip(sides(height, width), size, strict=True)]
    for axis, side, limit in zip((0, 2), crop, size, strict=True):
        first, last = tight[:, axis], tight[:, axis + 1]
        wanted = _smooth(frames, (first + last) / 2) - side / 2
        start = np.clip(np.rint(wanted).astype(int), np.maximum(last - side, 0), first)
        starts.append(np.minimum(start, limit - side))
    (rows, columns), (high, wide) = starts, crop
    return [(int(y), int(y) + high, int(x), int(x) + wide) for y, x in zip(rows, columns, strict=True)]

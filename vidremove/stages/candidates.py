"""What one other frame offers for the hole of a frame: where to look, what is visible there, how well it fits."""

from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.images import Box, disk
from vidremove.stages.region import box_grid, crop, sample
from vidremove.stages.registration import fill_smooth_coarse, project, register, residual_flow
from vidremove.stages.survey import Survey
from vidremove.stages.view import View

_VERIFY_BEYOND = 20  # frames; a chain of camera motions longer than this is only a guess
_RING = 16  # working pixels round the hole on which a source is judged
_ODD = 25.0  # grey levels a ring difference may stand off the ring's own before it counts little
_LARGEST_OFFSET = 40.0  # grey levels of exposure difference


@dataclass(slots=True, eq=False)
class Candidate:
    """Arrays are of one box of the target in working pixels, (h, w)."""

    source: View
    places: np.ndarray | None  # float32 (h, w, 2), (x, y) in the source; None: the same place
    visible: np.ndarray  # bool (h, w)
    colour: np.ndarray  # float32 (h, w, 3), 0..255, offset included
    offset: np.ndarray | None  # float32 (h, w, 3), 0..255, to be added to the source's colours
    error: np.ndarray  # float32 (h, w), squared grey levels, from the ring into the hole
    gap: int  # frames from the target


def make_candidate(target: View, source: View, box: Box, survey: Survey) -> Candidate | None:
    """Register `source` to `target` round the hole; None if that fails."""
    gap = abs(source.index - target.index)
    if survey.still(target.index, source.index):
        return _judge(target, source, box, None, gap)
    homography = survey.between(target.index, source.index)
    if homography is None:
        return None
    refined = register(target, source, homography)
    if refined is None and gap > _VERIFY_BEYOND:
        return None
    if refined is not None:
        homography = refined
    grid = box_grid(box)
    places = project(homography, grid)
    hole, covered = crop(target.covered, box), _covered(source, places)
    aligned = sample(source.gray, places)
    residual = residual_flow(crop(target.gray, box), aligned, hole, covered)
    return _judge(target, source, box, project(homography, grid + residual), gap)


def _covered(source: View, places: np.ndarray) -> np.ndarray:
    """Where the source is in a hole or outside the view: uint8 (h, w), 255 or 0."""
    height, width = source.size
    covered = sample(source.covered, places)
    x, y = places[..., 0], places[..., 1]
    outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    return np.where(outside | (covered > 0), np.uint8(255), np.uint8(0))


def _judge(target: View, source: View, box: Box, places: np.ndarray | None, gap: int) -> Candidate:
    """Compare on a ring round the hole, and continue exposure difference and error into it."""
    if places is None:
        covered, colour = crop(source.covered, box), crop(source.small, box)
    else:
        covered = _covered(source, places)
        colour = sample(source.small, places)
    hole = crop(target.covered, box)
    ring = (cv2.dilate(hole, disk(_RING)) > 0) & (hole == 0) & (covered == 0)
    floats = colour.astype(np.float32)
    difference = crop(target.small, box).astype(np.float32) - floats
    if not ring.any():
        return Candidate(source, places, covered == 0, floats, None, np.full(hole.shape, 1e3, np.float32), gap)
    middle = np.median(difference[ring], axis=0)
    weight = ring / (1 + ((difference - middle) ** 2).mean(axis=2) / _ODD**2)
    squared = (difference**2).mean(axis=2)
    smooth = fill_smooth_coarse(np.dstack([difference, squared]), weight.astype(np.float32))
    if places is None:
        return Candidate(source, places, covered == 0, floats, None, np.maximum(smooth[..., 3], 0), gap)
    offset = np.clip(smooth[..., :3], -_LARGEST_OFFSET, _LARGEST_OFFSET)
    error = np.maximum(smooth[..., 3] - (offset**2).mean(axis=2), 0)
    return Candidate(source, places, covered == 0, floats + offset, offset, error, gap)

"""What one other frame offers for the hole of a frame: where to look, what is visible there, how well it fits."""

from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.stages.region import Site, crop, sample
from vidremove.stages.registration import fill_smooth, project, register, residual_flow
from vidremove.stages.survey import Survey
from vidremove.stages.view import View

_DIRECT = 2  # frames up to which the survey's camera is as good as registering again
_NEAR_LEVELS = 1  # of the pyramid, where the survey's camera is a good start
_VERIFY_BEYOND = 20  # frames; a chain of camera motions longer than this is only a guess
_ODD = 25.0  # grey levels a ring difference may stand off the ring's own before it counts little
_LARGEST_OFFSET = 40.0  # grey levels of exposure difference
_UNKNOWN_ERROR = 1000.0  # squared grey levels, of a source that cannot be compared


@dataclass(slots=True, eq=False)
class Candidate:
    """Arrays are of the inner box of a site, (h, w) working pixels."""

    source: View
    places: np.ndarray | None  # float32 (h, w, 2), (x, y) in the source; None: the same place
    visible: np.ndarray  # float32 (h, w), 0 or 1
    gray: np.ndarray  # float32 (h, w), 0..255, offset included
    offset: np.ndarray | None  # float32 (h, w, 3), 0..255, to be added to the source's colours
    error: np.ndarray  # float32 (h, w), squared grey levels, from the ring into the hole
    gap: int  # frames from the target
    moving: bool = False  # shows a thing that moves, which stands in front of the background


def make_candidate(site: Site, source: View, survey: Survey) -> Candidate | None:
    """Register `source` round the hole of a site; None if that fails."""
    target = site.view
    if survey.still(target.index, source.index):
        return _judge(site, source, None)
    homography = locate(target, source, survey)
    if homography is None:
        return None
    places = project(homography, site.grid)
    residual = residual_flow(site.gray, sample(source.gray, places), site.hole, site.near, covered_at(source, places))
    return _judge(site, source, project(homography, site.grid + residual))


def locate(target: View, source: View, survey: Survey) -> np.ndarray | None:
    """Homography from `target` to `source`, measured between the two themselves where they are far apart.

    It is always measured from the earlier frame to the later one, so that either as the target gives the same.
    """
    gap = abs(source.index - target.index)
    if gap <= _DIRECT:
        return survey.between(target.index, source.index)
    first, second = (target, source) if target.index < source.index else (source, target)
    homography = survey.measured.get((first.index, second.index))
    if homography is None:
        homography = _measure(first, second, survey, gap)
        survey.measured.put((first.index, second.index), homography)
    if not homography.any():
        return None
    return homography if first is target else np.linalg.inv(homography)


def _measure(first: View, second: View, survey: Survey, gap: int) -> np.ndarray:
    """Homography between two frames far apart; all zero where it cannot be told."""
    homography = survey.between(first.index, second.index)
    if homography is None:
        return np.zeros((3, 3))
    refined = register(first, second, homography, levels=_NEAR_LEVELS if gap <= _VERIFY_BEYOND else 3)
    if refined is None:
        return homography if gap <= _VERIFY_BEYOND else np.zeros((3, 3))
    return refined


def covered_at(source: View, places: np.ndarray) -> np.ndarray:
    """Where the source is in a hole or outside the view: uint8 (h, w), 255 or 0."""
    height, width = source.size
    covered = cv2.threshold(sample(source.covered, places), 0, 255, cv2.THRESH_BINARY)[1]
    inside = cv2.inRange(places, (-0.5, -0.5), (width - 0.5, height - 0.5))
    return cv2.bitwise_or(covered, cv2.bitwise_not(inside))


def _judge(site: Site, source: View, places: np.ndarray | None) -> Candidate:
    """Compare on a ring round the hole, and continue exposure difference and error into it."""
    if places is None:
        covered, colour = crop(source.covered, site.box), crop(source.small, site.box)
    else:
        covered, colour = covered_at(source, places), sample(source.small, places)
    gap = abs(source.index - site.view.index)
    inner = site.inner
    visible = (crop(covered, inner) == 0).astype(np.float32)
    gray = cv2.cvtColor(crop(colour, inner), cv2.COLOR_RGB2GRAY).astype(np.float32)
    places_in = None if places is None else crop(places, inner)
    ring = site.ring & (covered == 0)
    if not ring.any():
        error = np.full(visible.shape, _UNKNOWN_ERROR, np.float32)
        return Candidate(source, places_in, visible, gray, None, error, gap)
    difference = site.colour - colour
    third = np.full((1, 3), 1 / 3)
    squared = cv2.transform(difference * difference, third)
    weight = ring.astype(np.float32)
    error = crop(fill_smooth(squared[..., None], weight)[..., 0], inner)
    if places is None:
        return Candidate(source, None, visible, gray, None, np.maximum(error, 0), gap)
    middle = np.median(difference[::2, ::2][ring[::2, ::2]], axis=0) if ring[::2, ::2].any() else np.zeros(3)
    trust = 1 / (1 + cv2.transform((difference - middle) ** 2, third / _ODD**2))
    offset = crop(fill_smooth(difference, weight * trust), inner)
    offset = np.clip(offset, -_LARGEST_OFFSET, _LARGEST_OFFSET)
    error -= cv2.transform(offset * offset, third)
    gray += cv2.transform(offset, np.array([[0.299, 0.587, 0.114]]))
    return Candidate(source, places_in, visible, gray, offset, np.maximum(error, 0), gap)

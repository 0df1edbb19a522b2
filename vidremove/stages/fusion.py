"""From what several frames offer to one colour for each pixel of a hole."""

import cv2
import numpy as np

from vidremove.stages.candidates import Candidate
from vidremove.stages.region import Region, Site, crop, enlarge, enlarge_map, sample

_DRIFT = 1.0  # squared grey levels by which a scene changes in a frame's time, growing with its square
_FLOOR = 1.0  # squared grey levels that any source is off
_TOLERANCE = 60.0  # grey levels a source may stand off the consensus before it counts little
_ROUNDS = 4
_BEHIND = 60.0**2  # squared grey levels that background is off where a moving thing is surely expected
_DOUBT = 15.0**2  # squared grey levels of error at which it is expected by half
_PATCH = 5  # pixels a side over which agreement is judged


def fuse(site: Site, candidates: list[Candidate]) -> Region:
    """Weigh the candidates by their own evidence and by their agreement, and copy from the full-size sources.

    Source: ours; iteratively reweighted means with a Geman-McClure weight on patches.
    """
    factor = site.view.factor
    hole = crop(site.view.hole, site.full)
    colour = np.zeros((*hole.shape, 3), np.float32)
    total = np.zeros(hole.shape, np.float32)
    if candidates:
        for candidate, weight in zip(candidates, agree(candidates), strict=True):
            wide = enlarge(weight, factor, hole.shape)
            if wide.any():
                colour += wide[..., None] * look_up(candidate, site)
                total += wide
    known = hole & (total > 1e-6)
    colour /= np.maximum(total, 1e-6)[..., None]
    return Region(site, hole, colour, known)


def agree(candidates: list[Candidate]) -> np.ndarray:
    """Weight of each candidate at each working pixel: float32 (N, h, w); they sum to 1, or 0 if none is visible."""
    gray = np.stack([candidate.gray for candidate in candidates])
    visible = np.stack([candidate.visible for candidate in candidates])
    error = np.stack([candidate.error for candidate in candidates])
    gaps = np.array([candidate.gap for candidate in candidates], np.float32)[:, None, None]
    moving = np.array([candidate.moving for candidate in candidates])
    if moving.any():
        # what moves stands in front: where it is expected, the background behind it is not what is wanted
        expected = (visible[moving] / (1 + error[moving] / _DOUBT)).max(axis=0)
        error[~moving] += _BEHIND * expected
    own = visible / (error + _DRIFT * gaps**2 + _FLOOR)
    support = np.stack([np.maximum(cv2.blur(v, (_PATCH, _PATCH)), 1e-3) for v in visible])
    weights: np.ndarray = own / np.maximum(own.sum(axis=0), 1e-9)
    for _ in range(_ROUNDS):
        mean = (weights * gray).sum(axis=0)
        off = (gray - mean) ** 2 * visible
        off = np.stack([cv2.blur(o, (_PATCH, _PATCH)) for o in off]) / support
        weights = own / (1 + off / _TOLERANCE**2) ** 2
        weights = weights / np.maximum(weights.sum(axis=0), 1e-9)
    return weights


def look_up(candidate: Candidate, site: Site) -> np.ndarray:
    """The source's colours for the full box of a site: float32 (H, W, 3), in its own range; resampled once."""
    image, factor, full = candidate.source.image, site.view.factor, site.full
    shape = (full[1] - full[0], full[3] - full[2])
    if candidate.places is None:
        return np.asarray(crop(image, full), np.float32)
    places = enlarge_map(candidate.places, factor, shape)
    colour: np.ndarray = sample(image, places, cv2.INTER_CUBIC).astype(np.float32)
    if candidate.offset is not None:
        scale = np.float32(257 if image.dtype == np.uint16 else 1)
        colour += scale * enlarge(candidate.offset, factor, shape)
    return colour

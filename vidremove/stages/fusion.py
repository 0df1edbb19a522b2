"""From what several frames offer to one colour for each pixel of a hole."""

import cv2
import numpy as np

from vidremove.images import diffuse
from vidremove.stages.candidates import Candidate
from vidremove.stages.region import Region, Site, crop, depth_scale, enlarge, enlarge_map, sample
from vidremove.stages.registration import fill_smooth

_DRIFT = 0.3  # squared grey levels by which a scene changes in a frame's time, growing with its square
_FLOOR = 1.0  # squared grey levels that any source is off
_TOLERANCE = 60.0  # grey levels a source may stand off the consensus before it counts little
_ROUNDS = 4
_FAR = 12.0  # frames; beyond, a scene changes no more
_PLAIN = 9  # working pixels a side over which the surroundings are looked at
_RIM = 4.0  # working pixels into the hole to which the rim itself reaches
_DEPTH = 20.0  # working pixels into the hole at which the surroundings say half as much
_RADIUS = 2  # pixels of half the working size round a pixel that it is continued from
_KNOWN = 0.5  # share of a pixel of half the working size that must be known
_SEEN = 0.5  # share of a working pixel that a candidate must show
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_BOTTOMLESS = 1e4  # working pixels, where a hole has no edge
_BEHIND = 60.0**2  # squared grey levels that background is off where a moving thing is surely expected
_DOUBT = 15.0**2  # squared grey levels of error at which it is expected by half
_PATCH = 5  # pixels a side over which agreement is judged


def fuse(site: Site, candidates: list[Candidate]) -> Region:
    """Weigh the candidates by their own evidence and by their agreement, and copy from the full-size sources.

    What is round the hole takes part as one more voice, a smooth one: it is heard where all candidates are poor. What
    no candidate shows is left unknown.
    Source: ours; iteratively reweighted means with a Geman-McClure weight on patches.
    """
    factor, shape = site.view.factor, (site.full[1] - site.full[0], site.full[3] - site.full[2])
    hole = crop(site.view.hole, site.full)
    if not candidates:
        nothing = np.ones(crop(site.hole, site.inner).shape, np.float32)
        return Region(site, hole, np.zeros((*shape, 3), np.float32), np.zeros(shape, np.bool_), nothing)
    smooth, spread = expect(site)
    weights = agree(candidates, to_luma(smooth), spread)
    doubt = 1 - weights.sum(axis=0)
    colour = depth_scale(site.view.image) * enlarge(doubt[..., None] * smooth, factor, shape)
    for candidate, weight in zip(candidates, weights, strict=True):
        wide = enlarge(weight, factor, shape)
        if wide.any():
            colour += wide[..., None] * look_up(candidate, site)
    seen = np.max([candidate.visible for candidate in candidates], axis=0)
    return Region(site, hole, colour, hole & (enlarge(seen, factor, shape) > _SEEN), doubt)


def expect(site: Site) -> tuple[np.ndarray, np.ndarray]:
    """What the surroundings say of the hole: colours continued into it, and their squared error in grey levels.

    Returns: float32 (h, w, 3), 0..255, and float32 (h, w), of the inner box. On plain ground the error is
        small; in texture, or deep inside the hole, it is large.
    Source: ours.
    """
    ring = site.ring.astype(np.float32)
    size = (_PLAIN, _PLAIN)
    count = np.maximum(cv2.blur(ring, size), 1e-3)
    gray = site.gray.astype(np.float32)
    mean = cv2.blur(gray * ring, size) / count
    spread = np.maximum(cv2.blur(gray * gray * ring, size) / count - mean * mean, 0)
    spread = crop(fill_smooth(spread[..., None], ring)[..., 0], site.inner)
    depth = np.minimum(crop(cv2.distanceTransform(site.hole, cv2.DIST_L2, 3), site.inner), _BOTTOMLESS)
    rim = (depth / _RIM) ** 2
    error = (spread + _FLOOR) * rim / (1 + rim) * (1 + (depth / _DEPTH) ** 2)
    return crop(_continue(site.colour, site.hole), site.inner), error


def _continue(colour: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The rim of the hole continued into it at half the size, which a smooth thing does not miss; float32 (h, w, 3)."""
    height, width = hole.shape
    size = (-(-width // 2), -(-height // 2))
    known = (hole == 0).astype(np.float32)
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(colour * known[..., None], size, interpolation=cv2.INTER_AREA)
    mean /= np.maximum(share, 1e-3)[..., None]
    half = diffuse(np.rint(mean).astype(np.uint8), share < _KNOWN, _RADIUS, cv2.INPAINT_NS)
    return cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def to_luma(colour: np.ndarray) -> np.ndarray:
    """Luma of float32 (h, w, 3), RGB: float32 (h, w)."""
    luma: np.ndarray = cv2.transform(np.ascontiguousarray(colour), _LUMA)
    return luma


def agree(candidates: list[Candidate], expected: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Weight of each candidate at each working pixel: float32 (N, h, w); the rest to 1 is that of `expected`."""
    gray = np.stack([*(candidate.gray for candidate in candidates), expected])
    visible = np.stack([*(candidate.visible for candidate in candidates), np.ones_like(expected)])
    error = np.stack([*(candidate.error for candidate in candidates), spread])
    gaps = np.array([*(candidate.gap for candidate in candidates), 0], np.float32)[:, None, None]
    moving = np.array([*(candidate.moving for candidate in candidates), False])
    if moving.any():
        # what moves stands in front: where it is expected, the background behind it is not what is wanted
        in_front = (visible[moving] / (1 + error[moving] / _DOUBT)).max(axis=0)
        error[~moving] += _BEHIND * in_front
    own = visible / (error + _DRIFT * np.minimum(gaps, _FAR) ** 2 + _FLOOR)
    support = np.stack([np.maximum(cv2.blur(v, (_PATCH, _PATCH)), 1e-3) for v in visible])
    weights: np.ndarray = own / own.sum(axis=0)
    for _ in range(_ROUNDS):
        mean = (weights * gray).sum(axis=0)
        off = (gray - mean) ** 2 * visible
        off = np.stack([cv2.blur(o, (_PATCH, _PATCH)) for o in off]) / support
        weights = own / (1 + off / _TOLERANCE**2) ** 2
        weights = weights / weights.sum(axis=0)
    return weights[:-1]


def look_up(candidate: Candidate, site: Site, interpolation: int = cv2.INTER_CUBIC) -> np.ndarray:
    """The source's colours for the full box of a site: float32 (H, W, 3), in its own range; resampled once."""
    image, factor, full = candidate.source.image, site.view.factor, site.full
    shape = (full[1] - full[0], full[3] - full[2])
    if candidate.places is None:
        return np.asarray(crop(image, full), np.float32)
    places = enlarge_map(candidate.places, factor, shape)
    colour: np.ndarray = sample(image, places, interpolation).astype(np.float32)
    if candidate.offset is not None:
        colour += depth_scale(image) * enlarge(candidate.offset, factor, shape)
    return colour

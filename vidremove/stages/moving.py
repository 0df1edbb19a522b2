"""Other things that move: where they were seen beside the hole tells where they are inside it."""

import cv2
import numpy as np

from vidremove.images import disk, identity_grid
from vidremove.stages.candidates import Candidate, covered_at
from vidremove.stages.region import Site, crop, sample
from vidremove.stages.registration import dense_flow, fill_smooth, project
from vidremove.stages.survey import Survey
from vidremove.stages.view import View

REACH = (1, 2, 3, 4, 5, 6, 8, 10, 13)  # frames to either side from which things are followed into the hole
_SLOWEST = 0.7  # working pixels a frame against the background
_BETTER = 4.0  # grey levels by which moving must explain a pixel better than standing still
_FIT = 12.0  # grey levels a moving pixel may be off
_GAP = 5  # working pixels next to a hole whose motion is not believed
_LEAST = 20  # pixels of a thing worth following
_POOREST = 30.0**2  # squared grey levels where a thing is not where it was expected
_UNSEEN = 12.0**2  # squared grey levels expected of a thing that is wholly inside the hole
_ERRATIC = 0.08  # share by which the motion of a thing may change from frame to frame
_STRAY = 1.0  # squared grey levels by which following errs in a frame's time, growing with its square


def find_moving(view: View, other: View, homography: np.ndarray) -> np.ndarray:
    """Pixels that move against the background.

    Args:
        view, other: two frames next to each other.
        homography: of the background, from `view` to `other`.
    Returns: float32 (N, 4): x, y in working pixels and its motion from `view` to `other` against the background.
    Source: ours.
    """
    still = _align(other.gray, homography, cv2.BORDER_REPLICATE)
    flow = dense_flow(view.gray, still)
    grid = identity_grid(*view.size)
    moved = sample(other.gray, project(homography, grid + flow))
    off_still = cv2.blur(cv2.absdiff(view.gray, still).astype(np.float32), (5, 5))
    off_moved = cv2.blur(cv2.absdiff(view.gray, moved).astype(np.float32), (5, 5))
    speed = cv2.magnitude(flow[..., 0], flow[..., 1])
    moving = (speed > _SLOWEST) & (off_moved < _FIT) & (off_still > off_moved + _BETTER)
    hidden = cv2.bitwise_or(view.covered, _align(other.covered, homography, cv2.BORDER_CONSTANT))
    moving &= cv2.dilate(hidden, np.ones((2 * _GAP + 1, 2 * _GAP + 1), np.uint8)) == 0
    area = cv2.morphologyEx(moving.view(np.uint8), cv2.MORPH_CLOSE, disk(2))
    area = cv2.morphologyEx(area, cv2.MORPH_OPEN, disk(1)).view(np.bool_) & (speed > _SLOWEST / 2)
    return np.concatenate([grid[area], flow[area]], axis=1)


def _align(image: np.ndarray, homography: np.ndarray, border: int) -> np.ndarray:
    """Image of another frame as seen from this one, uint8 (h, w); a constant border is 255."""
    height, width = image.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    aligned: np.ndarray = cv2.warpPerspective(
        image, homography, (width, height), flags=flags, borderMode=border, borderValue=255
    )
    return aligned


def follow_moving(site: Site, source: View, moving: np.ndarray, survey: Survey) -> Candidate | None:
    """What of the moving things of `source` is expected in the hole of a site; None if nothing.

    Each pixel goes on as it moved; where the thing is partly seen beside the hole, it is registered there.
    Source: ours.
    """
    homography = survey.between(source.index, site.view.index)
    if homography is None or len(moving) < _LEAST:
        return None
    gap = site.view.index - source.index
    places, layer = _splat(site, moving[:, :2], project(homography, moving[:, :2] - gap * moving[:, 2:]))
    inside = layer & (site.hole > 0)
    if inside.sum() < _LEAST:
        return None
    seen = layer & (site.hole == 0)
    aligned = np.where(layer, sample(source.gray, places), site.gray)
    residual = dense_flow(np.where(site.hole > 0, aligned, site.gray), aligned)
    trusted = cv2.erode(seen.view(np.uint8), disk(2)).astype(np.float32)
    if trusted.sum() >= _LEAST:
        places = places + fill_smooth(residual, trusted)
        off = (site.gray - sample(source.gray, places).astype(np.float32)) ** 2
        error = fill_smooth(off[..., None], seen.astype(np.float32))[..., 0] + _STRAY * gap**2
    else:
        stray = _ERRATIC * gap * float(np.median(np.hypot(moving[:, 2], moving[:, 3])))
        error = np.full(layer.shape, _UNSEEN * (1 + stray**2), np.float32)
    visible = layer & (covered_at(source, places) == 0) & (error < _POOREST)
    inner = site.inner
    gray = sample(source.gray, places).astype(np.float32)
    return Candidate(
        source,
        crop(places, inner),
        crop(visible, inner).astype(np.float32),
        crop(gray, inner),
        None,
        crop(error, inner),
        abs(gap),
        moving=True,
    )


def _splat(site: Site, points: np.ndarray, arrive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the site came from, (h, w, 2), and for which this is known, bool (h, w)."""
    y0, y1, x0, x1 = site.box
    at = np.rint(np.clip(arrive, -1e6, 1e6)).astype(np.int64) - (x0, y0)
    inside = (at >= 0).all(axis=1) & (at[:, 0] < x1 - x0) & (at[:, 1] < y1 - y0)
    count = np.zeros(site.hole.shape, np.float32)
    shift = np.zeros((*site.hole.shape, 2), np.float32)
    x, y = at[inside].T
    count[y, x] = 1
    shift[y, x] = (points - arrive)[inside]
    layer = cv2.morphologyEx(count, cv2.MORPH_CLOSE, disk(2)) > 0
    smooth = cv2.blur(shift, (5, 5)) / np.maximum(cv2.blur(count, (5, 5)), 1e-3)[..., None]
    return site.grid + smooth, layer

"""Put the fill into the frames: steady in time, soft at the edge, every other pixel as it was."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from vidremove.config import FillConfig
from vidremove.images import Box, bounding_box
from vidremove.stages.background import Draft
from vidremove.stages.candidates import make_candidate
from vidremove.stages.fusion import look_up
from vidremove.stages.inpaint import filled_view, paste
from vidremove.stages.region import Region, crop, depth_scale, enlarge
from vidremove.stages.survey import Survey
from vidremove.stages.view import View, shrink
from vidremove.types import Frame

_SURE, _DOUBTFUL = 40.0, 1000.0  # grey levels the last fill may differ by before little of it is mixed in
_PATCH = 5  # working pixels a side over which agreement is judged


def blend(drafts: Iterable[Draft], survey: Survey, config: FillConfig) -> Iterator[Frame]:
    """Blend each fill with the one before it, carried along the background, and composite it on its frame.

    The frame's mask then tells which pixels were replaced; all others are equal to the source to the bit.
    """
    last: View | None = None
    shot = -1
    for draft in drafts:
        if draft.frame.shot != shot:
            shot, last = draft.frame.shot, None
        if draft.view is None:
            last = None
            yield draft.frame
            continue
        regions = draft.regions
        if last is not None and last.index == draft.view.index - 1 and config.steadiness > 0:
            regions = [_steady(region, draft.view, last, survey, config.steadiness) for region in regions]
        last = filled_view(draft.view, paste(draft.view.image, regions))
        # no deeper than the mask was grown, or the object itself would show through
        yield _composite(draft, regions, min(config.feather, config.dilate))


def _steady(region: Region, view: View, last: View, survey: Survey, share: float) -> Region:
    """Mix in the last fill where it agrees; it lets go where it does not.

    Source: ours; recursion with a Gaussian weight on the patch difference.
    """
    candidate = make_candidate(region.site, last, survey)
    if candidate is None:
        return region
    scale = depth_scale(view.image)
    now = cv2.cvtColor(shrink(region.colour / scale, view.factor), cv2.COLOR_RGB2GRAY)
    off = cv2.blur((candidate.gray - now) ** 2, (_PATCH, _PATCH))
    held = _SURE + (_DOUBTFUL - _SURE) * region.doubt
    weight = share * np.exp(-off / held**2) * candidate.visible
    wide = enlarge(weight.astype(np.float32), view.factor, region.hole.shape)[..., None]
    colour = region.colour + wide * (look_up(candidate, region.site) - region.colour)
    return replace(region, colour=colour)


def _composite(draft: Draft, regions: list[Region], feather: int) -> Frame:
    """Put the fill into the frame; it fades in over `feather` pixels from the edge of the grown mask."""
    image = draft.frame.image.copy()
    replaced = np.zeros(image.shape[:2], np.bool_)
    most = np.iinfo(image.dtype).max
    for region in regions:
        crop(replaced, region.full)[:] |= region.known
    for region in regions:
        part, mixed = crop(image, region.full), region.colour
        if feather > 0:
            alpha = _fade(replaced, region.full, feather)[..., None]
            mixed = part + alpha * (mixed - part)
        part[region.known] = np.rint(np.clip(mixed[region.known], 0, most))
    return replace(draft.frame, image=image, mask=replaced)


def fill_weight(replaced: np.ndarray, config: FillConfig) -> np.ndarray:
    """How much of the fill `blend` lets show in each pixel.

    Args:
        replaced: bool (H, W), the mask of a frame that `blend` gave.
        config: the one it worked by.
    Returns: float32 (H, W), above 0 to 1 where replaced, 0 elsewhere.
    """
    weight = replaced.astype(np.float32)
    box = bounding_box(replaced)
    feather = min(config.feather, config.dilate)
    if box is not None and feather > 0:
        part = crop(weight, box)
        part *= _fade(replaced, box, feather)
    return weight


def _fade(replaced: np.ndarray, box: Box, feather: int) -> np.ndarray:
    return np.asarray(np.minimum(_depth(replaced, box) / feather, 1))


def _depth(replaced: np.ndarray, box: Box) -> np.ndarray:
    """Distance in pixels to what is not replaced, inside a box; the picture's own edge counts as replaced."""
    y0, y1, x0, x1 = box
    top, left = max(0, y0 - 1), max(0, x0 - 1)
    around = np.ascontiguousarray(replaced[top : y1 + 1, left : x1 + 1])
    depth = cv2.distanceTransform(around.view(np.uint8), cv2.DIST_L2, 3)
    return depth[y0 - top : y1 - top, x0 - left : x1 - left]

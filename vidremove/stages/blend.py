"""Put the fill into the frames: steady in time, soft at the edge, every other pixel as it was."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from vidremove.config import FillConfig
from vidremove.stages.background import Draft
from vidremove.stages.candidates import make_candidate
from vidremove.stages.fusion import look_up
from vidremove.stages.inpaint import filled_view, paste
from vidremove.stages.region import Region, crop, enlarge
from vidremove.stages.survey import Survey
from vidremove.stages.view import View, shrink
from vidremove.types import Frame

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
        yield _composite(draft, regions, config.feather)


def _steady(region: Region, view: View, last: View, survey: Survey, share: float) -> Region:
    """Mix in the last fill where it agrees; it lets go where it does not.

    Source: ours; recursion with a Gaussian weight on the patch difference.
    """
    candidate = make_candidate(region.site, last, survey)
    if candidate is None:
        return region
    scale = np.float32(257 if view.image.dtype == np.uint16 else 1)
    now = cv2.cvtColor(shrink(region.colour / scale, view.factor), cv2.COLOR_RGB2GRAY)
    off = cv2.blur((candidate.gray - now) ** 2, (_PATCH, _PATCH))
    weight = share * np.exp(-off / 64) * candidate.visible
    wide = enlarge(weight.astype(np.float32), view.factor, region.hole.shape)[..., None]
    colour = region.colour + wide * (look_up(candidate, region.site) - region.colour)
    return replace(region, colour=colour)


def _composite(draft: Draft, regions: list[Region], feather: int) -> Frame:
    image = draft.frame.image.copy()
    replaced = np.zeros(image.shape[:2], np.bool_)
    most = np.iinfo(image.dtype).max
    for region in regions:
        part = crop(image, region.full)
        if feather > 0:
            depth = cv2.distanceTransform(region.known.view(np.uint8), cv2.DIST_L2, 3)
            alpha = np.minimum(depth / (feather + 1), 1)[..., None]
            mixed = part + alpha * (region.colour - part)
        else:
            mixed = region.colour
        part[region.known] = np.rint(np.clip(mixed[region.known], 0, most))
        crop(replaced, region.full)[:] |= region.known
    return replace(draft.frame, image=image, mask=replaced)

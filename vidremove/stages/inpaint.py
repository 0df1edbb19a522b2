"""Pixels that no frame shows: made up by the inpainter once, then carried along with the background."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from vidremove.images import Box, bounding_box, to_gray, to_uint8
from vidremove.stages.background import Draft
from vidremove.stages.candidates import make_candidate
from vidremove.stages.fusion import agree, expect, look_up
from vidremove.stages.region import Region, crop, enlarge
from vidremove.stages.survey import Survey
from vidremove.stages.view import View, shrink

Inpainter = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
_ANCHORS = 3  # frames kept whose made-up content is carried on
_LEAST_CONTEXT = 48  # pixels round an unseen part that the inpainter is shown
_ENOUGH = 0.5  # weight against the surroundings that carried content must have


def inpaint_unseen(drafts: Iterable[Draft], survey: Survey, inpainter: Inpainter) -> Iterator[Draft]:
    """Fill what `gather_background` left.

    What was made up at one frame is carried straight from there to the frames after it, so that it neither flickers
    nor gets soft; only what no such frame covers is made up anew.
    Source: ours.
    """
    anchors: list[View] = []
    shot = -1
    for draft in drafts:
        if draft.frame.shot != shot:
            shot = draft.frame.shot
            anchors.clear()
        if draft.view is None:
            yield draft
            continue
        regions = [_carry(region, draft.view, anchors, survey) for region in draft.regions]
        if any(_unknown(region).any() for region in regions):
            image = paste(draft.view.image, regions)
            regions = [_invent(region, image, inpainter) for region in regions]
            anchors.append(filled_view(draft.view, paste(draft.view.image, regions)))
            del anchors[:-_ANCHORS]
        yield replace(draft, regions=regions)


def paste(image: np.ndarray, regions: list[Region]) -> np.ndarray:
    """The image with what is known of each region put in: a new array of the same dtype."""
    image = image.copy()
    most = np.iinfo(image.dtype).max
    for region in regions:
        part = crop(image, region.full)
        part[region.known] = np.rint(np.clip(region.colour[region.known], 0, most))
    return image


def filled_view(view: View, image: np.ndarray) -> View:
    """The view of the same frame after its holes were filled: nothing is covered any more."""
    small = shrink(to_uint8(image), view.factor)
    nothing = np.zeros_like(view.covered)
    return View(view.index, image, np.zeros_like(view.hole), view.factor, small, to_gray(small), nothing)


def _unknown(region: Region) -> np.ndarray:
    unknown: np.ndarray = region.hole & ~region.known
    return unknown


def _carry(region: Region, view: View, anchors: list[View], survey: Survey) -> Region:
    """Take what is still unknown from the oldest anchor that shows it."""
    for anchor in anchors:
        unknown = _unknown(region)
        if not unknown.any():
            break
        candidate = make_candidate(region.site, anchor, survey)
        if candidate is None:
            continue
        weight = agree([candidate], *expect(region.site))[0]
        taken = unknown & (enlarge(weight, view.factor, unknown.shape) > _ENOUGH)
        if taken.any():
            found = look_up(candidate, region.site)
            colour = np.where(taken[..., None], found, region.colour)
            region = replace(region, colour=colour, known=region.known | taken)
    return region


def _invent(region: Region, image: np.ndarray, inpainter: Inpainter) -> Region:
    """Let the inpainter fill what is unknown in `image`, which has everything else filled."""
    unknown = _unknown(region)
    if not unknown.any():
        return region
    hole = np.zeros(image.shape[:2], np.bool_)
    crop(hole, region.full)[:] = unknown
    box = _context(hole)
    scale = np.float32(257 if image.dtype == np.uint16 else 1)
    made = inpainter(to_uint8(crop(image, box))[None], crop(hole, box)[None], None)[0]
    whole = np.zeros(image.shape, np.float32)
    crop(whole, box)[:] = made * scale
    colour = np.where(unknown[..., None], crop(whole, region.full), region.colour)
    return replace(region, colour=colour, known=region.hole)


def _context(hole: np.ndarray) -> Box:
    box = bounding_box(hole)
    if box is None:
        return 0, hole.shape[0], 0, hole.shape[1]
    side = max(box[1] - box[0], box[3] - box[2])
    wide = bounding_box(hole, margin=max(_LEAST_CONTEXT, side))
    return box if wide is None else wide

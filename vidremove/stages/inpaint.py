"""Pixels that no frame shows: made up by the inpainter once, then carried along with the background."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vidremove.images import Box, bounding_box, diffuse, to_gray, to_uint8
from vidremove.stages.background import Draft
from vidremove.stages.candidates import make_candidate
from vidremove.stages.fusion import agree, expect, look_up, to_luma
from vidremove.stages.region import Region, crop, depth_scale, enlarge
from vidremove.stages.survey import Survey
from vidremove.stages.view import View, shrink

Inpainter = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
_ANCHORS = 3  # frames kept whose made-up content is carried on
_GENERATIONS = 3  # times that made-up content is resampled before it is made up anew
_SLIGHT = 0.1  # share of the holes; less than this left over is continued from its rim, whose seams would show more
_NEW = 0.4  # share of what is unseen that must be new for a frame to become an anchor
_RADIUS = 5  # pixels
_LEAST_CONTEXT = 48  # pixels round an unseen part that the inpainter is shown
_ENOUGH = 0.5  # weight against the surroundings that carried content must have


@dataclass(slots=True, eq=False)
class _Anchor:
    """A frame whose made-up content is carried on, filled; and how often that was resampled already."""

    view: View
    generation: int


def inpaint_unseen(drafts: Iterable[Draft], survey: Survey, inpainter: Inpainter) -> Iterator[Draft]:
    """Fill what `gather_background` left.

    What was made up at one frame is carried straight from there to the frames after it, so that it neither flickers
    nor gets soft; only what no such frame covers is made up anew.
    Source: ours.
    """
    anchors: list[_Anchor] = []
    shot = -1
    for draft in drafts:
        if draft.frame.shot != shot:
            shot = draft.frame.shot
            anchors.clear()
        if draft.view is None:
            yield draft
            continue
        yield replace(draft, regions=_complete(draft.view, draft.regions, anchors, survey, inpainter))


def _complete(
    view: View, regions: list[Region], anchors: list[_Anchor], survey: Survey, inpainter: Inpainter
) -> list[Region]:
    """Carry in from the anchors, invent the rest, and make the frame an anchor if much of it is new."""
    unseen = _count_unknown(regions)
    if unseen == 0:
        return regions
    carried, generation = _carry_all(regions, anchors, survey)
    if generation > _GENERATIONS:
        anchors.clear()
        carried, generation = regions, 0
    new = _count_unknown(carried)
    if new > 0:
        image, unknown = paste(view.image, carried), np.zeros(view.hole.shape, np.bool_)
        for region in carried:
            crop(unknown, region.full)[:] |= _unknown(region)
        much = new >= max(_NEW * unseen, _SLIGHT * sum(int(region.hole.sum()) for region in regions))
        # a picture by itself is looked at for its sharpness, one of many must not be wrong in what moves past
        texture = 1.0 if survey.frames == 1 else getattr(inpainter, "clip_texture", 1.0)
        carried = [_invent(region, image, unknown, inpainter, texture if much else 0.0) for region in carried]
        if much:
            anchors.append(_Anchor(filled_view(view, paste(view.image, carried)), generation))
            del anchors[:-_ANCHORS]
    return carried


def _carry_all(regions: list[Region], anchors: list[_Anchor], survey: Survey) -> tuple[list[Region], int]:
    """Carry what is unknown from the oldest anchor that shows it. Returns: also the generation of what comes of it."""
    generation = 0
    for anchor in anchors:
        before = _count_unknown(regions)
        if before == 0:
            break
        regions = [_carry(region, anchor.view, survey) for region in regions]
        if _count_unknown(regions) < before:
            generation = max(generation, anchor.generation + 1)
    return regions, generation


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


def _count_unknown(regions: list[Region]) -> int:
    return sum(int(_unknown(region).sum()) for region in regions)


def _carry(region: Region, anchor: View, survey: Survey) -> Region:
    """Take what is still unknown from the anchor, where it fits better than what is round the hole."""
    unknown = _unknown(region)
    candidate = make_candidate(region.site, anchor, survey) if unknown.any() else None
    if candidate is None:
        return region
    smooth, spread = expect(region.site)
    weight = agree([candidate], to_luma(smooth), spread)[0]
    taken = unknown & (enlarge(weight, anchor.factor, unknown.shape) > _ENOUGH)
    found = look_up(candidate, region.site, cv2.INTER_LINEAR)
    colour = np.where(taken[..., None], found, region.colour)
    return replace(region, colour=colour, known=region.known | taken)


def _invent(region: Region, image: np.ndarray, all_unknown: np.ndarray, inpainter: Inpainter, texture: float) -> Region:
    """Fill what is unknown in `image`, which has everything else filled.

    `texture` is the share of the inpainter's result; the rest continues the rim. The inpainter is shown all that is
    unknown as a hole, so that it copies nothing of the objects in other regions.
    """
    unknown = _unknown(region)
    if not unknown.any():
        return region
    hole = np.zeros(image.shape[:2], np.bool_)
    crop(hole, region.full)[:] = unknown
    box = _context(hole)
    scale = depth_scale(image)
    shown, holes = to_uint8(crop(image, box)), crop(all_unknown, box)
    made = shown
    if texture < 1:
        made = diffuse(shown, holes, _RADIUS, cv2.INPAINT_NS)
    if texture > 0:
        made = cv2.addWeighted(inpainter(shown[None], holes[None], None)[0], texture, made, 1 - texture, 0)
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

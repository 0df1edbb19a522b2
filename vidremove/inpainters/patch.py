"""The embedded inpainter: copies pieces of the surroundings so that the seams between them do not show."""

import cv2
import numpy as np

from vidremove.errors import ShapeError
from vidremove.images import bounding_box, diffuse, grow
from vidremove.inpainters.offsets import cover, find_offsets
from vidremove.inpainters.seams import blend_seams
from vidremove.inpainters.shiftmap import Level, choose_offsets, make_level, refine

_NODES = 1200  # hole pixels at the resolution at which the pieces are chosen
_OFFSETS = 30
_THIN = 3  # a hole that is nowhere thicker than this many pixels from edge to edge is left to diffusion
_GROUPS = 6  # holes filled one by one; more are joined with their neighbours
_BAND = 3  # pixels on each side of a seam that may change piece at a finer resolution
_LEAST_MARGIN = 32  # pixels
_LEAST_SIDE = 16  # pixels of the coarsest level
_POOREST = 10  # a hole this many times larger than all that may be copied is left to diffusion
_GREY = 128


class Patch:
    """Shift map: message passing over the offsets at which the picture repeats itself, then gradient-domain blending.

    No weights. Continues texture and repeated structure sharply; invents nothing that does not stand near the hole.
    Source: He and Sun 2012, Statistics of patch offsets for image completion; Pritch et al. 2009, Shift-map image
        editing; the way from coarse to fine and the blending: ours.
    """

    multiple = 1  # sides of the images may be anything
    clip_texture = 0.5  # share of its result in a clip, where what moves past must not be wrong; all of it in a picture

    def __init__(self, offsets: int = _OFFSETS) -> None:
        self.offsets = offsets

    def __call__(self, images: np.ndarray, holes: np.ndarray, banned: np.ndarray | None = None) -> np.ndarray:
        """Fill the holes, each image by itself.

        Args:
            images: uint8 (T, H, W, 3), RGB; what stands in the holes is not read.
            holes: bool (T, H, W), True = fill.
            banned: bool (T, H, W), True = must not be copied from either (other objects), nor continued.
        Returns: uint8 (T, H, W, 3), equal to `images` to the bit outside the holes, same answer every time.
        Raises: ShapeError if the shapes do not belong together.
        """
        if images.shape[:3] != holes.shape or (banned is not None and banned.shape != holes.shape):
            raise ShapeError(f"images are {images.shape}, holes {holes.shape}: needed (T, H, W, 3) and (T, H, W)")
        filled = images.copy()
        for index, hole in enumerate(holes):
            self._fill(filled[index], hole, hole if banned is None else hole | banned[index])
        return filled

    def _fill(self, image: np.ndarray, hole: np.ndarray, closed: np.ndarray) -> None:
        """Fill one image in place; nothing is copied from `closed` pixels."""
        if not hole.any():
            return
        if closed.all():
            image[hole] = _GREY if hole.all() else np.median(image[~hole], axis=0)
            return
        thick = grow(grow(hole, -((_THIN + 1) // 2)), 2 * _THIN) & hole
        if (~closed).sum() * _POOREST < thick.sum():
            thick = np.zeros_like(hole)
        open_ = ~closed
        for group in _groups(thick):
            box = _context(group, open_)
            window = np.s_[box[0] : box[1], box[2] : box[3]]
            image[window] = self._fill_group(image[window], group[window], open_[window])
        thin = hole & ~thick
        if thin.any():
            image[thin] = diffuse(image, thin | (closed & ~thick), _THIN)[thin]

    def _fill_group(self, image: np.ndarray, hole: np.ndarray, source: np.ndarray) -> np.ndarray:
        levels = _pyramid(image, hole, source)
        level = levels.pop()
        offsets = find_offsets(level.image, level.hole, level.source, self.offsets)
        shifts = choose_offsets(level, cover(level.hole, level.source, offsets))
        while levels:
            coarse, level = level, levels.pop()
            shifts = refine(level, coarse, shifts, _BAND)
        result = image.copy()
        result[hole] = blend_seams(image, hole, source, shifts.pieces[shifts.labels])
        return result


def _groups(holes: np.ndarray) -> list[np.ndarray]:
    """The holes one by one, small ones joined with what is near until there are few."""
    reach = 4
    while True:
        count, numbers = cv2.connectedComponents(grow(holes, reach).view(np.uint8), connectivity=8)
        if count - 1 <= _GROUPS or reach > max(holes.shape):
            return [group for number in range(1, count) if (group := (numbers == number) & holes).any()]
        reach *= 2


def _context(hole: np.ndarray, source: np.ndarray) -> tuple[int, int, int, int]:
    """The part of the picture a hole is filled from: three times its size, more where little may be copied."""
    box = bounding_box(hole)
    if box is None:
        return 0, 0, 0, 0
    margin = max(box[1] - box[0], box[3] - box[2], _LEAST_MARGIN)
    while True:
        wide = bounding_box(hole, margin)
        if wide is None or margin > max(hole.shape):
            return 0, hole.shape[0], 0, hole.shape[1]
        inside = np.s_[wide[0] : wide[1], wide[2] : wide[3]]
        if source[inside].sum() > 2 * hole[inside].sum():
            return wide
        margin *= 2


def _pyramid(image: np.ndarray, hole: np.ndarray, source: np.ndarray) -> list[Level]:
    """Levels from full resolution down, each half the last, until the hole has few pixels."""
    image = image * source[..., None]
    levels = [make_level(_to_colour(image), hole, source)]
    while hole.sum() > _NODES and min(hole.shape) >= 2 * _LEAST_SIDE:
        height, width = (side + side % 2 for side in hole.shape)
        edge = (0, height - hole.shape[0], 0, width - hole.shape[1], cv2.BORDER_CONSTANT)
        even = cv2.copyMakeBorder(source.view(np.uint8), *edge, value=0)  # an odd last row or column is no source
        smaller = even[::2, ::2] & even[1::2, ::2] & even[::2, 1::2] & even[1::2, 1::2]
        if not smaller.any():
            break
        covered = cv2.copyMakeBorder(hole.view(np.uint8), *edge, value=0)
        covered = covered[::2, ::2] | covered[1::2, ::2] | covered[::2, 1::2] | covered[1::2, 1::2]
        whole = cv2.copyMakeBorder(image, *edge)
        hole, source = covered.view(np.bool_), smaller.view(np.bool_)
        image = cv2.resize(whole, (width // 2, height // 2), interpolation=cv2.INTER_AREA) * smaller[..., None]
        levels.append(make_level(_to_colour(image), hole, source))
    return levels


def _to_colour(image: np.ndarray) -> np.ndarray:
    """Luma and two colour differences in whole numbers, float32 (H, W, 3)."""
    luma = np.array([0.299, 0.587, 0.114])
    mix = np.stack([luma, 0.7 * ([1, 0, 0] - luma), 0.6 * ([0, 0, 1] - luma)])
    return np.rint(cv2.transform(image.astype(np.float32), mix.astype(np.float32)))

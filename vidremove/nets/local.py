"""Decoding only what is wanted: doublings look no farther than a few pixels, so that a hole needs little but itself."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from vidremove.nets.stylegan import NoiseMode, Part

Box = tuple[int, int, int, int]
"""Rows y0 to y1 and columns x0 to x1, half open."""

_REACH = 6  # pixels of a doubling's result at a border that is none of the map's which may be wrong; 4 are


class Doubling(Protocol):
    """A step of a decoder, see `mat.StyledStep`."""

    def __call__(
        self,
        x: Tensor,
        skip: Tensor,
        smaller: Tensor,
        styles: tuple[Tensor, Tensor, Tensor],
        noise: tuple[NoiseMode, torch.Generator | None],
        part: Part | None,
    ) -> tuple[Tensor, Tensor]: ...


def hole_box(mask: Tensor) -> Box | None:
    """The smallest box that holds every 0 of masks (B, 1, H, W), None without any."""
    hole = (mask == 0).any(dim=0)[0]
    rows, columns = hole.any(dim=1).nonzero()[:, 0], hole.any(dim=0).nonzero()[:, 0]
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def parts_needed(wanted: Box, size: tuple[int, int], doublings: int) -> list[Box]:
    """What each doubling must be given so that the last one's result is right in a box: boxes of its input.

    Args:
        wanted: in the last result.
        size: (H, W) of the last result.
        doublings: their number.
    Returns: one box for each, the coarsest first.
    """
    boxes = []
    for _ in range(doublings):
        size = (size[0] // 2, size[1] // 2)
        y0, y1, x0, x1 = ((place - _REACH) // 2 if low else -(-(place + _REACH) // 2) for place, low in _ends(wanted))
        wanted = max(y0, 0), min(y1, size[0]), max(x0, 0), min(x1, size[1])
        boxes.append(wanted)
    return boxes[::-1]


def _ends(box: Box) -> Iterable[tuple[int, bool]]:
    return zip(box, (True, False, True, False), strict=True)


def decode(
    steps: Sequence[Doubling],
    x: Tensor,
    skips: Sequence[Tensor],
    picture: Tensor,
    styles: Sequence[tuple[Tensor, Tensor, Tensor]],
    noise: tuple[NoiseMode, torch.Generator | None],
    wanted: Box | None,
) -> tuple[Tensor, Part]:
    """Run the doublings of a decoder on what a part of their last result depends on.

    Args:
        steps: coarsest first.
        x: (B, C, h, w), features.
        skips: (B, C', 2h, 2w) and so on, whole maps.
        picture: (B, 3, h, w), the picture so far.
        styles: three of (B, style) for each step.
        noise: as for `Mat.forward`; "random" needs the whole.
        wanted: the part; None: the whole.
    Returns: the picture of a part that includes the one wanted, and where that lies; right to rounding where wanted.
    Source: ours.
    """
    height, width = (side << len(steps) for side in x.shape[2:])
    boxes = parts_needed(wanted or (0, height, 0, width), (height, width), len(steps))
    top = left = 0
    part = (slice(0, height), slice(0, width))
    for step, skip, style, (y0, y1, x0, x1) in zip(steps, skips, styles, boxes, strict=True):
        inner = _slices(y0 - top, y1 - top, x0 - left, x1 - left)
        part = _slices(2 * y0, 2 * y1, 2 * x0, 2 * x1)
        x, picture = step(x[(..., *inner)], skip[(..., *part)], picture[(..., *inner)], style, noise, part)
        top, left = 2 * y0, 2 * x0
    return picture, part


def _slices(y0: int, y1: int, x0: int, x1: int) -> Part:
    return slice(y0, y1), slice(x0, x1)


def completed(image: Tensor, mask: Tensor, picture: Tensor, part: Part) -> Tensor:
    """The image (B, 3, H, W) with a picture of a part put in where the mask (B, 1, H, W) is 0; 1 outside the part."""
    whole = image.clone()
    inside = mask[(..., *part)]
    whole[(..., *part)] = picture * (1 - inside) + image[(..., *part)] * inside
    return whole

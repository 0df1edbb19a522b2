"""Boxes: anchors, decoding, overlap, suppression. A box is (x0, y0, x1, y1) in pixels, corners, float32 (N, 4)."""

import math

import torch
from torch import Tensor

_LARGEST_GROWTH = math.log(1000 / 16)  # of a side, in the exponent


def make_anchors(size: float, stride: int, grid: tuple[int, int], device: torch.device) -> Tensor:
    """Boxes of one area and three shapes round every cell of a map.

    Args:
        size: square root of the area, pixels.
        stride: pixels between cells; the centres are whole multiples of it.
        grid: (height, width) of the map.
    Returns: float32 (height * width * 3, 4), in the order (y, x, shape); the shapes are h / w = 0.5, 1, 2.
    Source: Ren et al. 2015, "Faster R-CNN", section 3.1.1.
    """
    ratio = torch.tensor([0.5, 1.0, 2.0], device=device)
    width = size / ratio.sqrt()
    half = torch.stack([width, ratio * width], 1) / 2
    shapes = torch.cat([-half, half], 1)
    y, x = (torch.arange(side, device=device) * stride for side in grid)
    centre = torch.stack([x.expand(grid), y[:, None].expand(grid)] * 2, -1)
    return (centre[:, :, None] + shapes).reshape(-1, 4)


def decode_boxes(deltas: Tensor, boxes: Tensor, weights: tuple[float, float, float, float] = (1, 1, 1, 1)) -> Tensor:
    """Move boxes by what a network predicts.

    Args:
        deltas: float32 (N, 4 k), (dx, dy, dw, dh) k times: shifts in sides of the box, logarithms of the growth.
        boxes: float32 (N, 4).
        weights: the deltas are divided by these first.
    Returns: float32 (N, 4 k).
    Source: Girshick et al. 2014, "R-CNN", appendix C.
    """
    moves = deltas.reshape(len(boxes), -1, 4) / deltas.new_tensor(weights)
    side = (boxes[:, 2:] - boxes[:, :2])[:, None]
    centre = moves[..., :2] * side + boxes[:, None, :2] + side / 2
    half = moves[..., 2:].clamp(max=_LARGEST_GROWTH).exp() * side / 2
    return torch.cat([centre - half, centre + half], -1).reshape(deltas.shape)


def clip_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (..., 4) cut to an image of `size` = (height, width)."""
    height, width = size
    return torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height, width, height]))


def not_empty(boxes: Tensor) -> Tensor:
    """Whether width and height are positive: bool (N,)."""
    return (boxes[:, 2:] > boxes[:, :2]).all(1)


def overlap_of_boxes(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every pair: float32 (len(a), len(b))."""
    corner, far = torch.maximum(a[:, None, :2], b[:, :2]), torch.minimum(a[:, None, 2:], b[:, 2:])
    common = (far - corner).clamp(min=0).prod(-1)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(-1) for box in (a, b))
    return common / (area_a[:, None] + area_b - common)


def suppress(boxes: Tensor, scores: Tensor, limit: float) -> Tensor:
    """Greedy non-maximum suppression: the best box stays, those that overlap it fall, and so on.

    Args:
        boxes: float32 (N, 4).
        scores: float32 (N,).
        limit: a box falls when its overlap with one that stays is greater.
    Returns: int64, indexes of the boxes that stay, best first; of equal scores the earlier one first.
    Source: the rule, Girshick et al. 2014, section 2.2; without a loop over boxes: ours. A box stays if no better one
    that stays covers it. Starting from "all stay", each round settles at least one further box for good, so the
    rounds end in the greedy result, on usual boxes after a handful.
    """
    order = scores.argsort(descending=True, stable=True)
    covers = (overlap_of_boxes(boxes[order], boxes[order]) > limit).triu(1).float()
    stay = torch.ones_like(scores)
    while True:
        settled = (stay @ covers == 0).float()
        if torch.equal(settled, stay):
            return order[stay.bool()]
        stay = settled


def suppress_within(boxes: Tensor, scores: Tensor, groups: Tensor, limit: float) -> Tensor:
    """`suppress` within each group (int64 (N,)); the indexes of all that stay, best first."""
    kept = [torch.empty(0, dtype=torch.int64, device=boxes.device)]
    for group in torch.unique(groups):
        members = (groups == group).nonzero()[:, 0]
        kept.append(members[suppress(boxes[members], scores[members], limit)])
    stay = torch.cat(kept).sort().values
    return stay[scores[stay].argsort(descending=True, stable=True)]

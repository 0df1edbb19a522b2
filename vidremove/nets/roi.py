"""RoIAlign: the features of a box, resampled to a fixed grid.

Source: He et al. 2017, "Mask R-CNN", ICCV, section 3. Bilinear sampling and the mean over samples are separable, so
the grid of one box is `Ay F Ax'` with one averaging matrix an axis, over the cells that the box touches.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_FINEST, _COARSEST, _REFERENCE_LEVEL, _REFERENCE_SIDE = 2, 5, 4, 224


def levels_of_boxes(boxes: Tensor) -> Tensor:
    """Level of the pyramid that serves each box, int64 (N,), 2 to 5: the larger, the coarser.

    Source: Lin et al. 2017, "Feature Pyramid Networks", equation 1.
    """
    side = (boxes[:, 2:] - boxes[:, :2]).prod(1).sqrt()
    level = torch.floor(_REFERENCE_LEVEL + torch.log2(side / _REFERENCE_SIDE + 1e-8))
    return level.clamp(_FINEST, _COARSEST).long()


def averaging_matrices(low: Tensor, side: Tensor, bins: int, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights of a row of cells in each bin of each box, along one axis.

    Args:
        low: float32 (K,), start of the box, in cells; 0 is the centre of the first cell.
        side: float32 (K,), length of the box, in cells.
        bins: parts the box is cut into, each the mean of one sample a cell begun.
        cells: length of the map.
    Returns: float32 (K, bins, cells), and int64 (K,) twice: the cells [start, stop) that have weights.
    """
    samples = (side / bins).ceil().clamp(min=1)
    number = torch.arange(int(samples.max()), device=low.device)
    within = (torch.minimum(number, samples[:, None] - 1) + 0.5) / samples[:, None]  # a surplus one weighs nothing
    part = torch.arange(bins, device=low.device)[:, None] + within[:, None]
    position = low[:, None, None] + (side / bins)[:, None, None] * part
    weight = ((position >= -1) & (position <= cells)) * (number < samples[:, None])[:, None] / samples[:, None, None]
    position = position.clamp(0, cells - 1)
    first = position.long()
    share = (position - first) * weight
    matrix = low.new_zeros(len(low), bins, cells)
    matrix.scatter_add_(2, first.flatten(2), weight - share)
    matrix.scatter_add_(2, (first + 1).clamp(max=cells - 1), share)
    return matrix, first.amin((1, 2)), (first.amax((1, 2)) + 2).clamp(max=cells)


def roi_align(features: Tensor, boxes: Tensor, stride: int, bins: int) -> Tensor:
    """Features of boxes on one map.

    Args:
        features: float32 (H, W, C), contiguous.
        boxes: float32 (K, 4), (x0, y0, x1, y1) in pixels.
        stride: pixels a cell.
        bins: sides of the grid.
    Returns: float32 (K, bins, bins, C), in the order (y, x).
    """
    pooled = features.new_empty(len(boxes), bins, bins, features.shape[2])
    if not len(boxes):
        return pooled
    low, side = boxes[:, :2] / stride - 0.5, (boxes[:, 2:] - boxes[:, :2]) / stride
    across, *columns = averaging_matrices(low[:, 0], side[:, 0], bins, features.shape[1])
    down, *rows = averaging_matrices(low[:, 1], side[:, 1], bins, features.shape[0])
    ranges = torch.stack([*rows, *columns], 1).tolist()
    for index, (y0, y1, x0, x1) in enumerate(ranges):
        touched = features[y0:y1, x0:x1]
        lines = (down[index, :, y0:y1].to(features) @ touched.flatten(1)).view(bins, x1 - x0, -1)
        pooled[index] = across[index, :, x0:x1].to(features) @ lines
    return pooled


def pyramid_align(maps: Sequence[Tensor], boxes: Tensor, levels: Tensor, bins: int) -> Tensor:
    """`roi_align` of each box on its own level.

    Args:
        maps: float32 (H, W, C) of levels 2, 3, 4 and 5, at strides 4 to 32.
        boxes: float32 (K, 4), pixels.
        levels: int64 (K,).
        bins: sides of the grid.
    Returns: float32 (K, bins, bins, C).
    """
    pooled = maps[0].new_empty(len(boxes), bins, bins, maps[0].shape[2])
    for level, features in enumerate(maps, _FINEST):
        members = (levels == level).nonzero()[:, 0]
        pooled[members] = roi_align(features, boxes[members], 1 << level, bins)
    return pooled

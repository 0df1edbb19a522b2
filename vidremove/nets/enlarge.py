"""A convolution over an enlarged map, computed on the small one."""

import torch
from torch import Tensor
from torch.nn import functional as F


def conv_of_enlarged(x: Tensor, weight: Tensor, size: tuple[int, int]) -> Tensor:
    """`conv2d(interpolate(x, size, "bilinear", align_corners=True), weight, padding=1)`, for less.

    Enlarging works on each channel alone and mixing channels on each position alone, so that they may change places:
    the nine taps mix the channels of the small map, and what enlarges and shifts them is one matrix an axis. At twice
    the size that takes about a third of the multiplications.

    Args:
        x: float32 (B, C, h, w).
        weight: float32 (O, C, 3, 3).
        size: (H, W).
    Returns: float32 (B, O, H, W), in channels-last memory.
    Source: ours.
    """
    batch, channels, height, width = x.shape
    outgoing = len(weight)
    tokens = x.permute(0, 2, 3, 1).reshape(batch * height * width, channels)
    down = _taps(height, size[0], x)
    across = _taps(width, size[1], x).transpose(1, 2).reshape(size[1], -1)
    total = x.new_zeros(batch, size[0], size[1] * outgoing)
    for row in range(3):
        mixed = tokens @ weight[:, :, row].permute(1, 2, 0).reshape(channels, 3 * outgoing)
        wide = across @ mixed.view(batch * height, width * 3, outgoing)
        total.baddbmm_(down[:, row].expand(batch, -1, -1), wide.view(batch, height, -1))
    return total.view(batch, *size, outgoing).permute(0, 3, 1, 2)


def _taps(small: int, large: int, like: Tensor) -> Tensor:
    """Weight of each small position in each of three taps at each large one: (large, 3, small)."""
    enlarging = F.interpolate(torch.eye(small)[None], large, mode="linear", align_corners=True)[0].T.to(like)
    padded = F.pad(enlarging, (0, 0, 1, 1))
    return torch.stack([padded[tap : tap + large] for tap in range(3)], 1)

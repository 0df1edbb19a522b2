"""Deformable convolution: each tap of the kernel looks where an offset sends it."""

import torch
from torch import Tensor
from torch.nn import functional as F


def deform_conv2d(x: Tensor, offsets: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolution with stride 1 and "same" padding whose taps are moved, position by position.

    Args:
        x: float32 or half (B, C, H, W).
        offsets: the same (B, 2 k k, H, W), cells; pairs (dy, dx) for the taps in row order.
        weight: the same (O, C, k, k), k odd.
        bias: the same (O,).
    Returns: the same (B, O, H, W); samples are bilinear, cells outside the map are 0.
    Source: Dai et al. 2017, "Deformable Convolutional Networks", ICCV, section 2.1.
    """
    batch, channels, height, width = x.shape
    out, _, side, _ = weight.shape
    reach = torch.arange(side, device=x.device) - side // 2
    moved = offsets.view(batch, side, side, 2, height, width).float()
    y = moved[:, :, :, 0] + reach[:, None, None, None] + torch.arange(height, device=x.device)[:, None]
    x_ = moved[:, :, :, 1] + reach[:, None, None] + torch.arange(width, device=x.device)
    grid = torch.stack([(2 * x_ + 1) / width - 1, (2 * y + 1) / height - 1], -1)  # from cells to grid_sample's [-1, 1]
    taps = F.grid_sample(x.float(), grid.view(batch, -1, width, 2), align_corners=False)  # half cannot say where
    columns = taps.to(x.dtype).view(batch, channels * side * side, height * width)
    result = weight.flatten(1) @ columns
    if bias is not None:
        result = result + bias[:, None]
    return result.view(batch, out, height, width)

"""3 x 3 convolutions with 4 multiplications where the plain form has 9, for wide layers on a CPU.

Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", CVPR, section 4.1, F(2 x 2, 3 x 3).
Rounding is no worse than that of the plain form.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEWEST_CHANNELS, _FEWEST_POSITIONS = 256, 1000  # below these the plain form is as fast
_WORKING_FLOATS = 3_000_000  # of the transformed input of one band of rows: what caches hold
_KERNEL = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))


class Conv3x3(nn.Conv2d):
    """A 3 x 3 convolution with stride 1 that keeps the size: (B, C, H, W) to (B, O, H, W)."""

    def __init__(self, incoming: int, outgoing: int, bias: bool = True) -> None:
        super().__init__(incoming, outgoing, 3, 1, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return conv3x3(x, self.weight, self.bias)


def conv3x3(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`conv2d(x, weight, bias, padding=1)` of a 3 x 3 kernel, in whichever form is the faster."""
    wide = min(weight.shape[:2]) >= _FEWEST_CHANNELS
    large = x.shape[-2] * x.shape[-1] >= _FEWEST_POSITIONS
    if wide and large and x.device.type == "cpu" and x.dtype == torch.float32:
        return winograd(x, weight, bias)
    return F.conv2d(x, weight, bias, padding=1)


def winograd(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`conv2d(x, weight, bias, padding=1)` of a 3 x 3 kernel.

    Args:
        x: float32 (B, C, H, W).
        weight: float32 (O, C, 3, 3).
        bias: float32 (O,).
    Returns: float32 (B, O, H, W), in channels-last memory.
    """
    batch, channels, height, width = x.shape
    outgoing = len(weight)
    kernel = weight.new_tensor(_KERNEL)
    taps = weight.permute(3, 2, 1, 0).reshape(9, channels * outgoing)  # columns before rows, as in the bands below
    kernels = (torch.kron(kernel, kernel) @ taps).view(16, channels, outgoing)
    down, across = -(-height // 2), -(-width // 2)
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 2 * across + 1 - width, 1, 2 * down + 1 - height))
    result = x.new_empty(batch, 2 * down, 2 * across, outgoing)
    band = max(1, _WORKING_FLOATS // (16 * across * channels))
    for index, image in enumerate(padded):
        for start in range(0, down, band):
            stop = min(start + band, down)
            spread = _spread(_spread(image[2 * start : 2 * stop + 2], 0), 2)  # (columns, rows, tiles down, across, C)
            products = torch.bmm(spread.view(16, -1, channels), kernels)
            gathered = _gather(_gather(products.view(4, 4, stop - start, across, outgoing)).transpose(0, 1))
            if bias is not None:
                gathered = gathered + bias
            rows = result[index, 2 * start : 2 * stop].view(stop - start, 2, across, 2, outgoing)
            rows.copy_(gathered.permute(2, 0, 3, 1, 4))
    return result[:, :height, :width].permute(0, 3, 1, 2)


def _spread(x: Tensor, axis: int) -> Tensor:
    """The input transform along an axis of 2 n + 2: four combinations, in front, of n overlapping tiles of 4."""
    even, odd = x.reshape(*x.shape[:axis], -1, 2, *x.shape[axis + 1 :]).unbind(axis + 1)
    tiles = even.shape[axis] - 1
    first, third = even.narrow(axis, 0, tiles), even.narrow(axis, 1, tiles)
    second, fourth = odd.narrow(axis, 0, tiles), odd.narrow(axis, 1, tiles)
    return torch.stack([first - third, second + third, third - second, second - fourth])


def _gather(x: Tensor) -> Tensor:
    """The output transform: four combinations, in front, to the two results of each tile."""
    middle, difference = x[1] + x[2], x[1] - x[2]
    return torch.stack([x[0] + middle, difference - x[3]])

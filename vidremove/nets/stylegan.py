"""Layers of StyleGAN2 as MAT uses them, in plain PyTorch: weights at unit scale, smoothed resampling, modulation.

Sources: Karras et al. 2018, Progressive Growing of GANs, section 4.1 (equalised learning rate); Karras et al. 2020,
Analyzing and Improving the Image Quality of StyleGAN, arXiv 1912.04958, sections 2.2 and 4. Every activation is
`sqrt(2) * leaky_relu(x, 0.2)`, which keeps unit variance. Attribute names are the keys of the published checkpoints.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.winograd import conv3x3

Scale = Literal["plain", "down", "up"]
NoiseMode = Literal["const", "random", "none"]
Part = tuple[slice, slice]
"""Rows and columns of a map."""

_GAIN = math.sqrt(2.0)  # of every activation; convolutions have it in their weights and biases, which saves a pass
_SLOPE = 0.2


def activate(x: Tensor) -> Tensor:
    """`sqrt(2) * leaky_relu(x, 0.2)`, any shape."""
    return F.leaky_relu(x, _SLOPE).mul_(_GAIN)


def smoothing_kernel() -> Tensor:
    """float32 (4, 4): outer product of (1, 3, 3, 1) with itself, sum 1. Source: arXiv 1912.04958, section 2.2."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / 64.0


def smooth(x: Tensor, kernel: Tensor, padding: int, bias: Tensor | None = None) -> Tensor:
    """Filter every channel of (B, C, H, W) with a symmetric (4, 4) kernel after zero padding; sides grow by 2 p - 3."""
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, 4, 4), bias, padding=padding, groups=channels)


def enlarge(x: Tensor, kernel: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W): zeros between the samples, then the (4, 4) kernel times 4.

    Source: arXiv 1912.04958, section 4.1 (upsampling of the skip images).
    """
    channels = x.shape[1]
    weight = (kernel * 4.0).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


class Linear(nn.Module):
    """A fully connected layer whose weight and bias are scaled when used.

    Source: Karras et al. 2018, section 4.1.
    """

    def __init__(self, inputs: int, outputs: int, *, active: bool = False, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.active, self.rate = active, rate

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        scale = self.rate / math.sqrt(self.weight.shape[1])
        bias = self.bias if self.rate == 1.0 else self.bias * self.rate
        x = F.linear(x, self.weight * scale, bias)
        return activate(x) if self.active else x


class Conv(nn.Module):
    """Convolution, bias, activation; "down" smooths and halves the sides, "up" doubles them and smooths.

    Source: Karras et al. 2018, section 4.1; arXiv 1912.04958, section 2.2.
    """

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, scale: Scale = "plain") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("resample_filter", smoothing_kernel())
        self.scale: Scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H', W')."""
        weight, bias = self.weight * (_GAIN / math.sqrt(self.weight[0].numel())), self.bias * _GAIN
        if self.scale == "down":
            x = F.conv2d(smooth(x, self.resample_filter, padding=2), weight, bias, stride=2)
        elif self.scale == "up":
            x = F.conv_transpose2d(x, weight.flip(2, 3).transpose(0, 1), stride=2)
            x = smooth(x, self.resample_filter * 4.0, 1, bias)
        else:
            x = conv3x3(x, weight, bias) if weight.shape[-1] == 3 else F.conv2d(x, weight, bias)
        return F.leaky_relu_(x, _SLOPE)


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by the style, and its output brought back to unit variance.

    Source: arXiv 1912.04958, section 2.2, equations 1 and 3.
    """

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, style: int, kernel: int, *, up: bool, demodulate: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, kernel, kernel))
        self.register_buffer("resample_filter", smoothing_kernel())
        self.affine = Linear(style, inputs)
        nn.init.ones_(self.affine.bias)
        self.up, self.demodulate = up, demodulate

    def kernels(self, style: Tensor, gain: float = 1.0) -> Tensor:
        """One kernel a sample times `gain`, (B, outputs, inputs, k, k), from styles (B, style)."""
        scale: Tensor = self.affine(style) / math.sqrt(self.weight[0, 0].numel())
        kernels = self.weight * scale[:, None, :, None, None]
        if not self.demodulate:
            return kernels * gain
        norms = torch.rsqrt(kernels.float().square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
        return kernels * (norms * gain).to(kernels.dtype)

    def forward(self, x: Tensor, style: Tensor, gain: float = 1.0) -> Tensor:
        """(B, inputs, H, W) and (B, style) to (B, outputs, H, W), or twice the sides with `up`; no bias."""
        batch, inputs, height, width = x.shape
        kernels = self.kernels(style, gain)
        outputs, size = kernels.shape[1], kernels.shape[-1]
        if batch == 1 and size == 3 and not self.up:
            return conv3x3(x, kernels[0])
        x = x.reshape(1, batch * inputs, height, width)  # samples side by side as groups, each with its own kernel
        if not self.up:
            x = F.conv2d(x, kernels.flatten(0, 1), padding=size // 2, groups=batch)
            return x.reshape(batch, outputs, height, width)
        weight = kernels.flip(3, 4).transpose(1, 2).flatten(0, 1)
        x = F.conv_transpose2d(x, weight, stride=2, groups=batch)
        return smooth(x.reshape(batch, outputs, *x.shape[2:]), self.resample_filter * 4.0, padding=1)


class StyledConv(nn.Module):
    """A modulated 3 x 3 convolution, noise, bias, activation.

    Source: arXiv 1912.04958, section 2.2 and figure 2.
    """

    noise_const: Tensor

    def __init__(self, inputs: int, outputs: int, style: int, *, up: bool = False, noise_size: int = 0) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, style, 3, up=up, demodulate=True)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.has_noise = noise_size > 0
        if self.has_noise:
            self.noise_strength = nn.Parameter(torch.zeros([]))
            self.register_buffer("noise_const", torch.randn(noise_size, noise_size))

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        noise: NoiseMode = "none",
        generator: torch.Generator | None = None,
        part: Part | None = None,
    ) -> Tensor:
        """(B, inputs, H, W) and (B, style) to (B, outputs, H', W').

        `noise` is ignored by a layer without noise maps; "random" is drawn on the CPU, from `generator` if given.
        `part` is where the result lies in the stored noise, None if it is the whole map.
        """
        x = self.conv(x, style, _GAIN)
        if self.has_noise and noise == "const":
            stored = self.noise_const if part is None else self.noise_const[part]
            x.add_(stored * (self.noise_strength * _GAIN))
        elif self.has_noise and noise == "random":
            drawn = torch.randn(x.shape[0], 1, *x.shape[2:], generator=generator)
            x.add_(drawn.to(x) * (self.noise_strength * _GAIN))
        return F.leaky_relu_(x.add_(self.bias[:, None, None] * _GAIN), _SLOPE)


class ToRGB(nn.Module):
    """Features to a picture, added to the smaller picture made before; not demodulated, not activated.

    Source: arXiv 1912.04958, section 4.1 (output skips).
    """

    resample_filter: Tensor

    def __init__(self, inputs: int, style: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, 3, style, 1, up=False, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(3))
        self.register_buffer("resample_filter", smoothing_kernel())

    def forward(self, x: Tensor, style: Tensor, smaller: Tensor | None) -> Tensor:
        """(B, inputs, H, W), (B, style) and the picture (B, 3, H/2, W/2) made before, if any, to (B, 3, H, W)."""
        picture: Tensor = self.conv(x, style) + self.bias[:, None, None]
        return picture if smaller is None else picture + enlarge(smaller, self.resample_filter)

"""ResNet-50 and -101 with frozen batch norms, plain or deformable; inference only.

Source: He et al. 2016, "Deep Residual Learning for Image Recognition", CVPR, section 4.1 and table 1, as first
published (Caffe): the stride of a stage sits in the first 1 x 1 convolution.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.deform import deform_conv2d

_EPS = 1e-5


@dataclass(frozen=True, slots=True)
class ResNetConfig:
    """Size of a ResNet; the defaults are ResNet-50."""

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64  # of the stem and of the 3 x 3 convolutions of the first stage; each further stage doubles it
    deformable: bool = False  # the 3 x 3 convolutions of all stages but the first

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the result of every stage."""
        return tuple(self.width * 4 << stage for stage in range(len(self.blocks)))


class FrozenNorm(nn.Module):
    """The statistics and the affine map of a batch norm, kept as buffers."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """The norm as x * scale + shift, (C,) each."""
        scale = self.weight * torch.rsqrt(self.running_var + _EPS)
        return scale, self.bias - self.running_mean * scale


class ConvNorm(nn.Conv2d):
    """A convolution without bias and its frozen norm, as one convolution; keys `weight` and `norm.*`."""

    def __init__(self, incoming: int, outgoing: int, side: int, stride: int = 1) -> None:
        super().__init__(incoming, outgoing, side, stride, side // 2, bias=False)
        self.norm = FrozenNorm(outgoing)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the one convolution."""
        scale, shift = self.norm.scale_and_shift()
        return self.weight * scale[:, None, None, None], shift

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.folded()
        return F.conv2d(x, weight, bias, self.stride, self.padding)


class DeformConvNorm(ConvNorm):
    """The same with deformable taps."""

    def forward(self, x: Tensor, offsets: Tensor | None = None) -> Tensor:
        if offsets is None:
            return super().forward(x)
        return deform_conv2d(x, offsets, *self.folded())


class Stem(nn.Module):
    """From the image to 1/4 of its size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, width, 7, 2)

    def forward(self, image: Tensor) -> Tensor:
        return F.max_pool2d(F.relu_(self.conv1(image)), 3, 2, 1)


class Bottleneck(nn.Module):
    """Three convolutions and a way round them."""

    def __init__(self, incoming: int, width: int, stride: int, deformable: bool) -> None:
        super().__init__()
        outgoing = 4 * width
        self.shortcut = ConvNorm(incoming, outgoing, 1, stride) if incoming != outgoing else None
        self.conv1 = ConvNorm(incoming, width, 1, stride)
        self.conv2_offset = nn.Conv2d(width, 18, 3, 1, 1) if deformable else None
        self.conv2 = DeformConvNorm(width, width, 3) if deformable else ConvNorm(width, width, 3)
        self.conv3 = ConvNorm(width, outgoing, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu_(self.conv1(x))
        y = self.conv2(y) if self.conv2_offset is None else self.conv2(y, self.conv2_offset(y))
        y = self.conv3(F.relu_(y))
        return F.relu_(y.add_(x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    """The backbone: maps at 1/4, 1/8, 1/16 and 1/32 of the image."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.stem = Stem(config.width)
        incoming = config.width
        for stage, count in enumerate(config.blocks):
            width, deformable = config.width << stage, config.deformable and stage > 0
            blocks = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Bottleneck(incoming, width, stride, deformable))
                incoming = 4 * width
            self.add_module(f"res{stage + 2}", nn.Sequential(*blocks))
        self.stages = len(config.blocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) to maps (B, width * 4 * 2 ** i, h, w), finest first."""
        x = self.stem(image)
        maps = []
        for stage in range(self.stages):
            x = self.get_submodule(f"res{stage + 2}")(x)
            maps.append(x)
        return maps

"""The networks as their papers describe them, step by step and not arranged for speed: what ours is measured against.

Each has the weights of one of ours. LaMa is kept in this form in the package (`nets/lama.py`); of the others the steps
that ours does in another way are put back here. Windows are padded, rolled and cut before the projection; attention is
a product, a softmax and a product; norms follow their convolutions; maps are enlarged and joined before they are
convolved; 3 x 3 convolutions are left to the library; the finest level is sharpened everywhere. Of MAT, weights are
scaled and activations multiplied each time, maps are kept channel by channel, and all of the picture is decoded.
"""

import math
from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.lavt import Decoder
from vidremove.nets.mat import FirstStage, Synthesis
from vidremove.nets.refiner import EncoderLayer, MaskPooler
from vidremove.nets.resnet import ConvNorm
from vidremove.nets.stylegan import Conv, ModulatedConv, NoiseMode, Part, StyledConv, activate, smooth
from vidremove.nets.swin import Block, WindowAttention, window_layout
from vidremove.nets.winograd import Conv3x3

Network = TypeVar("Network", bound=nn.Module)


class PlainBlock(Block):
    """Source: Liu et al. 2021, Swin Transformer, section 3.2."""

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        batch, _, channels = x.shape
        side, shift = self.window, self.shift
        grid = self.norm1(x).view(batch, *size, channels)
        grid = F.pad(grid, (0, 0, 0, -size[1] % side, 0, -size[0] % side))
        rows, columns = grid.shape[1:3]
        grid = grid.roll((-shift, -shift), (1, 2)) if shift else grid
        parts = grid.view(batch, rows // side, side, columns // side, side, channels).transpose(2, 3)
        mask = window_layout(*size, side, shift, x.device).mask
        mixed = _attend(self.attn, parts.reshape(-1, side * side, channels), mask)
        parts = mixed.view(batch, rows // side, columns // side, side, side, channels).transpose(2, 3)
        grid = parts.reshape(batch, rows, columns, channels)
        grid = grid.roll((shift, shift), (1, 2)) if shift else grid
        x = x + grid[:, : size[0], : size[1]].reshape(batch, -1, channels)
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


def _attend(attention: WindowAttention, x: Tensor, mask: Tensor | None) -> Tensor:
    """Windows (N, M, C) to the same shape."""
    count, positions, channels = x.shape
    qkv = attention.qkv(x).view(count, positions, 3, attention.heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = qkv.unbind(0)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    scores = scores + attention.relative_position_bias_table[attention.relative_position_index].permute(2, 0, 1)
    if mask is not None:
        grouped = scores.view(-1, len(mask), attention.heads, positions, positions)
        scores = (grouped + mask[:, None]).view(count, attention.heads, positions, positions)
    mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(count, positions, channels)
    projected: Tensor = attention.proj(mixed)
    return projected


class PlainDecoder(Decoder):
    """Source: Yang et al. 2022, LAVT, section 3.3."""

    def forward(self, maps: list[Tensor]) -> Tensor:
        y = maps[3]
        for level in (4, 3, 2):
            fine = maps[level - 2]
            if y.shape[2] < fine.shape[2] or y.shape[3] < fine.shape[3]:
                y = F.interpolate(y, fine.shape[2:], mode="bilinear", align_corners=True)
            y = torch.cat([y, fine], 1)
            for step in (1, 2):
                y = self.get_submodule(f"conv{step}_{level}")(y)
                y = F.relu(self.get_submodule(f"bn{step}_{level}")(y))
        logits: Tensor = self.conv1_1(y)
        return logits


class PlainConvNorm(ConvNorm):
    """A convolution, then its norm."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.weight, None, self.stride, self.padding)
        norm = self.norm
        return F.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias)


class PlainPooler(MaskPooler):
    """Sharpens the whole level."""

    def forward(self, p2: Tensor, boxes: Tensor) -> Tensor:
        sharpened: Tensor = p2 + self.conv_norm_relus_semantic(p2)
        return sharpened


class PlainEncoderLayer(EncoderLayer):
    """Attention with its weights written out."""

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        placed = x + code
        x = self.norm1(x + self.self_attn(placed, placed, x)[0])
        y: Tensor = self.norm2(x + self.linear2(F.relu(self.linear1(x))))
        return y


class PlainConv(Conv):
    """Source: Karras et al. 2018, Progressive Growing of GANs, section 4.1."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight / math.sqrt(self.weight[0].numel())
        if self.scale == "plain":
            return activate(F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2))
        if self.scale == "down":
            return activate(F.conv2d(smooth(x, self.resample_filter, padding=2), weight, self.bias, stride=2))
        x = F.conv_transpose2d(x, weight.flip(2, 3).transpose(0, 1), stride=2)
        return activate(smooth(x, self.resample_filter * 4.0, padding=1) + self.bias[:, None, None])


class PlainModulatedConv(ModulatedConv):
    """Source: Karras et al. 2020, arXiv 1912.04958, section 2.2, each sample with a kernel of its own."""

    def forward(self, x: Tensor, style: Tensor, gain: float = 1.0) -> Tensor:
        batch, inputs, height, width = x.shape
        kernels = self.kernels(style)
        outputs, size = kernels.shape[1], kernels.shape[-1]
        x = x.reshape(1, batch * inputs, height, width)
        if not self.up:
            x = F.conv2d(x, kernels.flatten(0, 1), padding=size // 2, groups=batch)
            return x.reshape(batch, outputs, height, width)
        x = F.conv_transpose2d(x, kernels.flip(3, 4).transpose(1, 2).flatten(0, 1), stride=2, groups=batch)
        return smooth(x.reshape(batch, outputs, *x.shape[2:]), self.resample_filter * 4.0, padding=1)


class PlainStyledConv(StyledConv):
    """Source: Karras et al. 2020, arXiv 1912.04958, figure 2."""

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        noise: NoiseMode = "none",
        generator: torch.Generator | None = None,
        part: Part | None = None,
    ) -> Tensor:
        x = self.conv(x, style)
        if self.has_noise and noise == "const":
            x = x + self.noise_const * self.noise_strength
        return activate(x + self.bias[:, None, None])


_PLAIN: tuple[tuple[type[nn.Module], type[nn.Module]], ...] = (
    (Conv3x3, nn.Conv2d),
    (Block, PlainBlock),
    (Decoder, PlainDecoder),
    (ConvNorm, PlainConvNorm),
    (MaskPooler, PlainPooler),
    (EncoderLayer, PlainEncoderLayer),
    (Conv, PlainConv),
    (ModulatedConv, PlainModulatedConv),
    (StyledConv, PlainStyledConv),
)


def plain(network: Network) -> Network:
    """The same network with the same weights in the straightforward form; the one given is left as it is."""
    copied = deepcopy(network)
    for module in copied.modules():
        if isinstance(module, (FirstStage, Synthesis)):
            module.layout = torch.contiguous_format
        for ours, form in _PLAIN:
            if type(module) is ours:
                module.__class__ = form
    return copied.eval()

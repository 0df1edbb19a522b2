"""Swin transformer backbone, inference only.

Source: Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", ICCV, section 3.
Maps are kept as tokens (B, H * W, C) in row order. Padding, shift and cutting into windows are one gather, their
inverse another: the projections before and after the attention then run on true positions alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_OTHER_REGION = -100.0  # added to the score of two positions that the shift brought together; not infinite


@dataclass(frozen=True, slots=True)
class SwinConfig:
    """Size of a Swin transformer; the defaults are Swin-T with window 7."""

    channels: int = 96  # of the first stage; each further stage doubles them
    depths: tuple[int, ...] = (2, 2, 6, 2)  # blocks a stage
    heads: tuple[int, ...] = (3, 6, 12, 24)
    window: int = 7  # patches

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every stage."""
        return tuple(self.channels << stage for stage in range(len(self.depths)))


@dataclass(frozen=True, slots=True, eq=False)
class WindowLayout:
    """Where every token of a map stands among the windows, for one size and shift."""

    windows: int
    gather: Tensor  # int64 (windows * window ** 2,): token at each window position; H * W where it is padding
    scatter: Tensor  # int64 (H * W,): window position of each token
    padded: bool
    mask: Tensor | None  # float32 (windows, window ** 2, window ** 2), added to the scores; None without shift


@lru_cache(maxsize=32)
def window_layout(height: int, width: int, window: int, shift: int, device: torch.device) -> WindowLayout:
    """Pad a map at the bottom and right to whole windows, roll it by (-shift, -shift) and cut it.

    Source: Liu et al. 2021, section 3.2, "Efficient batch computation for shifted configuration". Padded positions
    are not masked: they take part as keys and values, as in the published networks.
    """
    with torch.inference_mode(False):  # the layout outlives the call and may be met by autograd later
        rows, columns = -(-height // window) * window, -(-width // window) * window
        token = torch.full((rows, columns), height * width)
        token[:height, :width] = torch.arange(height * width).view(height, width)
        gather = _windows(token.roll((-shift, -shift), (0, 1)), window).reshape(-1)
        real = gather < height * width
        scatter = torch.empty(height * width, dtype=torch.int64)
        scatter[gather[real]] = torch.arange(gather.numel())[real]
        mask = None
        if shift:
            region = _regions(rows, window, shift)[:, None] * 3 + _regions(columns, window, shift)
            inside = _windows(region, window)
            mask = torch.where(inside[:, :, None] == inside[:, None, :], 0.0, _OTHER_REGION).to(device)
        windows = gather.numel() // window**2
        return WindowLayout(windows, gather.to(device), scatter.to(device), not bool(real.all()), mask)


def _windows(grid: Tensor, window: int) -> Tensor:
    """Cut (rows, columns) into (windows, window ** 2), in row order."""
    rows, columns = grid.shape
    parts = grid.view(rows // window, window, columns // window, window)
    return parts.transpose(1, 2).reshape(-1, window * window)


def _regions(side: int, window: int, shift: int) -> Tensor:
    position = torch.arange(side)
    return (position >= side - window).long() + (position >= side - shift).long()


def relative_position_index(window: int) -> Tensor:
    """Row of the bias table for each pair of window positions, int64 (window ** 2, window ** 2).

    Source: Liu et al. 2021, section 3.2, "Relative position bias".
    """
    y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    y, x = y.reshape(-1), x.reshape(-1)
    return (y[:, None] - y + window - 1) * (2 * window - 1) + (x[:, None] - x + window - 1)


class WindowAttention(nn.Module):
    """Self-attention within windows with a learned bias by relative position.

    Source: Liu et al. 2021, equation 4.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.positions = heads, window * window
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", relative_position_index(window))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, layout: WindowLayout) -> Tensor:
        """Tokens (B, H * W, C) to the same shape."""
        batch, _, channels = x.shape
        qkv: Tensor = self.qkv(x)
        if layout.padded:  # a zero after the norm becomes the bias of the projection
            qkv = torch.cat([qkv, self.qkv.bias.expand(batch, 1, -1)], 1)
        qkv = qkv.index_select(1, layout.gather)
        parts = qkv.view(batch * layout.windows, self.positions, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        attended = F.scaled_dot_product_attention(query, key, value, self._bias(batch, layout).to(x.dtype))
        attended = attended.transpose(1, 2).reshape(batch, -1, channels)
        projected: Tensor = self.proj(attended.index_select(1, layout.scatter))
        return projected

    def _bias(self, batch: int, layout: WindowLayout) -> Tensor:
        """Additive scores: (1, heads, positions, positions), with a mask (B * windows, ...)."""
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)[None]
        if layout.mask is None:
            return bias.contiguous()
        return (bias + layout.mask[:, None]).repeat(batch, 1, 1, 1)


class Mlp(nn.Module):
    """Two layers with an exact GELU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class Block(nn.Module):
    """Window attention and two layers, each with a norm before and a way round.

    Source: Liu et al. 2021, equation 3.
    """

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, window)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, H * W, C) of a map of `size` to the same shape."""
        layout = window_layout(*size, self.window, self.shift, x.device)
        x = x + self.attn(self.norm1(x), layout)
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class PatchMerging(nn.Module):
    """Halve a map: four neighbours become one token of twice the channels; odd sides are padded with zeros.

    Source: Liu et al. 2021, section 3.1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, H * W, C) to (B, ceil(H / 2) * ceil(W / 2), 2 C)."""
        grid = x.view(x.shape[0], *size, -1)
        grid = F.pad(grid, (0, 0, 0, size[1] % 2, 0, size[0] % 2))
        corners = [grid[:, dy::2, dx::2] for dy, dx in ((0, 0), (1, 0), (0, 1), (1, 1))]
        y: Tensor = self.reduction(self.norm(torch.cat(corners, -1).flatten(1, 2)))
        return y


class PatchEmbed(nn.Module):
    """One token for each 4 x 4 pixels, padded with zeros at the right and bottom."""

    side = 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, self.side, self.side)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Image (B, 3, H, W) to tokens (B, h * w, C) and (h, w) = ceil((H, W) / 4)."""
        height, width = image.shape[-2:]
        grid: Tensor = self.proj(F.pad(image, (0, -width % self.side, 0, -height % self.side)))
        tokens: Tensor = self.norm(grid.flatten(2).transpose(1, 2))
        return tokens, (grid.shape[2], grid.shape[3])


class Stage(nn.Module):
    """Blocks on one map, every second one with shifted windows, and the way to the next map."""

    downsample: PatchMerging | None

    def __init__(self, config: SwinConfig, index: int) -> None:
        super().__init__()
        channels, heads, window = config.widths[index], config.heads[index], config.window
        shifts = [window // 2 * (i % 2) for i in range(config.depths[index])]
        self.blocks = nn.ModuleList(Block(channels, heads, window, shift) for shift in shifts)
        self.downsample = None if index == len(config.depths) - 1 else PatchMerging(channels)

    def attend(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """All blocks: tokens (B, H * W, C) to the same shape."""
        for block in self.blocks:
            x = block(x, size)
        return x

    def reduce(self, x: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """Tokens and size of the next stage's map; both unchanged after the last stage."""
        if self.downsample is None:
            return x, size
        return self.downsample(x, size), (-(-size[0] // 2), -(-size[1] // 2))


class Swin(nn.Module):
    """The backbone: one map a stage, at 1/4, 1/8, 1/16 and 1/32 of the image."""

    def __init__(self, config: SwinConfig, stages: Sequence[Stage] | None = None) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(config.channels)
        self.layers = nn.ModuleList(stages or [Stage(config, index) for index in range(len(config.depths))])
        for index, width in enumerate(config.widths):
            self.add_module(f"norm{index}", nn.LayerNorm(width))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) to maps (B, channels * 2 ** i, h, w), finest first, each normalised."""
        x, size = self.patch_embed(image)
        maps = []
        for index, stage in enumerate(cast(Iterable[Stage], self.layers)):
            x = stage.attend(x, size)
            maps.append(self.normalised(index, x, size))
            x, size = stage.reduce(x, size)
        return maps

    def normalised(self, index: int, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, H * W, C) through `norm{index}`, as a map (B, C, H, W)."""
        y: Tensor = self.get_submodule(f"norm{index}")(x)
        return y.transpose(1, 2).reshape(x.shape[0], -1, *size)

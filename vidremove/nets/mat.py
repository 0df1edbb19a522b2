"""MAT, the mask-aware transformer for large holes, as published for 512 x 512 (Places, CelebA-HQ, FFHQ).

Source: Li et al. 2022, MAT: Mask-Aware Transformer for Large Hole Image Inpainting, arXiv 2203.15270. Module names
follow the keys of the published checkpoint. Two stages: a transformer at 1/8 to 1/32 of the size with a small decoder,
then a convolutional network with style modulation that refines its picture.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.local import Box, completed, decode, hole_box
from vidremove.nets.stylegan import Conv, Linear, NoiseMode, Part, Scale, StyledConv, ToRGB

DERIVED = ("resample_filter", "attn_mask")
"""Last parts of the keys that follow from the architecture; a checkpoint may lack them."""

BARRED = -100.0  # added to the logits of keys that must not be looked at


@dataclass(frozen=True, slots=True)
class MatConfig:
    """Size of the generator; the defaults are the published one."""

    resolution: int = 512  # pixels a side it was trained at, a multiple of 32
    latent: int = 512  # of z and of w
    width: int = 180  # channels of the first stage
    heads: int = 6
    depths: tuple[int, ...] = (2, 3, 4, 3, 2)  # blocks at 1/8, 1/16, 1/32, 1/16, 1/8
    windows: tuple[int, ...] = (8, 16, 16, 16, 8)  # tokens a side
    channels: int = 512  # of the second stage, at most; halved from resolution / 4 upwards
    pools: tuple[int, int] = (4, 3)  # halvings before the styles of the first and the second stage
    noise: bool = True  # files of other tools hold a generator without noise maps

    @property
    def bottom(self) -> int:
        """Pixels a side at 1/32."""
        return self.resolution // 32

    def channels_at(self, size: int) -> int:
        """Channels of the second stage where a trained picture has `size` pixels a side."""
        return min(self.channels, self.channels * self.resolution // (8 * size))


class PartialConv(nn.Module):
    """A 3 x 3 convolution that knows which of its inputs are valid and makes up for the missing ones.

    Source: Liu et al. 2018, Image Inpainting for Irregular Holes Using Partial Convolutions, section 3.1. The factor
    is applied after bias and activation.
    """

    def __init__(self, inputs: int, outputs: int, scale: Scale = "plain") -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs, 3, scale)

    def forward(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, inputs, H, W) and validity 0/1 (B, 1, H, W), or None for all valid, to the same at the new size."""
        x = self.conv(x)
        if valid is None:
            return x, None
        stride = 2 if self.conv.scale == "down" else 1
        count = F.conv2d(valid, valid.new_ones(1, 1, 3, 3), stride=stride, padding=1)
        valid = count.clamp(0.0, 1.0)
        return x * (9.0 / count.clamp(min=1.0) * valid), valid


def to_tokens(x: Tensor) -> Tensor:
    """(B, C, h, w) to (B, h w, C), row by row."""
    return x.flatten(2).transpose(1, 2)


def to_map(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, h w, C) to (B, C, h, w)."""
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], *size)


def to_windows(x: Tensor, window: int) -> Tensor:
    """(B, h, w, C) to (B * windows, window * window, C), sample by sample, then row by row."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).reshape(-1, window * window, channels)


def from_windows(x: Tensor, window: int, size: tuple[int, int]) -> Tensor:
    """Undo `to_windows`: (B * windows, window * window, C) to (B, h, w, C)."""
    height, width = size
    x = x.reshape(-1, height // window, width // window, window, window, x.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, x.shape[-1])


def shift_mask(size: tuple[int, int], window: int) -> Tensor:
    """What to add to the logits of shifted windows, so that tokens from opposite borders do not meet.

    Returns: float32 (windows, window ** 2, window ** 2), 0 or -100.
    Source: Liu et al. 2021, Swin Transformer, arXiv 2103.14030, section 3.2 (efficient batch computation).
    """
    shift = window // 2

    def bands(length: int) -> Tensor:
        places = torch.arange(length)
        return (places >= length - window).int() + (places >= length - shift).int()

    regions = 3 * bands(size[0])[:, None] + bands(size[1])[None, :]
    labels = to_windows(regions[None, :, :, None], window).squeeze(2)
    apart = labels[:, :, None] != labels[:, None, :]
    return torch.where(apart, BARRED, 0.0)


class WindowAttention(nn.Module):
    """Attention within windows: queries and keys from normalised tokens, keys inside the hole barred.

    Source: arXiv 2203.15270, section 3.3 (multi-head contextual attention).
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = Linear(width, width), Linear(width, width), Linear(width, width)
        self.proj = Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Tokens (N, M, C) and a bias of the logits (N, M or 1, M), or none, to (N, M, C)."""
        direction = F.normalize(x.float(), dim=-1).to(x.dtype)  # by the length, or 1e-12, which is 0 in half
        q, k, v = (
            layer(tokens).reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for layer, tokens in ((self.q, direction), (self.k, direction), (self.v, x))
        )
        mask = None if bias is None else bias[:, None].expand(-1, self.heads, x.shape[1], -1)
        mixed = F.scaled_dot_product_attention(q, k, v, mask)
        result: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return result


class Mlp(nn.Module):
    """Two fully connected layers, the first one activated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = Linear(width, 2 * width, active=True)
        self.fc2 = Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) to the same shape."""
        result: Tensor = self.fc2(self.fc1(x))
        return result


class Block(nn.Module):
    """Window attention joined to its input by a layer instead of a sum, then two layers; no normalisation.

    Source: arXiv 2203.15270, sections 3.3 (adjusted transformer block) and 3.4 (mask updating).
    """

    attn_mask: Tensor

    def __init__(self, width: int, heads: int, window: int, trained: int, *, shifted: bool) -> None:
        super().__init__()
        self.window, self.shift, self.trained = window, window // 2 if shifted else 0, (trained, trained)
        if shifted:
            self.register_buffer("attn_mask", shift_mask(self.trained, window))
        self.attn = WindowAttention(width, heads)
        self.fuse = Linear(2 * width, width, active=True)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor, valid: Tensor | None, size: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Tokens (B, h w, C) and validity (B, h w, 1), or None for all valid, to the same shapes; size is (h, w)."""
        keys = None if valid is None else self._cut(valid, size)
        attended = self._join(self.attn(self._cut(x, size), self._bias(keys, x, size)), size)
        x = self.mlp(self.fuse(torch.cat([x, attended], dim=-1)))
        if keys is None:
            return x, None
        seen = keys.amax(dim=1, keepdim=True).expand_as(keys)  # a window with one valid token becomes valid
        return x, self._join((seen > 0).to(x.dtype), size)

    def _cut(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        grid = x.reshape(x.shape[0], *size, x.shape[2])
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), dims=(1, 2))
        return to_windows(grid, self.window)

    def _join(self, windows: Tensor, size: tuple[int, int]) -> Tensor:
        grid = from_windows(windows, self.window, size)
        if self.shift:
            grid = grid.roll((self.shift, self.shift), dims=(1, 2))
        return grid.flatten(1, 2)

    def _bias(self, keys: Tensor | None, x: Tensor, size: tuple[int, int]) -> Tensor | None:
        barred = None if keys is None else torch.where(keys == 0, BARRED, 0.0).to(x.dtype).transpose(1, 2)
        if not self.shift:
            return barred
        apart = self.attn_mask if size == self.trained else shift_mask(size, self.window)
        apart = apart.to(x).repeat(x.shape[0], 1, 1)
        return apart if barred is None else apart + barred


class Rescale(nn.Module):
    """A partial convolution that changes the size of a token sequence."""

    def __init__(self, width: int, scale: Scale) -> None:
        super().__init__()
        self.conv = PartialConv(width, width, scale)

    def forward(
        self, x: Tensor, valid: Tensor | None, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None, tuple[int, int]]:
        """Tokens (B, h w, C), validity (B, h w, 1) or None, and (h, w), to the same at the new size."""
        grid, valid_map = self.conv(to_map(x, size), None if valid is None else to_map(valid, size))
        height, width = grid.shape[2:]
        return to_tokens(grid), None if valid_map is None else to_tokens(valid_map), (height, width)


class Layer(nn.Module):
    """A change of size, blocks, and a convolution around which the blocks' input is added.

    Source: arXiv 2203.15270, section 3.3 and figure 3.
    """

    def __init__(self, config: MatConfig, index: int, trained: int, scale: Scale) -> None:
        super().__init__()
        width, window = config.width, config.windows[index]
        self.downsample = None if scale == "plain" else Rescale(width, scale)  # its published name, also for "up"
        self.blocks = nn.ModuleList(
            Block(width, config.heads, window, trained, shifted=j % 2 == 1 and window < trained)
            for j in range(config.depths[index])
        )
        self.conv = PartialConv(width, width)

    def forward(
        self, x: Tensor, valid: Tensor | None, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None, tuple[int, int]]:
        """Tokens (B, h w, C), validity (B, h w, 1) or None, and (h, w), to the same at the new size."""
        if self.downsample is not None:
            x, valid, size = self.downsample(x, valid, size)
        shortcut = x
        for block in self.blocks:
            x, valid = block(x, valid, size)
        grid, valid_map = self.conv(to_map(x, size), None if valid is None else to_map(valid, size))
        return to_tokens(grid) + shortcut, None if valid_map is None else to_tokens(valid_map), size


class Mapping(nn.Module):
    """Noise z to the style w, one copy for every place that uses it.

    Source: Karras et al. 2019, A Style-Based Generator Architecture, arXiv 1812.04948, section 2 and appendix B.
    """

    w_avg: Tensor

    def __init__(self, latent: int, copies: int, layers: int = 8) -> None:
        super().__init__()
        self.register_buffer("w_avg", torch.zeros(latent))
        self.copies, self.layers = copies, layers
        for index in range(layers):
            self.add_module(f"fc{index}", Linear(latent, latent, active=True, rate=0.01))

    def forward(self, z: Tensor, psi: float = 1.0, cutoff: int | None = None) -> Tensor:
        """(B, latent) to (B, copies, latent), the first `cutoff` (None: all) drawn to the mean style by 1 - psi."""
        w = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        for index in range(self.layers):
            w = self.get_submodule(f"fc{index}")(w)
        copies = w[:, None].repeat(1, self.copies, 1)
        if psi != 1.0:
            copies[:, :cutoff] = self.w_avg.lerp(copies[:, :cutoff], psi)
        return copies


class StyledStep(nn.Module):
    """One doubling of a decoder: a styled convolution, the encoder's features added, another one, the picture.

    Source: arXiv 2203.15270, section 3.5 and figure 2; arXiv 1912.04958, section 4.1.
    """

    def __init__(self, inputs: int, outputs: int, style: int, noise_size: int = 0) -> None:
        super().__init__()
        self.conv0 = StyledConv(inputs, outputs, style, up=True, noise_size=noise_size)
        self.conv1 = StyledConv(outputs, outputs, style, noise_size=noise_size)
        self.toRGB = ToRGB(outputs, style)

    def forward(
        self,
        x: Tensor,
        skip: Tensor,
        smaller: Tensor,
        styles: tuple[Tensor, Tensor, Tensor],
        noise: tuple[NoiseMode, torch.Generator | None] = ("none", None),
        part: Part | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Double the size.

        Args:
            x: (B, inputs, h, w), features.
            skip: (B, outputs, 2h, 2w), the encoder's features of the new size.
            smaller: (B, 3, h, w), the picture so far.
            styles: three of (B, style), for the two convolutions and the picture.
            noise: which noise to add, and where random noise comes from.
            part: where the result lies in its map, None if it is the whole.
        Returns: (B, outputs, 2h, 2w) and the picture (B, 3, 2h, 2w).
        """
        x = self.conv0(x, styles[0], *noise, part) + skip
        x = self.conv1(x, styles[1], *noise, part)
        return x, self.toRGB(x, styles[2], smaller)


class FirstStage(nn.Module):
    """Convolutions to 1/8, the transformer down to 1/32 and back, a small styled decoder.

    Source: arXiv 2203.15270, sections 3.2 to 3.5.
    """

    layout = torch.channels_last  # of maps in memory: the same numbers, sooner

    def __init__(self, config: MatConfig) -> None:
        super().__init__()
        width = config.width
        self.conv_first = PartialConv(4, width)
        self.enc_conv = nn.ModuleList(PartialConv(width, width, "down") for _ in range(3))
        scales: tuple[Scale, ...] = ("plain", "down", "down", "up", "up")
        sizes = (config.bottom * factor for factor in (4, 2, 1, 2, 4))
        self.tran = nn.ModuleList(Layer(config, i, *pair) for i, pair in enumerate(zip(sizes, scales, strict=True)))
        pools = (Conv(width, width, 3, "down") for _ in range(config.pools[0]))
        self.down_conv = nn.Sequential(*pools, nn.AdaptiveAvgPool2d(1))
        self.to_style = Linear(width, 2 * width, active=True)
        self.ws_style = Linear(config.latent, width, active=True)
        self.to_square = Linear(width, config.bottom**2, active=True)
        self.dec_conv = nn.ModuleList(StyledStep(width, width, 3 * width) for _ in range(3))

    def forward(self, image: Tensor, mask: Tensor, w: Tensor, mix: Tensor, wanted: Box | None = None) -> Tensor:
        """Complete the picture.

        Args:
            image: (B, 3, H, W), RGB in -1..1.
            mask: (B, 1, H, W), 1 = known, 0 = hole.
            w: (B, latent), the style.
            mix: 0/1 (B, H/32 * W/32, C); 1 keeps a token's feature, 0 puts the style's in its place.
            wanted: holds all of the hole; None: not known.
        Returns: (B, 3, H, W), known pixels as in `image`.
        """
        x = torch.cat([mask - 0.5, image * mask], dim=1).contiguous(memory_format=self.layout)
        x, valid = self.conv_first(x, mask)
        maps = [x]
        for convolution in self.enc_conv:
            x, valid = convolution(x, valid)
            maps.append(x)
        size = (x.shape[2], x.shape[3])
        x, skips, size = self._descend(to_tokens(x), to_tokens(valid), size)
        v = self.ws_style(w)
        filler = F.interpolate(self.to_square(v)[:, None], size=mix.shape[1], mode="linear", align_corners=False)
        x = x * mix + filler.transpose(1, 2) * (1 - mix)
        pooled = self.down_conv(to_map(x, size)).flatten(1)
        style = torch.cat([self.to_style(pooled), v], dim=1)
        for layer, skip in zip(self.tran[3:], reversed(skips), strict=True):
            x, _, size = layer(x, None, size)
            x = x + skip
        x = to_map(x, size)
        picture = x.new_zeros(x.shape[0], 3, *size)
        styles = [(style,) * 3] * len(self.dec_conv)
        picture, part = decode(list(self.dec_conv), x, maps[2::-1], picture, styles, ("none", None), wanted)
        return completed(image, mask, picture, part)

    def _descend(self, x: Tensor, valid: Tensor, size: tuple[int, int]) -> tuple[Tensor, list[Tensor], tuple[int, int]]:
        """The layers at 1/8, 1/16 and 1/32, the last one without validity; what the first two leave is kept."""
        skips = []
        for layer in self.tran[:2]:
            x, valid, size = layer(x, valid, size)
            skips.append(x)
        x, _, size = self.tran[2](x, None, size)
        return x, skips, size


class EncoderStep(nn.Module):
    """Two convolutions of the second stage's encoder."""

    def __init__(self, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        self.conv0 = Conv(inputs, outputs, 1) if first else Conv(inputs, outputs, 3, "down")
        self.conv1 = Conv(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W) for the first step, (B, outputs, H/2, W/2) for the others."""
        result: Tensor = self.conv1(self.conv0(x))
        return result


class DecoderStart(nn.Module):
    """The decoder's first step, at 1/32."""

    def __init__(self, channels: int, style: int, noise_size: int) -> None:
        super().__init__()
        self.conv0 = Conv(channels, channels)
        self.conv1 = StyledConv(channels, channels, style, noise_size=noise_size)
        self.toRGB = ToRGB(channels, style)

    def forward(
        self, x: Tensor, styles: tuple[Tensor, Tensor], noise: tuple[NoiseMode, torch.Generator | None]
    ) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) and two styles (B, style) to features of the same shape and the first picture (B, 3, h, w)."""
        x = self.conv1(self.conv0(x) + x, styles[0], *noise)
        return x, self.toRGB(x, styles[1], None)


class ToStyle(nn.Module):
    """A picture-wide style from the encoder's last features."""

    def __init__(self, channels: int, pools: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*(Conv(channels, channels, 3, "down") for _ in range(pools)))
        self.fc = Linear(channels, 2 * channels, active=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 2 C)."""
        style: Tensor = self.fc(self.conv(x).mean(dim=(2, 3)))
        return style


class Synthesis(nn.Module):
    """Both stages. Source: arXiv 2203.15270, sections 3.1 and 3.5."""

    layout = torch.channels_last

    def __init__(self, config: MatConfig) -> None:
        super().__init__()
        sizes = [config.resolution >> level for level in range(6)]  # full size to 1/32
        widths = [config.channels_at(size) for size in sizes]
        style = config.latent + 2 * widths[-1]
        self.first_stage = FirstStage(config)
        steps = zip(sizes, [7, *widths], widths, strict=False)
        self.enc = nn.ModuleDict(
            {f"EncConv_Block_{size}x{size}": EncoderStep(a, b, first=a == 7) for size, a, b in steps}
        )
        self.to_square = Linear(config.latent, config.bottom**2, active=True)
        self.to_style = ToStyle(widths[-1], config.pools[1])
        sizes, widths = sizes[::-1], widths[::-1]
        noise_sizes = [size if config.noise else 0 for size in sizes]
        self.dec = nn.ModuleDict({f"Dec_{sizes[0]}x{sizes[0]}": DecoderStart(widths[0], style, noise_sizes[0])})
        for size, a, b, noise_size in zip(sizes[1:], widths, widths[1:], noise_sizes[1:], strict=False):
            self.dec[f"Dec_{size}x{size}"] = StyledStep(a, b, style, noise_size)

    def forward(
        self,
        image: Tensor,
        mask: Tensor,
        ws: Tensor,
        mixes: tuple[Tensor, Tensor],
        noise: tuple[NoiseMode, torch.Generator | None],
        wanted: Box | None,
    ) -> tuple[Tensor, Tensor]:
        """As `Mat.forward`, with styles (B, 12, latent) in place of z; returns both stages' pictures."""
        first = self.first_stage(image, mask, ws[:, -1], mixes[0], wanted)
        x = torch.cat([mask - 0.5, image * mask + first * (1 - mask), image * mask], dim=1)
        x = x.contiguous(memory_format=self.layout)
        features = []
        for step in self.enc.values():
            x = step(x)
            features.append(x)
        x = features.pop()
        square = self.to_square(ws[:, 0])
        side = math.isqrt(square.shape[1])
        filler = square.reshape(-1, 1, side, side)
        filler = F.interpolate(filler, size=x.shape[2:], mode="bilinear", align_corners=False)
        x = x * mixes[1] + filler * (1 - mixes[1])
        shared = self.to_style(x)
        styles = [torch.cat([w, shared], dim=1) for w in ws.unbind(dim=1)]
        start, *doublings = self.dec.values()
        x, picture = start(x, (styles[0], styles[1]), noise)
        triples = [(styles[j], styles[j + 1], styles[j + 2]) for j in range(1, 2 * len(doublings), 2)]
        picture, part = decode(doublings, x, features[::-1], picture, triples, noise, wanted)
        return completed(image, mask, picture, part), first


class Mat(nn.Module):
    """The generator. Source: Li et al. 2022, arXiv 2203.15270."""

    def __init__(self, config: MatConfig | None = None) -> None:
        super().__init__()
        self.config = config or MatConfig()
        self.synthesis = Synthesis(self.config)
        self.mapping = Mapping(self.config.latent, copies=12)

    def draw(self, batch: int, size: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """z, mix1 and mix2 for pictures of (H, W), drawn on the CPU: the same generator gives the same everywhere.

        Keep them for all frames of a shot: the network's choice between feature and style is random at inference too.
        """
        height, width = size[0] // 32, size[1] // 32
        z = torch.randn(batch, self.config.latent, generator=generator)
        channels = self.config.channels_at(self.config.bottom)
        mix1 = torch.randint(0, 2, (batch, height * width, self.config.width), generator=generator)
        mix2 = torch.randint(0, 2, (batch, channels, height, width), generator=generator)
        return z, mix1.float(), mix2.float()

    def forward(
        self,
        image: Tensor,
        mask: Tensor,
        z: Tensor,
        *,
        mix1: Tensor,
        mix2: Tensor,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
        generator: torch.Generator | None = None,
        return_stage1: bool = False,
        whole: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Complete the picture.

        Args:
            image: float (B, 3, H, W), RGB in -1..1; H and W multiples of the trained size (512).
            mask: float (B, 1, H, W), 1 = known, 0 = hole; no values between.
            z: (B, latent), standard normal.
            mix1: 0/1 (B, H/32 * W/32, width); 1 keeps the feature, 0 takes the style's noise.
            mix2: 0/1 (B, channels, H/32, W/32), likewise.
            truncation_psi: 1 leaves the styles as they are, 0 makes all of them the mean style.
            truncation_cutoff: number of the twelve styles this concerns; None: all.
            noise_mode: "const" adds the stored maps, at the trained size only; "random" adds fresh ones, drawn from
                `generator`; "none" adds nothing.
            generator: on the CPU; for "random".
            return_stage1: also return the first stage's picture.
            whole: decode everything, not only what the hole shows of it; the same to rounding, for comparison.
        Returns: float (B, 3, H, W), unbounded, known pixels as in `image`; or a pair of such.
        Raises: ValueError for sizes that do not fit.
        """
        self._check(image, mask, noise_mode)
        ws = self.mapping(z, truncation_psi, truncation_cutoff)
        wanted = None if whole or noise_mode == "random" else hole_box(mask)
        final, first = self.synthesis(image, mask, ws, (mix1, mix2), (noise_mode, generator), wanted)
        return (final, first) if return_stage1 else final

    def _check(self, image: Tensor, mask: Tensor, noise_mode: NoiseMode) -> None:
        side, (batch, _, height, width) = self.config.resolution, image.shape
        if height % side or width % side or mask.shape != (batch, 1, height, width):
            found = f"image is {tuple(image.shape)} and mask {tuple(mask.shape)}"
            raise ValueError(f"{found}, needed (B, 3, H, W) and (B, 1, H, W), H and W multiples of {side}")
        if noise_mode == "const" and self.config.noise and (height, width) != (side, side):
            raise ValueError(f"stored noise fits {side} x {side} only, not {height} x {width}")


def build(config: MatConfig | None = None) -> Mat:
    """The generator with random weights, by default in its published size (61,562,518 parameters)."""
    return Mat(config)

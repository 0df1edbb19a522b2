"""LaMa, the inpainting generator of fast Fourier convolutions, as published under the name big-lama.

Source: Suvorov et al. 2022, Resolution-robust Large Mask Inpainting with Fourier Convolutions, arXiv 2109.07161;
Chi et al. 2020, Fast Fourier Convolution, NeurIPS. Module names follow the keys of the published checkpoint.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

Pair = tuple[Tensor, Tensor | None]
"""Local and global features, both (B, C, h, w); None where a layer has no global part."""


@dataclass(frozen=True, slots=True)
class LamaConfig:
    """Size of the generator; the defaults are the published one."""

    width: int = 64  # channels at full size; doubled by each of the three halvings
    blocks: int = 18  # residual blocks at 1/8 size


MULTIPLE = 8  # height and width of the input
SMALLEST = 16  # mirror padding needs two rows at 1/8 size


class FourierUnit(nn.Module):
    """A 1 x 1 convolution of the spectrum: every output pixel sees the whole input.

    Source: Chi et al. 2020, section 3.3 (Fourier Unit); arXiv 2109.07161, section 2.1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape, any h and w.

        The transforms run in float32 whatever the dtype of `x`, because half-precision ones overflow and know powers
        of two only. Channels of the spectrum alternate: real part of channel 0, its imaginary part, real part of 1.
        The convolved spectrum is not Hermitian, so the inverse is taken in two steps that define what counts of it;
        a joint `irfft2` agrees on the CPU, but a backend is free to read other halves of it.
        """
        batch, channels, height, width = x.shape
        spectrum = torch.fft.rfft2(x.float(), norm="ortho")
        parts = torch.view_as_real(spectrum).permute(0, 1, 4, 2, 3).reshape(batch, 2 * channels, height, -1)
        parts = torch.relu(self.bn(self.conv_layer(parts.to(x.dtype)))).float()
        parts = parts.reshape(batch, channels, 2, height, -1).permute(0, 1, 3, 4, 2).contiguous()
        rows = torch.fft.ifft(torch.view_as_complex(parts), dim=-2, norm="ortho")
        image: Tensor = torch.fft.irfft(rows, n=width, dim=-1, norm="ortho")
        return image.to(x.dtype)


class SpectralTransform(nn.Module):
    """Global to global: halve the channels, add their Fourier unit, restore the channels.

    Source: Chi et al. 2020, section 3.3; the form without a local Fourier unit of arXiv 2109.07161.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = nn.Sequential(nn.Conv2d(channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.fu = FourierUnit(half)
        self.conv2 = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        x = self.conv1(x)
        mixed: Tensor = self.conv2(x + self.fu(x))
        return mixed


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels of the two parts; 0 = the part does not exist."""

    local: int
    global_: int = 0  # the global part


class FastFourierConvolution(nn.Module):
    """Four paths between a local and a global part; those of absent parts are left out.

    Source: Chi et al. 2020, section 3.2; arXiv 2109.07161, section 2.1.
    """

    def __init__(self, source: Channels, target: Channels, kernel: int, stride: int, padding: int) -> None:
        super().__init__()

        def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
            return nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False, padding_mode="reflect")

        self.convl2l = convolution(source.local, target.local)
        self.convl2g = convolution(source.local, target.global_) if target.global_ else None
        self.convg2l = convolution(source.global_, target.local) if source.global_ else None
        self.convg2g = SpectralTransform(source.global_) if source.global_ and target.global_ else None

    def forward(self, local: Tensor, global_: Tensor | None = None) -> Pair:
        """(B, C, h, w) each to the target's channels; the sums of the paths, before normalisation."""
        new_local: Tensor = self.convl2l(local)
        if self.convg2l is not None:
            new_local = new_local + self.convg2l(global_)
        if self.convl2g is None:
            return new_local, None
        new_global: Tensor = self.convl2g(local)
        if self.convg2g is not None:
            new_global = new_global + self.convg2g(global_)
        return new_local, new_global


class Unit(nn.Module):
    """A fast Fourier convolution, then batch normalisation and ReLU of each part.

    Source: arXiv 2109.07161, figure 2 and section 2.1.
    """

    def __init__(self, source: Channels, target: Channels, kernel: int = 3, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.ffc = FastFourierConvolution(source, target, kernel, stride, padding)
        self.bn_l = nn.BatchNorm2d(target.local)
        self.bn_g = nn.BatchNorm2d(target.global_) if target.global_ else None

    def forward(self, features: Tensor | Pair) -> Pair:
        """A pair, or the local part alone where there is no global one yet, to a pair."""
        local, global_ = (features, None) if isinstance(features, Tensor) else features
        local, global_ = self.ffc(local, global_)
        local = torch.relu(self.bn_l(local))
        return local, None if self.bn_g is None else torch.relu(self.bn_g(global_))


class ResidualBlock(nn.Module):
    """Two units, added to what they were given; nothing follows the sum.

    Source: arXiv 2109.07161, section 2.1.
    """

    def __init__(self, channels: Channels) -> None:
        super().__init__()
        self.conv1 = Unit(channels, channels)
        self.conv2 = Unit(channels, channels)

    def forward(self, features: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Local and global (B, C, h, w) to the same shapes."""
        local, global_ = self.conv2(self.conv1(features))
        return features[0] + local, features[1] + global_


class Join(nn.Module):
    """Local channels first, then the global ones, in one tensor."""

    def forward(self, features: tuple[Tensor, Tensor]) -> Tensor:
        return torch.cat(features, dim=1)


def _layers(config: LamaConfig) -> list[nn.Module]:
    """The flat sequence whose positions are part of the published keys."""
    width = config.width
    deep = Channels(2 * width, 6 * width)
    layers: list[nn.Module] = [
        nn.ReflectionPad2d(3),
        Unit(Channels(4), Channels(width), kernel=7, padding=0),
        Unit(Channels(width), Channels(2 * width), stride=2),
        Unit(Channels(2 * width), Channels(4 * width), stride=2),
        Unit(Channels(4 * width), deep, stride=2),
        *(ResidualBlock(deep) for _ in range(config.blocks)),
        Join(),
    ]
    for channels in (8 * width, 4 * width, 2 * width):
        half = channels // 2
        layers += [nn.ConvTranspose2d(channels, half, 3, 2, 1, output_padding=1), nn.BatchNorm2d(half), nn.ReLU()]
    return [*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Sigmoid()]


class Lama(nn.Module):
    """The generator.

    Source: Suvorov et al. 2022, arXiv 2109.07161, section 2 and appendix (Big LaMa-Fourier).
    """

    def __init__(self, config: LamaConfig | None = None) -> None:
        super().__init__()
        self.model = nn.Sequential(*_layers(config or LamaConfig()))

    def forward(self, x: Tensor) -> Tensor:
        """Predict the whole picture.

        Args:
            x: float (B, 4, H, W); channels 0..2 are RGB in 0..1 times (1 - mask), channel 3 is the mask, 1 = fill.
                H and W are multiples of 8, at least 16.
        Returns: float (B, 3, H, W), RGB in 0..1, known pixels included.
        Raises: ValueError for another number of channels or a size that does not fit.
        """
        if x.ndim != 4 or x.shape[1] != 4 or any(side % MULTIPLE or side < SMALLEST for side in x.shape[2:]):
            raise ValueError(f"input is {tuple(x.shape)}, needed (B, 4, H, W), H and W multiples of 8 from 16")
        predicted: Tensor = self.model(x)
        return predicted

    def inpaint(self, image: Tensor, mask: Tensor) -> Tensor:
        """Fill the hole and leave every known pixel as it is.

        Args:
            image: float (B, 3, H, W), RGB in 0..1; what stands in the hole is not read. Any H and W from 16.
            mask: (B, 1, H, W), any dtype; everything above 0 is hole.
        Returns: float (B, 3, H, W), RGB in 0..1, equal to `image` outside the hole.
        Raises: ValueError if height or width is below 16.
        Source: arXiv 2109.07161, section 2; the reference pads by repeating the border, unlike inside the network.
        """
        height, width = image.shape[-2:]
        hole = pad_to_multiple((mask > 0).to(image.dtype))
        padded = pad_to_multiple(image)
        predicted = self(torch.cat([padded * (1 - hole), hole], dim=1))
        return torch.where(hole > 0, predicted, padded)[..., :height, :width]


def pad_to_multiple(x: Tensor, multiple: int = MULTIPLE) -> Tensor:
    """Grow (B, C, H, W) at the bottom and right to a multiple by mirroring with the border repeated: abc|cba.

    Raises: ValueError if a side is shorter than what has to be added to it.
    """
    for axis in (2, 3):
        side = x.shape[axis]
        missing = -side % multiple
        if missing > side:
            raise ValueError(f"a side of {side} is too short to be mirrored to a multiple of {multiple}")
        if missing:
            x = torch.cat([x, x.narrow(axis, side - missing, missing).flip(axis)], dim=axis)
    return x


def build(config: LamaConfig | None = None) -> Lama:
    """The generator with random weights, by default in its published size (50,975,875 parameters)."""
    return Lama(config)

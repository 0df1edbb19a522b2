"""LaMa again, arranged for speed: the same numbers up to rounding, from the same weights.

Every batch norm is folded into the convolutions before it. Local and global features share one tensor with the
channels last, so that each unit pads once, sums once, has one convolution for both paths into the local part, and its
1 x 1 convolutions and spectra are plain matrix products without copies. In half precision the Fourier transforms and
the residual sums stay in float32.
Source of the arrangement: ours; of the network: Suvorov et al. 2022, arXiv 2109.07161.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.lama import FourierUnit, Lama, ResidualBlock, SpectralTransform, Unit


def _scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What the norm multiplies by and adds, (C,) each, in float64."""
    variance, mean = cast(Tensor, norm.running_var).double(), cast(Tensor, norm.running_mean).double()
    scale = norm.weight.double() / torch.sqrt(variance + norm.eps)
    return scale, norm.bias.double() - mean * scale


def _rows(weight: Tensor, scale: Tensor) -> Tensor:
    """The weight with every output channel scaled."""
    return (weight.double() * scale.reshape(-1, *[1] * (weight.ndim - 1))).float()


class FusedFourierUnit(nn.Module):
    """`FourierUnit` on features with the channels last."""

    def __init__(self, unit: FourierUnit) -> None:
        super().__init__()
        scale, shift = _scale_and_shift(unit.bn)
        self.weight = nn.Parameter(_rows(unit.conv_layer.weight[:, :, 0, 0], scale))
        self.bias = nn.Parameter(shift.float())

    def forward(self, x: Tensor) -> Tensor:
        """float32 (B, h, w, C) to the same shape."""
        spectrum = torch.view_as_real(torch.fft.rfft2(x, dim=(1, 2), norm="ortho")).flatten(-2)
        mixed = F.linear(spectrum.to(self.weight.dtype), self.weight, self.bias).relu_().float()
        rows = torch.fft.ifft(torch.view_as_complex(mixed.reshape(*mixed.shape[:-1], -1, 2)), dim=1, norm="ortho")
        image: Tensor = torch.fft.irfft(rows, n=x.shape[2], dim=2, norm="ortho")
        return image


class FusedUnit(nn.Module):
    """`Unit` within a residual block, on local and global features in one tensor."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        ffc, spectral = unit.ffc, cast(SpectralTransform, unit.ffc.convg2g)
        local_scale, local_shift = _scale_and_shift(unit.bn_l)
        global_scale, global_shift = _scale_and_shift(cast(nn.BatchNorm2d, unit.bn_g))
        squeeze_scale, squeeze_shift = _scale_and_shift(cast(nn.BatchNorm2d, spectral.conv1[1]))
        both = torch.cat([ffc.convl2l.weight, cast(nn.Conv2d, ffc.convg2l).weight], dim=1)
        self.local_weight = nn.Parameter(_rows(both, local_scale))
        self.local_bias = nn.Parameter(local_shift.float())
        self.global_weight = nn.Parameter(_rows(cast(nn.Conv2d, ffc.convl2g).weight, global_scale))
        self.global_bias = nn.Parameter(global_shift.float())
        squeeze = cast(nn.Conv2d, spectral.conv1[0])
        self.squeeze_weight = nn.Parameter(_rows(squeeze.weight[:, :, 0, 0], squeeze_scale))
        self.squeeze_bias = nn.Parameter(squeeze_shift.float())
        self.expand_weight = nn.Parameter(_rows(spectral.conv2.weight[:, :, 0, 0], global_scale))
        self.fourier = FusedFourierUnit(spectral.fu)

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, C), local channels first, in the weights' dtype, to the same shape."""
        split = len(self.local_bias)
        padded = F.pad(x.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="reflect")
        local = F.conv2d(padded, self.local_weight, self.local_bias)
        global_ = F.conv2d(padded[:, :split], self.global_weight, self.global_bias)
        squeezed = F.linear(x[..., split:], self.squeeze_weight, self.squeeze_bias).relu_().float()
        spectral = F.linear((squeezed + self.fourier(squeezed)).to(x.dtype), self.expand_weight)
        result = torch.empty_like(x)
        result[..., :split] = local.permute(0, 2, 3, 1)
        torch.add(global_.permute(0, 2, 3, 1), spectral, out=result[..., split:])
        return result.relu_()


class FusedBlock(nn.Module):
    """`ResidualBlock` on one tensor; the sum is float32 whatever the weights are."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.first, self.second = FusedUnit(block.conv1), FusedUnit(block.conv2)

    def forward(self, x: Tensor) -> Tensor:
        """float32 (B, h, w, C) to the same shape."""
        made: Tensor = self.second(self.first(x.to(self.first.local_weight.dtype)))
        return x + made


def _folded(convolution: nn.Module, norm: nn.BatchNorm2d) -> nn.Module:
    """One convolution that does what both do; transposed ones have their output channels second."""
    scale, shift = _scale_and_shift(norm)
    if isinstance(convolution, nn.ConvTranspose2d):
        weight = _rows(convolution.weight.transpose(0, 1), scale).transpose(0, 1)
        folded: nn.Module = nn.ConvTranspose2d(weight.shape[0], weight.shape[1], 3, 2, 1, output_padding=1)
        bias = cast(Tensor, convolution.bias).double() * scale + shift
    else:
        plain = cast(nn.Conv2d, convolution)
        weight, bias = _rows(plain.weight, scale), shift
        kernel, stride, padding = plain.kernel_size[0], plain.stride[0], cast(int, plain.padding[0])
        folded = nn.Conv2d(weight.shape[1], weight.shape[0], kernel, stride, padding, padding_mode="reflect")
    folded.load_state_dict({"weight": weight, "bias": bias.float()})
    return folded


def _front(unit: Unit) -> nn.Module:
    """A unit without a global part before it; one with a global part after it yields both in one tensor."""
    local = cast(nn.Conv2d, _folded(unit.ffc.convl2l, unit.bn_l))
    if unit.bn_g is None:
        return local
    global_ = cast(nn.Conv2d, _folded(cast(nn.Conv2d, unit.ffc.convl2g), unit.bn_g))
    channels = len(local.weight) + len(global_.weight)
    joined = nn.Conv2d(local.in_channels, channels, 3, 2, 1, padding_mode="reflect")
    parts = ((local.weight, global_.weight), (cast(Tensor, local.bias), cast(Tensor, global_.bias)))
    joined.load_state_dict(dict(zip(("weight", "bias"), map(torch.cat, parts), strict=True)))
    return joined


class FusedLama(nn.Module):
    """`Lama` with frozen statistics."""

    @torch.no_grad()
    def __init__(self, network: Lama) -> None:
        super().__init__()
        layers = list(network.model)
        units = [layer for layer in layers if isinstance(layer, Unit)]
        front = [step for unit in units for step in (_front(unit), nn.ReLU(inplace=True))]
        self.front = nn.Sequential(nn.ReflectionPad2d(3), *front)
        self.blocks = nn.Sequential(*(FusedBlock(layer) for layer in layers if isinstance(layer, ResidualBlock)))
        back: list[nn.Module] = []
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.ConvTranspose2d):
                back += [_folded(layer, cast(nn.BatchNorm2d, layers[index + 1])), nn.ReLU(inplace=True)]
        last = cast(nn.Conv2d, layers[-2])
        self.back = nn.Sequential(*back, nn.ReflectionPad2d(3), nn.Conv2d(last.in_channels, 3, 7), nn.Sigmoid())
        self.back[-2].load_state_dict(last.state_dict())
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """As `Lama.forward`, without its checks; in the weights' dtype."""
        x = self.front(x.contiguous(memory_format=torch.channels_last))
        features = self.blocks(x.permute(0, 2, 3, 1).float()).to(x.dtype).permute(0, 3, 1, 2)
        predicted: Tensor = self.back(features)
        return predicted

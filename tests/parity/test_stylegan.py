import math

import pytest
import torch

from vidremove.nets.stylegan import (
    Conv,
    Linear,
    ModulatedConv,
    StyledConv,
    ToRGB,
    activate,
    enlarge,
    smooth,
    smoothing_kernel,
)

GAIN = math.sqrt(2)


def test_activation():
    torch.testing.assert_close(activate(torch.tensor([1.0, -1.0])), torch.tensor([GAIN, -0.2 * GAIN]))


def test_smoothing_of_an_impulse_is_the_kernel():
    impulse = torch.zeros(1, 2, 4, 4)
    impulse[0, 1, 0, 0] = 64.0
    result = smooth(impulse, smoothing_kernel(), padding=3)
    assert result.shape == (1, 2, 7, 7)
    assert not result[0, 0].any()
    assert result[0, 1, :4, :4].tolist() == [[1, 3, 3, 1], [3, 9, 9, 3], [3, 9, 9, 3], [1, 3, 3, 1]]


def test_enlarging_places_samples_between_pixels():
    impulse = torch.zeros(1, 1, 2, 2)
    impulse[0, 0, 0, 1] = 16.0
    # Of the four taps, those left of the border and beyond it are cut off: sample 1 covers columns 1 to 4.
    assert enlarge(impulse, smoothing_kernel())[0, 0].tolist() == [
        [0, 3, 9, 9],
        [0, 3, 9, 9],
        [0, 1, 3, 3],
        [0, 0, 0, 0],
    ]


@torch.no_grad()
def test_linear_scales_its_weight_and_bias():
    layer = Linear(4, 1, active=True, rate=0.01)
    layer.weight.fill_(100.0)  # used as 100 * 0.01 / 2
    layer.bias.fill_(50.0)
    assert layer(torch.ones(1, 4)).item() == pytest.approx((4 * 0.5 + 0.5) * GAIN)


def _conv(scale: str) -> Conv:
    conv = Conv(1, 1, 3, scale)
    with torch.no_grad():
        conv.weight.zero_()
    return conv


@torch.no_grad()
def test_plain_convolution_is_a_correlation():
    conv = _conv("plain")
    conv.weight[0, 0, 1, 2] = 3.0  # the right neighbour, weight 1
    x = torch.arange(1.0, 4.0).expand(1, 1, 3, 3)
    torch.testing.assert_close(conv(x)[0, 0, 0], torch.tensor([2.0, 3.0, 0.0]) * GAIN)


@torch.no_grad()
def test_halving_smooths_first():
    conv = _conv("down")
    conv.weight[0, 0, 1, 1] = 3.0
    impulse = torch.zeros(1, 1, 4, 4)
    impulse[0, 0, 0, 0] = 64.0
    # Smoothed: taps of rows -1..2 of the padded picture land at 0..2; the kernel's centre reads rows 1 and 3.
    torch.testing.assert_close(conv(impulse)[0, 0], torch.tensor([[9.0, 0.0], [0.0, 0.0]]) * GAIN)


@torch.no_grad()
def test_doubling_with_a_central_weight_is_enlarging():
    conv = _conv("up")
    conv.weight[0, 0, 1, 1] = 3.0
    x = torch.rand(1, 1, 3, 3)
    shifted = enlarge(x, smoothing_kernel())
    assert conv(x).shape == (1, 1, 6, 6)
    torch.testing.assert_close(conv(x), shifted * GAIN)


@torch.no_grad()
def test_doubling_correlates_and_does_not_convolve():
    conv = _conv("up")
    conv.weight[0, 0, 1, 2] = 3.0  # the right neighbour on the stuffed grid: everything moves one pixel to the left
    x = torch.zeros(1, 1, 4, 4)
    x[..., 2] = 1.0
    columns = conv(x)[0, 0, 4] / GAIN
    torch.testing.assert_close(columns, torch.tensor([0.0, 0.0, 0.25, 0.75, 0.75, 0.25, 0.0, 0.0]))


@torch.no_grad()
def test_modulation_scales_inputs_and_demodulation_restores_the_length():
    conv = ModulatedConv(2, 1, 1, 1, up=False, demodulate=True)
    conv.weight.copy_(torch.tensor([3.0, 4.0]).reshape(1, 1, 2, 1, 1))
    conv.affine.weight.zero_()
    conv.affine.bias.copy_(torch.tensor([1.0, 0.0]))
    x = torch.stack([torch.full((2, 2), 5.0), torch.full((2, 2), 7.0)])[None]
    assert conv(x, torch.zeros(1, 1))[0, 0, 0, 0].item() == pytest.approx(5.0)  # only channel 0, length 1
    conv.demodulate = False
    assert conv(x, torch.zeros(1, 1))[0, 0, 0, 0].item() == pytest.approx(5.0 * 3.0 / GAIN)


@torch.no_grad()
@pytest.mark.parametrize("up", [False, True])
def test_each_sample_has_its_own_style(up):
    torch.manual_seed(0)
    conv = ModulatedConv(3, 2, 4, 3, up=up, demodulate=True)
    x, style = torch.rand(2, 3, 5, 5), torch.randn(2, 4)
    both = conv(x, style)
    assert both.shape == ((2, 2, 10, 10) if up else (2, 2, 5, 5))
    for index in range(2):
        torch.testing.assert_close(both[index : index + 1], conv(x[index : index + 1], style[index : index + 1]))


@torch.no_grad()
def test_noise_is_added_before_the_activation():
    layer = StyledConv(1, 1, 1, noise_size=2)
    layer.noise_strength.fill_(2.0)
    layer.noise_const.copy_(torch.tensor([[1.0, -1.0], [0.0, 3.0]]))
    x, style = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1)
    assert not layer(x, style).any()
    torch.testing.assert_close(layer(x, style, "const")[0, 0], torch.tensor([[2.0, -0.4], [0.0, 6.0]]) * GAIN)
    drawn = [layer(x, style, "random", torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@torch.no_grad()
def test_pictures_add_up():
    layer = ToRGB(2, 1)
    layer.conv.weight.zero_()
    layer.bias.fill_(0.5)
    smaller = torch.rand(1, 3, 2, 2)
    picture = layer(torch.rand(1, 2, 4, 4), torch.zeros(1, 1), smaller)
    torch.testing.assert_close(picture, enlarge(smaller, smoothing_kernel()) + 0.5)

import pytest
import torch
from torch.nn import functional as F

from vidremove.nets.deform import deform_conv2d
from vidremove.nets.resnet import ConvNorm, ResNet, ResNetConfig

RAMP = torch.arange(20.0).reshape(1, 1, 4, 5)  # value = 5 row + column


def single_tap(row: int, column: int) -> torch.Tensor:
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, row, column] = 1.0
    return weight


def offsets_of(tap: int, dy: float, dx: float) -> torch.Tensor:
    offsets = torch.zeros(1, 18, 4, 5)
    offsets[:, 2 * tap], offsets[:, 2 * tap + 1] = dy, dx
    return offsets


def test_without_offsets_it_is_a_convolution():
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 3, 6, 7), torch.randn(4, 3, 3, 3), torch.randn(4)
    result = deform_conv2d(x, torch.zeros(2, 18, 6, 7), weight, bias)
    torch.testing.assert_close(result, F.conv2d(x, weight, bias, padding=1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_looks_at_the_same_cells(dtype):
    torch.manual_seed(0)
    x, weight = torch.randn(1, 4, 40, 167).to(dtype), torch.randn(4, 4, 3, 3).to(dtype)
    result = deform_conv2d(x, torch.zeros(1, 18, 40, 167, dtype=dtype), weight).float()
    expected = F.conv2d(x.float(), weight.float(), padding=1)
    assert ((result - expected).norm() / expected.norm()).item() < 0.01


@pytest.mark.parametrize(
    ("dy", "dx", "expected"),
    [
        (1.0, 0.0, 5 * 2 + 2 + 5 * 1),  # row 3, column 2
        (0.0, 1.0, 13.0),
        (-0.5, 0.25, 5 * 1.5 + 2.25),
        (1.5, 0.0, (5 * 3 + 2) / 2),  # half of it below the map, where all is 0
        (2.0, 0.0, 0.0),
        (0.0, -2.5, 10.0 / 2),
        (0.0, -3.5, 0.0),
    ],
)
def test_the_middle_tap_looks_where_its_offset_sends_it(dy, dx, expected):
    result = deform_conv2d(RAMP, offsets_of(4, dy, dx), single_tap(1, 1))
    assert result[0, 0, 2, 2].item() == pytest.approx(expected, abs=1e-4)


def test_taps_are_numbered_in_row_order_and_offsets_add_to_their_place():
    result = deform_conv2d(RAMP, offsets_of(5, 1.0, -2.0), single_tap(1, 2))  # right neighbour, moved
    assert result[0, 0, 1, 2].item() == pytest.approx(5 * 2 + 1, abs=1e-4)
    untouched = deform_conv2d(RAMP, offsets_of(3, 1.0, -2.0), single_tap(1, 2))
    assert untouched[0, 0, 1, 2].item() == pytest.approx(5 * 1 + 3, abs=1e-4)


def test_offsets_differ_from_place_to_place():
    offsets = torch.zeros(1, 18, 4, 5)
    offsets[0, 9] = -torch.arange(5.0)  # every column looks at column 0
    result = deform_conv2d(RAMP, offsets, single_tap(1, 1))
    torch.testing.assert_close(result[0, 0], RAMP[0, 0, :, :1].expand(4, 5), atol=1e-4, rtol=0.0)


@torch.no_grad()
def test_the_frozen_norm_is_folded():
    torch.manual_seed(0)
    layer = ConvNorm(2, 3, 3, 2)
    layer.norm.weight.copy_(torch.tensor([1.0, 2.0, 0.5]))
    layer.norm.bias.copy_(torch.tensor([0.0, 1.0, -1.0]))
    layer.norm.running_mean.copy_(torch.tensor([0.5, 0.0, 2.0]))
    layer.norm.running_var.copy_(torch.tensor([1.0, 4.0, 0.25]))
    x, norm = torch.randn(1, 2, 7, 7), layer.norm
    plain = F.conv2d(x, layer.weight, stride=2, padding=1)
    normed = F.batch_norm(plain, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-5)
    torch.testing.assert_close(layer(x), normed)


@pytest.mark.parametrize("deformable", [False, True])
@torch.no_grad()
def test_strides_sit_in_the_first_convolution(deformable):
    torch.manual_seed(0)
    model = ResNet(ResNetConfig((1, 2, 1, 1), width=4, deformable=deformable)).eval()
    maps = model(torch.randn(1, 3, 64, 96))
    assert [tuple(scale.shape) for scale in maps] == [
        (1, 16, 16, 24),
        (1, 32, 8, 12),
        (1, 64, 4, 6),
        (1, 128, 2, 3),
    ]
    block = model.get_submodule("res3.0")
    assert block.conv1.stride == block.shortcut.stride == (2, 2)
    assert block.conv2.stride == (1, 1)
    assert ("res3.1.conv2_offset.bias" in model.state_dict()) == deformable
    assert "res2.0.conv2_offset.bias" not in model.state_dict()

import pytest
import torch
from torch.nn import functional as F

from vidremove.nets import winograd as module
from vidremove.nets.winograd import Conv3x3, winograd


@pytest.mark.parametrize("size", [(6, 8), (7, 9), (1, 1), (2, 5), (13, 4)])
@pytest.mark.parametrize("bias", [None, torch.tensor([1.0, -2.0, 3.0, 0.5])])
@pytest.mark.parametrize("floats", [1, 10_000_000])  # bands of one row of tiles, and one band
def test_equals_the_plain_convolution(size, bias, floats, monkeypatch):
    monkeypatch.setattr(module, "_WORKING_FLOATS", floats)
    torch.manual_seed(0)
    x, weight = torch.randn(2, 5, *size), torch.randn(4, 5, 3, 3)
    expected = F.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(winograd(x, weight, bias), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_wide_layers_take_it_and_round_no_worse():
    torch.manual_seed(0)
    layer, x = Conv3x3(256, 256), torch.randn(1, 256, 32, 33)
    exact = F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    plain = F.conv2d(x, layer.weight, layer.bias, padding=1)
    fast = layer(x)
    assert not torch.equal(fast, plain)
    assert (fast - exact).abs().max() < 2 * (plain - exact).abs().max() + 1e-6
    torch.testing.assert_close(layer(x[..., :20]), F.conv2d(x[..., :20], layer.weight, layer.bias, padding=1))


def test_gradients_pass():
    x, weight = torch.randn(1, 2, 4, 4, requires_grad=True), torch.randn(2, 2, 3, 3, requires_grad=True)
    ours = torch.autograd.grad(winograd(x, weight).square().sum(), (x, weight))
    plain = torch.autograd.grad(F.conv2d(x, weight, padding=1).square().sum(), (x, weight))
    torch.testing.assert_close(ours, plain, atol=1e-4, rtol=1e-4)

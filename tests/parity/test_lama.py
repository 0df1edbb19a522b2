import numpy as np
import pytest
import torch

from tests.parity.reference import Reference
from vidremove.nets.lama import (
    Channels,
    FourierUnit,
    Lama,
    LamaConfig,
    Unit,
    build,
    pad_to_multiple,
)
from vidremove.nets.lama_fused import FusedLama

TINY = LamaConfig(width=4, blocks=2)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference("lama", build)


@pytest.fixture
def tiny() -> Lama:
    torch.manual_seed(0)
    return build(TINY).eval()


def test_keys_and_values_of_the_state_are_the_published_ones(reference):
    assert reference.problems == []


@pytest.mark.parametrize("golden", ["forward_256", "forward_odd", "inpaint_250x190"])
def test_outputs_equal_the_reference(reference, golden):
    worst = reference.worst(golden)
    assert max(worst.values()) < 1e-5, worst


def test_published_size():
    with torch.device("meta"):
        model = build()
    state = model.state_dict()
    assert len(state) == 989
    assert sum(p.numel() for p in model.parameters()) == 50_975_875
    assert state["model.22.conv2.ffc.convg2g.fu.conv_layer.weight"].shape == (384, 384, 1, 1)
    assert state["model.24.weight"].shape == (512, 256, 3, 3)


def test_strict_load_needs_every_key(tiny):
    state = tiny.state_dict()
    build(TINY).load_state_dict(state, strict=True)
    del state["model.5.conv1.bn_g.running_var"]
    with pytest.raises(RuntimeError, match="running_var"):
        build(TINY).load_state_dict(state, strict=True)


def _fourier_unit(weight: list[list[float]]) -> FourierUnit:
    """A unit with given mixing weights whose normalisation does nothing."""
    unit = FourierUnit(len(weight) // 2).eval()
    unit.bn.eps = 0.0
    with torch.no_grad():
        unit.conv_layer.weight.copy_(torch.tensor(weight)[..., None, None])
    return unit


@torch.no_grad()
def test_fourier_unit_scales_orthonormally_and_keeps_odd_sizes():
    unit = _fourier_unit([[1.0, 0.0], [0.0, 1.0]])
    impulse = torch.zeros(1, 1, 3, 5)
    impulse[..., 0, 0] = 1.0  # its spectrum is real and positive, so that the ReLU changes nothing
    torch.testing.assert_close(unit(impulse), impulse)


@torch.no_grad()
def test_fourier_unit_alternates_real_and_imaginary_channels():
    weight = torch.zeros(4, 4)
    weight[0, 2] = 1.0  # real part of channel 1 becomes that of channel 0
    constant = torch.stack([torch.full((4, 4), 2.0), torch.full((4, 4), 3.0)])[None]
    mixed = _fourier_unit(weight.tolist())(constant)
    torch.testing.assert_close(mixed, torch.stack([torch.full((4, 4), 3.0), torch.zeros(4, 4)])[None])


@torch.no_grad()
def test_fourier_unit_inverts_rows_before_it_drops_imaginary_parts():
    # An impulse in row 1 of 4: spectrum (1, -i, -1, i) / 2; the ReLU leaves 1 / 2 and, in the last row, i / 2.
    unit = _fourier_unit([[1.0, 0.0], [0.0, 1.0]])
    impulse = torch.tensor([0.0, 1.0, 0.0, 0.0]).reshape(1, 1, 4, 1)
    torch.testing.assert_close(unit(impulse).flatten(), torch.tensor([0.25, 0.5, 0.25, 0.0]))


@torch.no_grad()
def test_fourier_unit_transforms_in_float32_whatever_the_input():
    unit = _fourier_unit([[1.0, 0.0], [0.0, 1.0]]).to(torch.bfloat16)
    constant = torch.full((1, 1, 6, 10), 3.0, dtype=torch.bfloat16)
    assert unit(constant).dtype == torch.bfloat16
    torch.testing.assert_close(unit(constant), constant, rtol=0.02, atol=0.0)


@torch.no_grad()
def test_unit_mirrors_at_the_border_and_sums_the_paths():
    unit = Unit(Channels(1, 4), Channels(1, 4)).eval()
    for convolution in (unit.ffc.convl2l, unit.ffc.convg2l):
        torch.nn.init.zeros_(convolution.weight)
    unit.ffc.convl2l.weight[0, 0, 1, 0] = 1.0  # the left neighbour
    unit.ffc.convg2l.weight[0, 2, 1, 1] = 10.0
    unit.bn_l.eps = 0.0
    local = torch.arange(1.0, 5.0).reshape(1, 1, 1, 4).expand(1, 1, 2, 4)
    local_out, _ = unit((local, torch.ones(1, 4, 2, 4)))
    assert local_out[0, 0, 0].tolist() == [12.0, 11.0, 12.0, 13.0]


@torch.no_grad()
def test_tiny_generator(tiny):
    predicted = tiny(torch.rand(2, 4, 24, 40))
    assert predicted.shape == (2, 3, 24, 40)
    assert 0.0 < float(predicted.min()) < float(predicted.max()) < 1.0


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 4, 30, 32), (1, 4, 32, 8), (4, 32, 32)])
def test_sizes_that_do_not_fit_are_refused(tiny, shape):
    with pytest.raises(ValueError, match="multiples of 8"):
        tiny(torch.rand(shape))


@torch.no_grad()
def test_inpaint_keeps_known_pixels_and_does_not_read_the_hole(tiny):
    image = torch.rand(1, 3, 19, 29)
    mask = torch.zeros(1, 1, 19, 29, dtype=torch.uint8)
    mask[..., 4:9, 20:] = 1  # any level above zero
    filled = tiny.inpaint(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(filled[known], image[known])
    assert not torch.equal(filled[~known], image[~known])
    assert torch.equal(tiny.inpaint(torch.where(known, image, torch.rand_like(image)), mask), filled)


def test_padding_repeats_the_border():
    padded = pad_to_multiple(torch.arange(6.0).reshape(1, 1, 1, 6).expand(1, 1, 5, 6), 8)
    assert padded.shape == (1, 1, 8, 8)
    assert padded[0, 0, 7].tolist() == [0, 1, 2, 3, 4, 5, 5, 4]
    with pytest.raises(ValueError, match="too short"):
        pad_to_multiple(torch.zeros(1, 1, 3, 8), 8)


def _lively(network: Lama) -> Lama:
    """Statistics and biases away from 0 and 1, weights large enough for a picture."""
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith(("running_mean", "bias")):
                value.normal_(0.0, 0.2)
            elif value.ndim == 4:
                value.mul_(2.0)
            elif value.is_floating_point():
                value.uniform_(0.5, 1.5)
    return network


@torch.no_grad()
@pytest.mark.parametrize("size", [(32, 48), (72, 120), (16, 24)])
def test_the_fused_arrangement_gives_the_same_numbers(tiny, size):
    x = torch.rand(2, 4, *size)
    plain = _lively(tiny)(x)
    assert plain.std() > 0.05
    torch.testing.assert_close(FusedLama(tiny)(x), plain, rtol=0.0, atol=2e-5)


@torch.no_grad()
def test_the_fused_arrangement_in_half_precision_is_near(tiny):
    x = torch.rand(1, 4, 32, 48)
    half = FusedLama(_lively(tiny)).to(torch.bfloat16)(x.bfloat16())
    assert half.dtype == torch.bfloat16
    assert float((half.float() - tiny(x)).abs().mean()) < 0.01


def test_the_fused_arrangement_leaves_the_network_as_it_is(tiny):
    before = {key: value.clone() for key, value in tiny.state_dict().items()}
    FusedLama(tiny)
    assert all(torch.equal(value, before[key]) for key, value in tiny.state_dict().items())
    assert all(parameter.requires_grad for parameter in tiny.parameters())


@torch.no_grad()
def test_the_fused_arrangement_equals_the_reference(reference):
    fused = FusedLama(reference.model)
    with np.load(reference.folder / "forward_odd.npz") as data:
        predicted = fused(torch.from_numpy(data["in_x"]))
        assert float((predicted - torch.from_numpy(data["out_predicted"])).abs().max()) < 1e-5

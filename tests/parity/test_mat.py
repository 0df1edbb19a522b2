import math

import pytest
import torch

from tests.parity.reference import Reference
from vidremove.nets.local import hole_box, parts_needed
from vidremove.nets.mat import (
    DERIVED,
    Block,
    Mapping,
    Mat,
    MatConfig,
    PartialConv,
    WindowAttention,
    build,
    from_windows,
    shift_mask,
    to_windows,
)

TINY = MatConfig(
    resolution=128, latent=16, width=12, heads=2, depths=(2, 2, 1, 2, 2), windows=(4,) * 5, channels=16, pools=(2, 1)
)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference("mat", build)


@pytest.fixture(scope="module")
def tiny() -> Mat:
    torch.manual_seed(0)
    return build(TINY).eval()


def _scene(height: int = 128, width: int = 128, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(batch, 3, height, width, generator=generator) * 2 - 1
    mask = torch.ones(batch, 1, height, width)
    mask[..., 30:70, 40:100] = 0
    return image, mask


def test_keys_and_values_of_the_state_are_the_published_ones(reference):
    assert reference.problems == []


def test_outputs_equal_the_reference(reference):
    worst = reference.worst("const_512")
    assert max(worst.values()) < 2e-5, worst


@pytest.mark.slow
def test_outputs_equal_the_reference_for_a_wide_picture(reference):
    worst = reference.worst("wide_1024x512")
    assert max(worst.values()) < 2e-5, worst


def test_published_size():
    with torch.device("meta"):
        model, silent = build(), build(MatConfig(noise=False))
    state = model.state_dict()
    assert len(state) == 487
    assert sum(p.numel() for p in model.parameters()) == 61_562_518
    assert len(silent.state_dict()) == 465
    assert {key.rpartition(".")[2] for key in state.keys() - silent.state_dict().keys()} == {
        "noise_const",
        "noise_strength",
    }
    assert sum(key.endswith(DERIVED) for key in state) == 72


@torch.no_grad()
def test_tiny_generator_completes_known_pixels_and_does_not_read_the_hole(tiny):
    image, mask = _scene(batch=2)
    z, mix1, mix2 = tiny.draw(2, (128, 128), torch.Generator().manual_seed(3))
    final, first = tiny(image, mask, z, mix1=mix1, mix2=mix2, return_stage1=True)
    known = (mask == 1).expand_as(image)
    assert torch.equal(final[known], image[known])
    assert torch.equal(first[known], image[known])
    other = torch.where(known, image, torch.rand_like(image))
    assert torch.equal(tiny(other, mask, z, mix1=mix1, mix2=mix2), final)


@torch.no_grad()
def test_a_batch_is_its_samples(tiny):
    image, mask = _scene(batch=2)
    z, mix1, mix2 = tiny.draw(2, (128, 128), torch.Generator().manual_seed(3))
    both = tiny(image, mask, z, mix1=mix1, mix2=mix2)
    second = tiny(image[1:], mask[1:], z[1:], mix1=mix1[1:], mix2=mix2[1:])
    torch.testing.assert_close(both[1:], second, rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("hole", [(30, 70, 40, 100), (0, 9, 100, 128), (60, 61, 64, 65), (0, 128, 0, 128)])
def test_decoding_what_the_hole_shows_is_decoding_everything(tiny, hole):
    image, mask = _scene(batch=2)
    y0, y1, x0, x1 = hole
    mask[:] = 1
    mask[0, :, y0:y1, x0:x1] = 0
    z, mix1, mix2 = tiny.draw(2, (128, 128), torch.Generator().manual_seed(3))
    parts, everything = (
        tiny(image, mask, z, mix1=mix1, mix2=mix2, return_stage1=True, whole=whole) for whole in (False, True)
    )
    for part, whole in zip(parts, everything, strict=True):
        torch.testing.assert_close(part, whole, rtol=0.0, atol=2e-5)


def test_the_parts_that_a_hole_needs():
    assert hole_box(torch.ones(2, 1, 8, 8)) is None
    mask = torch.ones(2, 1, 8, 8)
    mask[0, 0, 1, 2] = mask[1, 0, 5, 3] = 0
    assert hole_box(mask) == (1, 6, 2, 4)
    assert parts_needed((40, 61, 0, 128), (128, 128), 2) == [(5, 20, 0, 32), (17, 34, 0, 64)]


@torch.no_grad()
def test_without_a_hole_the_picture_stays(tiny):
    image, mask = _scene()
    z, mix1, mix2 = tiny.draw(1, (128, 128), torch.Generator().manual_seed(3))
    assert torch.equal(tiny(image, torch.ones_like(mask), z, mix1=mix1, mix2=mix2), image)


@torch.no_grad()
def test_other_sizes_take_seeded_noise_or_none(tiny):
    image, mask = _scene(128, 256)
    z, mix1, mix2 = tiny.draw(1, (128, 256), torch.Generator().manual_seed(3))
    for mode in ("random", "none"):
        once, again = (
            tiny(image, mask, z, mix1=mix1, mix2=mix2, noise_mode=mode, generator=torch.Generator().manual_seed(5))
            for _ in range(2)
        )
        assert torch.equal(once, again)
    with pytest.raises(ValueError, match="stored noise fits 128 x 128 only"):
        tiny(image, mask, z, mix1=mix1, mix2=mix2)


def test_sizes_that_do_not_fit_are_refused(tiny):
    image, mask = _scene(96, 128)
    with pytest.raises(ValueError, match="multiples of 128"):
        tiny(image, mask, torch.zeros(1, 16), mix1=torch.zeros(1), mix2=torch.zeros(1))


@torch.no_grad()
def test_partial_convolution_makes_up_for_missing_inputs():
    layer = PartialConv(1, 1)
    layer.conv.weight.fill_(3.0)  # used as 3 / sqrt(9) = 1
    valid = torch.zeros(1, 1, 4, 4)
    valid[..., 0, 0] = 1
    x, new_valid = layer(valid.clone(), valid)
    # One of nine positions is valid: the sum 1 becomes 9, and the gain of the activation is sqrt(2).
    assert x[0, 0, 1, 1].item() == pytest.approx(9 * math.sqrt(2))
    assert new_valid[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert x[0, 0, 3, 3].item() == 0.0
    _, halved = PartialConv(1, 1, "down")(valid, valid)
    assert halved[0, 0].tolist() == [[1, 0], [0, 0]]


def test_windows_are_cut_row_by_row_and_joined_again():
    grid = torch.arange(16).reshape(1, 4, 4, 1)
    windows = to_windows(grid, 2)
    assert windows[..., 0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    assert torch.equal(from_windows(windows, 2, (4, 4)), grid)


def test_shifted_windows_keep_opposite_borders_apart():
    masks = shift_mask((4, 4), 2)
    assert masks.shape == (4, 4, 4)
    assert not masks[0].any()  # the first window holds neighbours only
    assert masks[1].tolist() == [[0, -100, 0, -100], [-100, 0, -100, 0]] * 2  # left and right border
    assert (masks[3] == -100).sum() == 12  # four corners, each on its own


@torch.no_grad()
def test_attention_bars_keys_in_the_hole():
    layer = WindowAttention(2, 1)
    for linear in (layer.q, layer.k):
        linear.weight.zero_()  # all logits equal
    for linear in (layer.v, layer.proj):
        linear.weight.copy_(math.sqrt(2) * torch.eye(2))  # used as the identity
    tokens = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]])
    bias = torch.tensor([[[0.0, 0.0, -100.0]]])
    torch.testing.assert_close(layer(tokens, bias), torch.tensor([[[2.0, 4.0]] * 3]))


@torch.no_grad()
def test_a_window_with_one_valid_token_becomes_valid():
    torch.manual_seed(0)
    valid = torch.zeros(1, 16, 1)
    valid[0, 5] = 1  # row 1, column 1
    plain, shifted = (Block(4, 2, 2, trained=4, shifted=s) for s in (False, True))
    _, after = plain(torch.rand(1, 16, 4), valid, (4, 4))
    assert after[0, :, 0].tolist() == [1, 1, 0, 0, 1, 1, 0, 0] + [0] * 8
    _, after = shifted(torch.rand(1, 16, 4), valid, (4, 4))
    assert after[0, :, 0].tolist() == [0] * 4 + [0, 1, 1, 0] * 2 + [0] * 4


@torch.no_grad()
def test_shift_masks_of_other_sizes_are_computed():
    torch.manual_seed(0)
    block = Block(4, 2, 2, trained=4, shifted=True)
    x = torch.rand(1, 32, 4)
    seen, _ = block(x, None, (4, 8))
    x[0, 7] += 1.0  # top right corner
    changed = (block(x, None, (4, 8))[0] - seen).abs().sum(dim=2).reshape(4, 8) > 0
    assert changed.nonzero().tolist() == [[0, 7]]  # alone in its region; without the mask three other corners change


@torch.no_grad()
def test_mapping_draws_the_first_styles_to_the_mean():
    torch.manual_seed(0)
    mapping = Mapping(4, copies=3, layers=2)
    mapping.w_avg.fill_(10.0)
    z = torch.randn(1, 4)
    plain = mapping(z)
    drawn = mapping(5 * z, psi=0.25, cutoff=2)  # the length of z does not matter
    torch.testing.assert_close(drawn[:, :2], 10 + 0.25 * (plain[:, :2] - 10), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(drawn[:, 2:], plain[:, 2:], rtol=1e-4, atol=1e-5)

import pytest
import torch

from vidremove.nets.swin import PatchMerging, Swin, SwinConfig, WindowAttention, relative_position_index, window_layout

CPU = torch.device("cpu")
TINY = SwinConfig(channels=8, depths=(2, 2, 2, 1), heads=(1, 2, 2, 4), window=3)


def test_relative_positions_of_a_two_by_two_window():
    # (y difference + 1) * 3 + x difference + 1
    assert relative_position_index(2).tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_windows_are_cut_in_row_order_after_padding():
    layout = window_layout(2, 3, 2, 0, CPU)
    assert layout.windows == 2
    assert layout.padded
    assert layout.mask is None
    assert layout.gather.tolist() == [0, 1, 3, 4, 2, 6, 5, 6]  # 6 is padding
    assert layout.scatter.tolist() == [0, 1, 4, 2, 3, 6]


def test_shifted_windows_are_rolled_and_masked_by_region():
    layout = window_layout(4, 4, 2, 1, CPU)
    assert not layout.padded
    assert layout.gather.tolist() == [5, 6, 9, 10, 7, 4, 11, 8, 13, 14, 1, 2, 15, 12, 3, 0]
    assert layout.gather[layout.scatter].tolist() == list(range(16))
    apart = (layout.mask == -100).int()
    assert set(layout.mask.unique().tolist()) == {0.0, -100.0}
    assert apart[0].sum() == 0
    assert apart[1].tolist() == [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]  # split by columns
    assert apart[2].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]  # split by rows
    assert apart[3].tolist() == (1 - torch.eye(4, dtype=torch.int)).tolist()


def test_a_window_over_the_whole_map_is_masked_too():
    layout = window_layout(2, 2, 2, 1, CPU)
    assert layout.windows == 1
    assert (layout.mask[0] == -100).sum() == 12


def test_merging_takes_the_lower_neighbour_before_the_right_one():
    merging = PatchMerging(1)
    merging.norm = torch.nn.Identity()
    merging.reduction = torch.nn.Identity()
    tokens = torch.arange(1.0, 7.0).reshape(1, 6, 1)  # 2 x 3, padded to 2 x 4
    assert merging(tokens, (2, 3)).tolist() == [[[1, 4, 2, 5], [3, 6, 0, 0]]]


@torch.no_grad()
def test_padded_positions_are_keys():
    attention = WindowAttention(4, 1, window=2)
    for parameter in attention.parameters():
        torch.nn.init.zeros_(parameter)  # equal scores: the result is the mean of a window's values
    attention.qkv.weight[8:] = 1.0
    attention.qkv.bias[8:] = 1.0  # the value of a true position of ones is 5, that of padding 1
    torch.nn.init.eye_(attention.proj.weight)
    attended = attention(torch.ones(1, 3, 4), window_layout(1, 3, 2, 0, CPU))
    # the first window holds two true positions and two of padding, the second one and three
    assert attended[0, :, 0].tolist() == [3.0, 3.0, 2.0]


@torch.no_grad()
def test_tiny_backbone_halves_and_rounds_up():
    torch.manual_seed(0)
    maps = Swin(TINY).eval()(torch.rand(2, 3, 45, 66))
    assert [tuple(m.shape) for m in maps] == [(2, 8, 12, 17), (2, 16, 6, 9), (2, 32, 3, 5), (2, 64, 2, 3)]
    for scale in maps:  # each ends in a norm over its channels
        torch.testing.assert_close(scale.mean(1), torch.zeros_like(scale[:, 0]), atol=1e-5, rtol=0.0)


@torch.no_grad()
def test_images_of_a_batch_do_not_meet():
    torch.manual_seed(0)
    model, images = Swin(TINY).eval(), torch.rand(2, 3, 40, 52)
    together, apart = model(images), [model(image[None]) for image in images]
    for index, scale in enumerate(together):
        torch.testing.assert_close(scale, torch.cat([maps[index] for maps in apart]))


def test_a_layout_made_in_inference_mode_serves_training():
    window_layout.cache_clear()
    model = Swin(TINY)
    with torch.inference_mode():
        model(torch.rand(1, 3, 40, 40))
    sum(scale.square().sum() for scale in model(torch.rand(1, 3, 40, 40))).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("config", "entries"), [(SwinConfig(), 189), (SwinConfig(128, (2, 2, 18, 2), (4, 8, 16, 32)), 357)]
)
def test_entries_of_the_published_sizes(config, entries):
    with torch.device("meta"):
        assert len(Swin(config).state_dict()) == entries

import math

import pytest
import torch

from vidremove.nets.boxes import (
    clip_boxes,
    decode_boxes,
    make_anchors,
    not_empty,
    overlap_of_boxes,
    suppress,
    suppress_within,
)


def boxes(*corners: tuple[float, float, float, float]) -> torch.Tensor:
    return torch.tensor(corners)


def test_anchors_stand_on_whole_strides_in_the_order_row_column_shape():
    anchors = make_anchors(32, 8, (2, 3), torch.device("cpu"))
    assert anchors.shape == (18, 4)
    wide, high = 32 * math.sqrt(2), 32 / math.sqrt(2)
    torch.testing.assert_close(anchors[0], torch.tensor([-wide / 2, -high / 2, wide / 2, high / 2]))
    assert anchors[1].tolist() == [-16, -16, 16, 16]
    torch.testing.assert_close(anchors[2], torch.tensor([-high / 2, -wide / 2, high / 2, wide / 2]))
    assert anchors[4].tolist() == [-8, -16, 24, 16]
    assert anchors[10].tolist() == [-16, -8, 16, 24]


def test_decoding_shifts_by_sides_and_grows_by_exponents():
    box = boxes((10, 20, 30, 60))
    deltas = torch.tensor([[0.5, -0.25, math.log(2), 0.0, 0.0, 0.0, 0.0, 100.0]])
    moved = decode_boxes(deltas, box)
    torch.testing.assert_close(moved[0, :4], torch.tensor([10.0, 10.0, 50.0, 50.0]))
    torch.testing.assert_close(moved[0, 4:], torch.tensor([10.0, 40 - 1250.0, 30.0, 40 + 1250.0]))  # 62.5 times at most
    weighted = decode_boxes(deltas[:, :4] * torch.tensor([10, 10, 5, 5]), box, (10, 10, 5, 5))
    torch.testing.assert_close(weighted, moved[:, :4])


def test_clipping_and_emptiness():
    cut = clip_boxes(boxes((-5, -5, 50, 50), (40, 2, 45, 3), (1, 1, 1, 4)), (20, 30))
    assert cut.tolist() == [[0, 0, 30, 20], [30, 2, 30, 3], [1, 1, 1, 4]]
    assert not_empty(cut).tolist() == [True, False, False]


def test_overlap_has_no_plus_one():
    overlap = overlap_of_boxes(boxes((0, 0, 2, 2)), boxes((1, 0, 3, 2), (2, 0, 4, 2), (0, 0, 2, 2), (0, 0, 1, 1)))
    torch.testing.assert_close(overlap, torch.tensor([[1 / 3, 0.0, 1.0, 0.25]]))


def test_a_box_that_fell_covers_nothing():
    chain = boxes((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))  # each overlaps the next by 3 / 7
    assert suppress(chain, torch.tensor([0.9, 0.8, 0.7]), 0.4).tolist() == [0, 2]
    assert suppress(chain, torch.tensor([0.7, 0.9, 0.8]), 0.4).tolist() == [1]
    assert suppress(chain, torch.tensor([0.7, 0.8, 0.9]), 0.5).tolist() == [2, 1, 0]


def test_equal_overlap_stays_and_equal_scores_keep_their_order():
    half = boxes((0, 0, 2, 1), (0, 0, 1, 1))
    assert suppress(half, torch.tensor([0.5, 0.5]), 0.5).tolist() == [0, 1]
    assert suppress(half, torch.tensor([0.5, 0.5]), 0.49).tolist() == [0]


def test_groups_do_not_touch_each_other():
    same = boxes((0, 0, 4, 4), (0, 0, 4, 4), (0, 0, 4, 4), (50, 0, 54, 4))
    scores, groups = torch.tensor([0.1, 0.4, 0.3, 0.2]), torch.tensor([5, 7, 5, 5])
    assert suppress_within(same, scores, groups, 0.5).tolist() == [1, 2, 3]
    assert suppress_within(same[:0], scores[:0], groups[:0], 0.5).tolist() == []


@pytest.mark.parametrize("limit", [0.3, 0.5, 0.7])
def test_suppression_equals_the_greedy_loop(limit):
    torch.manual_seed(0)
    corner = torch.rand(300, 2) * 100
    many, scores = torch.cat([corner, corner + 5 + torch.rand(300, 2) * 40], 1), torch.rand(300)
    overlap, kept = overlap_of_boxes(many, many), []
    for index in scores.argsort(descending=True).tolist():
        if all(overlap[index, other] <= limit for other in kept):
            kept.append(index)
    assert suppress(many, scores, limit).tolist() == kept

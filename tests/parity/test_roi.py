import math

import pytest
import torch

from vidremove.nets.roi import averaging_matrices, levels_of_boxes, pyramid_align, roi_align


def one_value(features: torch.Tensor, y: float, x: float) -> torch.Tensor:
    """Bilinear look-up in (H, W, C), one sample, as the paper has it."""
    height, width, channels = features.shape
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(channels)
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    top = features[y0, x0] * (1 - x + x0) + features[y0, x1] * (x - x0)
    bottom = features[y1, x0] * (1 - x + x0) + features[y1, x1] * (x - x0)
    return top * (1 - y + y0) + bottom * (y - y0)


def looped(features: torch.Tensor, box: list[float], stride: int, bins: int) -> torch.Tensor:
    x0, y0, x1, y1 = (value / stride - 0.5 for value in box)
    high, wide = (y1 - y0) / bins, (x1 - x0) / bins
    rows, columns = max(1, math.ceil(high)), max(1, math.ceil(wide))
    pooled = torch.zeros(bins, bins, features.shape[2])
    for i in range(bins):
        for j in range(bins):
            for r in range(rows):
                for c in range(columns):
                    y, x = y0 + high * (i + (r + 0.5) / rows), x0 + wide * (j + (c + 0.5) / columns)
                    pooled[i, j] += one_value(features, y, x) / (rows * columns)
    return pooled


def test_a_ramp_is_sampled_at_the_centres_of_the_bins():
    ramp = torch.arange(8.0).expand(6, 8)[..., None].contiguous()  # value = column
    # Pixels 4 to 20 at stride 4 are columns 0.5 to 4.5: two bins, centres 1.5 and 3.5.
    pooled = roi_align(ramp, torch.tensor([[4.0, 4.0, 20.0, 12.0]]), 4, 2)
    assert pooled[0, :, :, 0].tolist() == [[1.5, 3.5], [1.5, 3.5]]


def test_a_bin_is_the_mean_of_a_sample_a_cell_begun():
    matrix, start, stop = averaging_matrices(torch.tensor([0.5]), torch.tensor([3.0]), 2, 6)
    # bins of 1.5 cells, two samples each: 0.875, 1.625 and 2.375, 3.125
    expected = [[0.0625, 0.625, 0.3125, 0.0, 0.0, 0.0], [0.0, 0.0, 0.3125, 0.625, 0.0625, 0.0]]
    torch.testing.assert_close(matrix[0], torch.tensor(expected))
    assert (start.tolist(), stop.tolist()) == ([0], [5])


def test_samples_outside_count_as_zero_and_near_the_border_repeat_it():
    # one bin of 4 cells, samples at -1.5, -0.5, 0.5, 1.5: the first is beyond -1
    matrix, *_ = averaging_matrices(torch.tensor([-2.0]), torch.tensor([4.0]), 1, 2)
    torch.testing.assert_close(matrix[0], torch.tensor([[0.25 + 0.125, 0.125 + 0.25]]))


@pytest.mark.parametrize("bins", [1, 3, 7])
def test_boxes_of_all_kinds_equal_the_loop(bins):
    torch.manual_seed(0)
    features = torch.randn(9, 13, 3)
    some = torch.tensor(
        [
            [3.0, 5.0, 40.0, 30.0],
            [-30.0, -20.0, 90.0, 70.0],  # larger than the map
            [10.0, 10.0, 11.0, 10.5],  # smaller than a cell
            [48.0, 30.0, 52.0, 36.0],  # the last corner
            [20.0, 8.0, 20.0, 8.0],  # empty
            [1.0, 17.0, 51.0, 19.0],
        ]
    )
    pooled = roi_align(features, some, 4, bins)
    for box, result in zip(some, pooled, strict=True):
        torch.testing.assert_close(result, looped(features, box.tolist(), 4, bins), atol=1e-5, rtol=1e-5)


def test_no_box_gives_no_features():
    assert roi_align(torch.zeros(4, 4, 2), torch.zeros(0, 4), 4, 7).shape == (0, 7, 7, 2)


def test_levels_by_area():
    sides = torch.tensor([10.0, 111.0, 113.0, 223.0, 225.0, 447.0, 449.0, 3000.0])
    squares = torch.stack([torch.zeros(8), torch.zeros(8), sides, sides], 1)
    assert levels_of_boxes(squares).tolist() == [2, 2, 3, 3, 4, 4, 5, 5]
    assert levels_of_boxes(torch.tensor([[0.0, 0.0, 56.0, 896.0]])).tolist() == [4]


def test_every_box_is_pooled_from_its_own_level():
    maps = [torch.full((32 >> index, 32 >> index, 1), 2.0 + index) for index in range(4)]
    two = torch.tensor([[0.0, 0.0, 60.0, 60.0], [10.0, 10.0, 90.0, 90.0], [5.0, 5.0, 40.0, 50.0]])
    pooled = pyramid_align(maps, two, torch.tensor([5, 2, 4]), 3)
    torch.testing.assert_close(pooled[:, 1, 1, 0], torch.tensor([5.0, 2.0, 4.0]))

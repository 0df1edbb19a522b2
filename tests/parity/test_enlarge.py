import pytest
import torch
from torch.nn import functional as F

from vidremove.nets.enlarge import conv_of_enlarged


@pytest.mark.parametrize(
    ("small", "large"), [((5, 7), (10, 14)), ((4, 6), (7, 12)), ((1, 3), (2, 5)), ((4, 4), (4, 4)), ((2, 4), (2, 8))]
)
def test_equals_enlarging_and_convolving(small, large):
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, *small), torch.randn(4, 3, 3, 3)
    enlarged = F.interpolate(x, large, mode="bilinear", align_corners=True)
    torch.testing.assert_close(
        conv_of_enlarged(x, weight, large), F.conv2d(enlarged, weight, padding=1), atol=1e-5, rtol=1e-5
    )

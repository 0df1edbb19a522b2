"""Resizing of frames as the networks were trained on it."""

from torch import Tensor
from torch.nn import functional as F


def resize_pixels(frame: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize with a triangle filter that widens when reducing, in whole grey levels.

    Args:
        frame: uint8 (H, W, C), on the CPU: the arithmetic in whole numbers, equal to Pillow's BILINEAR, is there only.
        size: (height, width) wanted.
    Returns: uint8 (1, C, height, width).
    """
    return F.interpolate(frame.permute(2, 0, 1)[None], size, mode="bilinear", antialias=True, align_corners=False)

"""Feature pyramid and region proposals.

Source: Lin et al. 2017, "Feature Pyramid Networks for Object Detection", CVPR, section 3; Ren et al. 2015,
"Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", section 3.1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.boxes import clip_boxes, decode_boxes, make_anchors, not_empty, suppress_within
from vidremove.nets.winograd import Conv3x3

_ANCHOR_SIZES = (32, 64, 128, 256, 512)  # pixels, one a level
_SHAPES = 3
_OVERLAP = 0.7


class Fpn(nn.Module):
    """Levels p2 to p6 (strides 4 to 64), `channels` each, on the four maps of a backbone."""

    def __init__(self, bottom_up: nn.Module, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        self.bottom_up = bottom_up
        for level, width in enumerate(widths, 2):
            self.add_module(f"fpn_lateral{level}", nn.Conv2d(width, channels, 1))
            self.add_module(f"fpn_output{level}", Conv3x3(channels, channels))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Image (B, 3, H, W), sides multiples of 32, to {"p2": (B, C, H / 4, W / 4), ..., "p6": ...}."""
        maps = self.bottom_up(image)
        levels: dict[str, Tensor] = {}
        above: Tensor | None = None
        for level in (5, 4, 3, 2):
            own: Tensor = self.get_submodule(f"fpn_lateral{level}")(maps[level - 2])
            above = own if above is None else own + F.interpolate(above, scale_factor=2.0, mode="nearest")
            levels[f"p{level}"] = self.get_submodule(f"fpn_output{level}")(above)
        ordered = {f"p{level}": levels[f"p{level}"] for level in (2, 3, 4, 5)}
        return ordered | {"p6": levels["p5"][:, :, ::2, ::2]}


class RpnHead(nn.Module):
    """For every anchor, whether it holds an object and how to move it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv3x3(channels, channels)
        self.objectness_logits = nn.Conv2d(channels, _SHAPES, 1)
        self.anchor_deltas = nn.Conv2d(channels, 4 * _SHAPES, 1)

    def forward(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Map (1, C, H, W) to logits (H * W * 3,) and deltas (H * W * 3, 4), in the order (y, x, shape)."""
        x = F.relu_(self.conv(level))
        logits: Tensor = self.objectness_logits(x)
        deltas: Tensor = self.anchor_deltas(x)
        return logits.permute(0, 2, 3, 1).reshape(-1), deltas.permute(0, 2, 3, 1).reshape(-1, 4)


class ProposalGenerator(nn.Module):
    """Boxes that may hold an object."""

    def __init__(self, channels: int, limit: int) -> None:
        super().__init__()
        self.limit = limit  # boxes a level before suppression, and boxes in all after it
        self.rpn_head = RpnHead(channels)

    def forward(self, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps (1, C, H, W) to logits (N,) and deltas (N, 4), one level after the other."""
        logits, deltas = zip(*(self.rpn_head(level) for level in levels), strict=True)
        return torch.cat(logits), torch.cat(deltas)

    def proposals(
        self, logits: Tensor, deltas: Tensor, grids: Sequence[Sequence[int]], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Decode, take the best of every level, suppress within levels, take the best.

        Args:
            logits: float32 (N,) and
            deltas: float32 (N, 4), as `forward` returns them.
            grids: (height, width) of every level, strides 4 to 64.
            size: (height, width) of the image without padding; boxes are cut to it.
        Returns: boxes float32 (K, 4) and logits float32 (K,), best first.
        """
        counts = [_SHAPES * height * width for height, width in grids]
        picked: list[tuple[Tensor, Tensor, Tensor]] = []
        parts = zip(torch.split(logits, counts), torch.split(deltas, counts), strict=True)
        for level, (own, moves) in enumerate(parts):
            height, width = grids[level]
            anchors = make_anchors(_ANCHOR_SIZES[level], 4 << level, (height, width), logits.device)
            best = own.argsort(descending=True, stable=True)[: self.limit]
            boxes = clip_boxes(decode_boxes(moves[best], anchors[best]), size)
            sound = not_empty(boxes)
            picked.append((boxes[sound], own[best][sound], torch.full_like(best[sound], level)))
        boxes, scores, groups = (torch.cat(values) for values in zip(*picked, strict=True))
        kept = suppress_within(boxes, scores, groups, _OVERLAP)[: self.limit]
        return boxes[kept], scores[kept]

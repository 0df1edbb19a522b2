"""The mask head of Mask Transfiner: coarse masks, and a transformer over their uncertain points.

Source: Ke et al. 2022, "Mask Transfiner for High-Quality Instance Segmentation", CVPR, section 3; the coarse branch,
He et al. 2017, "Mask R-CNN", section 3; the position code, Vaswani et al. 2017, section 3.5, in two axes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.roi import levels_of_boxes, pyramid_align
from vidremove.nets.winograd import Conv3x3

COARSE = 14  # side of the grid that every instance is pooled to; masks have twice, refined ones 8 times as many
_SIDES = (2 * COARSE, 4 * COARSE, 8 * COARSE)
_UNCERTAIN = (1e-6, 0.125, 0.8)  # least uncertainty of the points taken from the three grids
_MARGIN = 6  # cells of p2 round a box: four convolutions and two for sampling
_STRIDE = 4  # pixels a cell of p2
_BINOMIAL = (1, 6, 15, 20, 15, 6, 1)


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Size of the transformer; the defaults are the published ones."""

    layers: int = 3
    heads: int = 4
    hidden: int = 2048


class EncoderLayer(nn.Module):
    """Self-attention and two layers, each with a norm after; the position code joins queries and keys alone.

    Source: Carion et al. 2020, "DETR", appendix A.3.
    """

    def __init__(self, channels: int, config: EncoderConfig) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, config.heads)
        self.linear1 = nn.Linear(channels, config.hidden)
        self.linear2 = nn.Linear(config.hidden, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Tokens and their code (L, 1, C) to (L, 1, C)."""
        placed = x + code
        x = self.norm1(x + self.self_attn(placed, placed, x, need_weights=False)[0])
        y: Tensor = self.norm2(x + self.linear2(F.relu_(self.linear1(x))))
        return y


def _per_token(conv: nn.Module, x: Tensor) -> Tensor:
    """A 1 x 1 convolution on tokens (..., in), to (..., out)."""
    return F.linear(x, conv.get_parameter("weight")[..., 0, 0], conv.get_parameter("bias"))


class PointEncoder(nn.Module):
    """From points to the probability of the object at each, all points of one instance looking at each other.

    Source: Ke et al. 2022, section 3.3.
    """

    def __init__(self, channels: int, config: EncoderConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(channels, config) for _ in range(config.layers))
        self.conv_fuse = nn.Conv2d(channels + 1, channels, 1)
        self.conv_r1 = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, 1, 1))

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        """Features with the mask's value last (L, C + 1), code (L, C), to probabilities (L,)."""
        x = _per_token(self.conv_fuse, points)[:, None]
        for layer in self.layers:
            x = layer(x, code[:, None])
        logits = _per_token(self.conv_r1[2], F.relu_(_per_token(self.conv_r1[0], x)))
        return logits.flatten().sigmoid()


def position_code(rows: Tensor, columns: Tensor, side: int, channels: int) -> Tensor:
    """Sines and cosines of the place of points on a grid of `side` x `side`: (L, channels), rows first.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.5, on a grid scaled to one turn.
    """
    number = torch.arange(channels // 2, device=rows.device)
    slowness = 10000.0 ** (2 * (number // 2) / (channels // 2))
    angle = 2 * math.pi * torch.arange(1, side + 1, device=rows.device) / (side + 1e-6)
    phase = angle[:, None] / slowness
    code = torch.where(number % 2 == 0, phase.sin(), phase.cos())
    return torch.cat([code[rows], code[columns]], 1)


def _enlarged(masks: Tensor, side: int, corners: bool = False) -> Tensor:
    """Bilinear: (N, n, n) to (N, side, side); `corners` lays corner on corner."""
    return F.interpolate(masks[:, None], (side, side), mode="bilinear", align_corners=corners)[:, 0]


def _repeated(cells: Tensor, times: int) -> Tensor:
    """Each cell of (N, n, n) becomes `times` x `times` cells."""
    return cells.repeat_interleave(times, 1).repeat_interleave(times, 2)


def uncertain_points(uncertainty: Tensor, smooth: bool) -> list[Tensor]:
    """Points to refine on the three grids: bool (N, 28, 28), (N, 56, 56) and (N, 112, 112), of (N, 28, 28).

    Source: Ke et al. 2022, section 3.2; `smooth` widens the finest ones by a cell, as the authors' demo does.
    """
    points = [_repeated(uncertainty >= least, 1 << level) for level, least in enumerate(_UNCERTAIN)]
    if smooth:
        points[2] = F.max_pool2d(points[2][:, None].float(), 3, 1, 1)[:, 0] > 0
    return points


def _smoothed(masks: Tensor) -> Tensor:
    """Binomial blur of (N, n, n) in both directions, zeros outside."""
    kernel = masks.new_tensor(_BINOMIAL) / sum(_BINOMIAL)
    reach = len(_BINOMIAL) // 2
    rows = F.conv2d(masks[:, None], kernel[None, None, :, None], padding=(reach, 0))
    return F.conv2d(rows, kernel[None, None, None], padding=(0, reach))[:, 0]


class MaskPooler(nn.Module):
    """The convolutions that sharpen the finest level for the points."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for _ in range(3):
            steps += [Conv3x3(channels, channels), nn.ReLU()]
        self.conv_norm_relus_semantic = nn.Sequential(*steps, Conv3x3(channels, channels))

    def forward(self, p2: Tensor, boxes: Tensor) -> Tensor:
        """Level p2 (1, C, H, W) with its sharpening added round the boxes (K, 4), K > 0; elsewhere as it was."""
        height, width = p2.shape[-2:]
        x0, y0 = (boxes[:, :2].amin(0) / _STRIDE).floor().int().sub(_MARGIN).clamp(min=0).tolist()
        x1, y1 = (boxes[:, 2:].amax(0) / _STRIDE).ceil().int().add(_MARGIN).tolist()
        rows, columns = slice(y0, min(y1, height)), slice(x0, min(x1, width))
        sharpened = p2.clone()
        sharpened[..., rows, columns] += self.conv_norm_relus_semantic(p2[..., rows, columns])
        return sharpened


class MaskHead(nn.Module):
    """All of the masks' weights; those of `deconv_bo`, `predictor_bo` and `predictor_semantic_s` serve training."""

    def __init__(self, channels: int, classes: int, config: EncoderConfig) -> None:
        super().__init__()
        for index in (1, 2, 3, 4):
            narrowed = channels // 2 if index == 4 else channels
            self.add_module(f"mask_fcn{index}", nn.Conv2d(channels, channels, 3, 1, 1))
            self.add_module(f"mask_fcn_uncertain{index}", nn.Conv2d(channels, narrowed, 3, 1, 1))
        self.deconv = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.deconv_bo = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.predictor = nn.Conv2d(channels, classes, 1)
        self.predictor_bo = nn.Conv2d(channels, 1, 1)
        self.encoder = PointEncoder(channels, config)
        self.deconv_uncertain = nn.ConvTranspose2d(channels // 2, channels // 2, 2, 2)
        self.predictor_uncertain = nn.Conv2d(channels // 2, 1, 1)
        self.predictor_semantic_s = nn.Conv2d(channels, 1, 1)

    def _convolved(self, x: Tensor, name: str) -> Tensor:
        for index in (1, 2, 3, 4):
            x = F.relu_(self.get_submodule(f"{name}{index}")(x))
        return x

    def coarse(self, pooled: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Features (K, C, 14, 14) and classes (K,) to probabilities (K, 28, 28) and features for `uncertainty`."""
        x = self._convolved(pooled, "mask_fcn")
        logits: Tensor = self.predictor(F.relu_(self.deconv(x)))
        return logits[torch.arange(len(classes)), classes].sigmoid(), pooled + x

    def uncertainty(self, features: Tensor) -> Tensor:
        """Where the coarse mask will be wrong: (K, C, 14, 14) to probabilities (K, 28, 28)."""
        x = self._convolved(features, "mask_fcn_uncertain")
        logits: Tensor = self.predictor_uncertain(self.deconv_uncertain(x))
        return logits[:, 0].sigmoid()


class Refiner:
    """Masks of detected boxes, on the weights of `MaskPooler` and `MaskHead`."""

    def __init__(self, pooler: MaskPooler, head: MaskHead, limit: int) -> None:
        self.pooler, self.head, self.limit = pooler, head, limit

    def __call__(self, levels: dict[str, Tensor], boxes: Tensor, classes: Tensor, smooth: bool) -> Tensor:
        """Probabilities of the object in its box, float32 (K, 112, 112); the first `limit` boxes are refined.

        Args:
            levels: {"p2": (1, C, H, W), ...}.
            boxes: float32 (K, 4), pixels of the image.
            classes: int64 (K,).
            smooth: soften the edges, as the authors' demo does.
        """
        maps = [_cells(levels[f"p{level}"]) for level in (2, 3, 4, 5)]
        level = levels_of_boxes(boxes)
        pooled = pyramid_align(maps, boxes, level, COARSE)
        coarse, features = self.head.coarse(pooled.permute(0, 3, 1, 2), classes)
        masks = _enlarged(coarse, _SIDES[2])
        if not len(boxes):
            return masks
        first = slice(0, self.limit)
        maps[0] = _cells(self.pooler(levels["p2"], boxes[first]))
        points = uncertain_points(self.head.uncertainty(features[first]), smooth)
        middle = bool(points[1].any())  # of all refined instances: the one point where they meet
        for index in range(len(points[0])):
            own = [grid[index] for grid in points]
            fine = self._fine(maps, boxes[index, None], level[index, None], own)
            refined = self._probabilities(pooled[index], fine, coarse[index, None], own)
            masks[index] = _composed(coarse[index, None], own, refined, middle)
        if smooth:
            masks[first] = _smoothed(masks[first])
        return masks

    @staticmethod
    def _fine(maps: list[Tensor], box: Tensor, level: Tensor, points: list[Tensor]) -> list[Tensor]:
        """Features (L, C) of the points of each grid, each grid a level finer than the one before."""
        finer = [(level - step).clamp(min=2) for step in (1, 2, 3)]
        grids = (pyramid_align(maps, box, own, side)[0] for own, side in zip(finer, _SIDES, strict=True))
        return [grid[chosen] for grid, chosen in zip(grids, points, strict=True)]

    def _probabilities(
        self, pooled: Tensor, fine: list[Tensor], coarse: Tensor, points: list[Tensor]
    ) -> tuple[Tensor, ...]:
        """What the transformer says at the points of each grid."""
        whole = torch.ones_like(pooled[..., 0], dtype=torch.bool)
        features, codes = [], []
        for values, chosen in zip([pooled.flatten(0, 1), *fine], [whole, *points], strict=True):
            side = chosen.shape[-1]
            features.append(torch.cat([values, _enlarged(coarse, side)[0][chosen][:, None]], 1))
            rows, columns = chosen.nonzero(as_tuple=True)
            codes.append(position_code(rows, columns, side, values.shape[1]).to(values))
        said = self.head.encoder(torch.cat(features), torch.cat(codes))
        return torch.split(said, [len(part) for part in features])[1:]


def _composed(mask: Tensor, points: Iterable[Tensor], refined: Iterable[Tensor], middle: bool) -> Tensor:
    """Write the refined points into the coarse mask (1, 28, 28), grid by grid; without `middle` the second is left out.

    Source: Ke et al. 2022, section 3.3, "Sequence-to-mask".
    """
    for side, chosen, values in zip(_SIDES, points, refined, strict=True):
        if side == _SIDES[1] and not middle:
            continue
        mask = _enlarged(mask, side, corners=True) if side != mask.shape[-1] else mask.clone()
        mask[0, chosen] = values
    return mask[0]


def _cells(level: Tensor) -> Tensor:
    """A level (1, C, H, W) as (H, W, C), contiguous."""
    return level[0].permute(1, 2, 0).contiguous()

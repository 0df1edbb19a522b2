"""Refinement of LaMa's fills from coarse to fine, for holes larger than the network is used to.

Source: Kulshreshtha et al. 2022, Feature Refinement to Improve High Resolution Image Inpainting, arXiv 2206.13644.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from vidremove.nets.lama import SMALLEST, Lama, pad_to_multiple

_STEPS = 15
_RATE = 0.002
_SCALES = 3  # at most
_FRONT = 5  # layers before the residual blocks
_BORDER = 3  # pixels at a hole's edge that do not guide the next scale


def refine(network: Lama, image: Tensor, mask: Tensor, side: int) -> Tensor:
    """Fill at a size the network knows, then at twice that, held to the fill before, and so on.

    Args:
        network: with frozen statistics (`eval`).
        image: (B, 3, H, W), RGB in 0..1; H and W multiples of 8.
        mask: (B, 1, H, W), 0 or 1 = fill.
        side: pixels that the shorter side has, at most, at the first scale; fewer if `_SCALES` do not suffice.
    Returns: (B, 3, H, W), RGB in 0..1, known pixels as in `image`.
    Source: arXiv 2206.13644, section 3.
    """
    halvings = 0
    while halvings < _SCALES - 1 and min(image.shape[2:]) >> halvings > side:
        halvings += 1
    guide: Tensor | None = None
    for level in range(halvings, -1, -1):
        small, hole = _shrink(image, mask, 2**level)
        height, width = small.shape[2:]
        padded, known = pad_to_multiple(small), 1 - pad_to_multiple(hole)
        x = torch.cat([padded * known, 1 - known], dim=1)
        with torch.no_grad():
            features = network.model[:_FRONT](x)
        if guide is not None:
            features = _adapt(network, features, (small, hole), guide)
        with torch.no_grad():
            predicted = network.model[_FRONT:](features)[..., :height, :width]
        guide = torch.where(hole > 0, predicted, small)
    if guide is None:
        raise ValueError("there is no scale to fill at")
    return guide


def _shrink(image: Tensor, mask: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Average of the known pixels; hole where any pixel is."""
    if factor == 1:
        return image, mask
    size = (max(SMALLEST, image.shape[2] // factor), max(SMALLEST, image.shape[3] // factor))
    share = F.adaptive_avg_pool2d(1 - mask, size)
    known = F.adaptive_avg_pool2d(image * (1 - mask), size) / share.clamp(min=1e-6)
    return known, (share < 1).to(image.dtype)


def _adapt(
    network: Lama, features: tuple[Tensor, Tensor], pair: tuple[Tensor, Tensor], guide: Tensor
) -> tuple[Tensor, Tensor]:
    """Change the features until their picture, made smaller, is the guide inside the hole."""
    small, hole = pair
    height, width = small.shape[2:]
    coarse = (guide.shape[2], guide.shape[3])
    inside = 1 - F.max_pool2d(1 - F.adaptive_max_pool2d(hole, coarse), 2 * _BORDER + 1, 1, _BORDER)
    with torch.enable_grad():
        leaves = [part.detach().float().requires_grad_() for part in features]
        optimizer = torch.optim.Adam(leaves, lr=_RATE)
        for _ in range(_STEPS):
            local, global_ = (leaf.to(guide.dtype) for leaf in leaves)
            predicted = network.model[_FRONT:]((local, global_))[..., :height, :width]
            predicted = torch.where(hole > 0, predicted, small)
            error = (F.adaptive_avg_pool2d(predicted, coarse) - guide).abs() * inside
            loss = error.sum() / (inside.sum() * 3).clamp(min=1)
            for leaf, gradient in zip(leaves, torch.autograd.grad(loss, leaves), strict=True):
                leaf.grad = gradient
            optimizer.step()
    local, global_ = (leaf.detach().to(guide.dtype) for leaf in leaves)
    return local, global_

"""Inpainting with LaMa."""

import math

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from vidremove.inpainters.batches import run_in_batches
from vidremove.inpainters.crops import fill_on_crops
from vidremove.inpainters.refine import refine
from vidremove.nets.lama import MULTIPLE, SMALLEST, build
from vidremove.nets.lama import Lama as Network
from vidremove.nets.lama_fused import FusedLama
from vidremove.tensors import pick_device, pick_precision
from vidremove.weights import load_into, path

_LEAST_MARGIN = 56  # pixels of surroundings that the network is shown at least, on every side
_BATCH_AREA = {"cpu": 512 * 512, "cuda": 8 * 512 * 512}  # pixels at once; one image in any case


class Lama:
    """Suvorov et al. 2022, LaMa: continues structure and texture into large holes; knows no objects.

    It sees a crop round the hole, at the frames' own resolution.
    """

    multiple = 1  # sides of the images may be anything

    def __init__(
        self,
        weights: str = "lama",
        device: str = "auto",
        precision: str = "float32",
        network: Network | None = None,
        context: float = 0.38,
        refine_above: int = 0,
    ) -> None:
        """Take published weights by name, or a network that is ready.

        Args:
            weights: a name of `vidremove weights list`.
            device: "auto", "cpu", "cuda", "mps".
            precision: "float32", "bfloat16", "float16".
            network: instead of `weights`.
            context: surroundings shown on every side, as a share of the mean of the hole's sides (geometric); the
                time grows with the square of the whole.
            refine_above: pixels; crops whose shorter side is longer are refined from coarse to fine, which is sharper
                in large holes and takes some fifty times as long. 0: never.
        Raises: PluginError if the weights are not here.
        """
        if network is None:
            path(weights)  # says how to get them, before anything large is built
            network = build()
            load_into(network, weights)
        self._device, self._precision = pick_device(device), pick_precision(precision)
        self._fused = FusedLama(network).to(self._device, self._precision)
        self._network = network.to(self._device, self._precision).eval() if refine_above else network.eval()
        self._context, self._refine_above = context, refine_above

    def __call__(self, images: np.ndarray, holes: np.ndarray, banned: np.ndarray | None = None) -> np.ndarray:
        """Fill the holes.

        Args:
            images: uint8 (T, H, W, 3), RGB; what stands in the holes is not read.
            holes: bool (T, H, W), True = fill.
            banned: bool (T, H, W), True = not to be continued either (other objects); shown to the network as hole.
        Returns: uint8 (T, H, W, 3), equal to `images` to the bit outside the holes.
        Raises: ShapeError if the shapes do not belong together.
        """
        return fill_on_crops(images, holes, banned, self._crop_sides, self._complete)

    def _crop_sides(self, height: int, width: int) -> tuple[int, int]:
        """Multiples of 8 whose eighths are quick to transform."""
        margin = max(round(self._context * math.sqrt(height * width)), _LEAST_MARGIN)
        rows, columns = (MULTIPLE * next_fast_len(-(-(side + 2 * margin) // MULTIPLE)) for side in (height, width))
        return rows, columns

    def _complete(self, crops: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """As `crops.Complete`. Rounds, where the reference truncates, so that fills are not half a level too dark."""
        height, width = crops.shape[1:3]
        grow = [(0, 0), *((0, max(SMALLEST, -(-side // MULTIPLE) * MULTIPLE) - side) for side in (height, width))]
        pixels = torch.from_numpy(np.pad(crops, [*grow, (0, 0)], mode="symmetric")).permute(0, 3, 1, 2)
        hole = torch.from_numpy(np.pad(masks, grow, mode="symmetric")[:, None])
        area = _BATCH_AREA.get(self._device.type, _BATCH_AREA["cpu"])
        size = max(1, area // (hole.shape[2] * hole.shape[3]))
        levels = run_in_batches(self._predict, (pixels, hole), size)[..., :height, :width]
        return np.ascontiguousarray(levels.permute(0, 2, 3, 1).numpy())

    def _predict(self, pixels: Tensor, hole: Tensor) -> Tensor:
        """Grey levels uint8 (n, 3, h, w) and bool (n, 1, h, w) to grey levels."""
        image = pixels.to(self._device, self._precision) / 255
        mask = hole.to(self._device, self._precision)
        if self._refine_above and min(image.shape[2:]) > self._refine_above:
            filled = refine(self._network, image, mask, self._refine_above)
        else:
            with torch.inference_mode():
                filled = self._fused(torch.cat([image * (1 - mask), mask], dim=1))
        return (filled.float() * 255).round().clamp(0, 255).to(torch.uint8)

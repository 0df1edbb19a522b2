"""Inpainting with MAT."""

import cv2
import numpy as np
import torch
from torch import Tensor

from vidremove.inpainters.batches import run_in_batches
from vidremove.inpainters.crops import fill_on_crops
from vidremove.nets.mat import Mat as Network
from vidremove.nets.mat import MatConfig
from vidremove.nets.stylegan import NoiseMode
from vidremove.tensors import pick_device, pick_precision
from vidremove.weights import load, load_into

_BATCH = {"cpu": 1, "cuda": 8}  # images at once


class Mat:
    """Li et al. 2022, MAT: makes up content for large holes; the weights are not for commercial use.

    It sees a square with as much round the hole on every side as half its size. Squares of up to the trained size
    (512) are taken as they are, larger ones are made smaller and the result larger again.
    """

    multiple = 1  # sides of the images may be anything

    def __init__(
        self,
        weights: str = "mat",
        device: str = "auto",
        precision: str = "float32",
        network: Network | None = None,
        seed: int = 0,
    ) -> None:
        """Take published weights by name, or a network that is ready.

        Args:
            weights: a name of `vidremove weights list`.
            device: "auto", "cpu", "cuda", "mps".
            precision: "float32", "bfloat16", "float16".
            network: instead of `weights`.
            seed: of the noise that chooses among possible fills; one for all frames, so that nothing flickers.
        Raises: PluginError if the weights are not here.
        """
        if network is None:
            tensors = load(weights)
            network = Network(MatConfig(noise=any(key.endswith(".noise_const") for key in tensors)))
            load_into(network, weights)
        self._device, self._precision = pick_device(device), pick_precision(precision)
        self._network = network.to(self._device, self._precision).eval()
        self._side = network.config.resolution
        drawn = network.draw(1, (self._side, self._side), torch.Generator().manual_seed(seed))
        self._z, self._mix1, self._mix2 = (each.to(self._device, self._precision) for each in drawn)
        self._noise: NoiseMode = "const" if network.config.noise else "none"

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
        side = max(2 * max(height, width), self._side)
        return side, side

    def _complete(self, crops: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """As `crops.Complete`."""
        fitted = [self._fit(crop, mask) for crop, mask in zip(crops, masks, strict=True)]
        pixels = torch.from_numpy(np.stack([image for image, _ in fitted])).permute(0, 3, 1, 2)
        hole = torch.from_numpy(np.stack([mask for _, mask in fitted])[:, None])
        size = _BATCH.get(self._device.type, _BATCH["cpu"])
        levels = run_in_batches(self._predict, (pixels, hole), size).permute(0, 2, 3, 1).numpy()
        return np.stack([self._unfit(made, crops.shape[1:3]) for made in levels])

    def _fit(self, crop: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bring a crop to the trained size: make it smaller if a side is longer, then mirror it to a square."""
        height, width = mask.shape
        scale = self._scale((height, width))
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            covered = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            sums = cv2.resize(crop.astype(np.float32), size, interpolation=cv2.INTER_AREA)  # holes are 0 in it
            known = sums / np.maximum(1 - covered, 1e-3)[..., None]
            crop, mask = np.rint(np.clip(known, 0, 255)).astype(np.uint8), covered > 0
        grow = [(0, self._side - side) for side in mask.shape]
        return np.pad(crop, [*grow, (0, 0)], mode="symmetric"), np.pad(mask, grow, mode="symmetric")

    def _unfit(self, made: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Undo `_fit`."""
        scale = self._scale(size)
        height, width = (max(1, round(side * scale)) for side in size)
        part = made[:height, :width]
        return part if scale == 1 else cv2.resize(part, size[::-1], interpolation=cv2.INTER_CUBIC)

    def _scale(self, size: tuple[int, int]) -> float:
        return min(1.0, self._side / max(size))

    def _predict(self, pixels: Tensor, hole: Tensor) -> Tensor:
        """Grey levels uint8 (n, 3, s, s) and bool (n, 1, s, s) to grey levels."""
        image = pixels.to(self._device, self._precision) / 127.5 - 1
        known = 1 - hole.to(self._device, self._precision)
        count = len(image)
        z, mix1, mix2 = (each.expand(count, *each.shape[1:]) for each in (self._z, self._mix1, self._mix2))
        with torch.inference_mode():
            filled: Tensor = self._network(image, known, z, mix1=mix1, mix2=mix2, noise_mode=self._noise)
        return (filled.float() * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)

"""What plug-ins with a network share: the device, the number format, images as tensors."""

import numpy as np
import torch
from torch import Tensor

from vidremove.errors import PluginError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str = "auto") -> torch.device:
    """The device by name; "auto" is CUDA, else Apple's MPS, else the CPU.

    Raises: PluginError if there is no such device here.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present.get(name.partition(":")[0], False):
        here = ", ".join(kind for kind, there in present.items() if there)
        raise PluginError(f"device {name!r} is not here. Present: {here}.")
    return torch.device(name)


def pick_precision(name: str) -> torch.dtype:
    """The number format by name.

    Raises: PluginError for a name that is not in `PRECISIONS`.
    """
    if name not in PRECISIONS:
        raise PluginError(f"unknown precision {name!r}. Known: {', '.join(PRECISIONS)}.")
    return PRECISIONS[name]


def to_tensor(image: np.ndarray) -> Tensor:
    """A copy of an image, uint8 (H, W, 3), as a tensor of the same shape on the CPU."""
    return torch.from_numpy(image.copy())

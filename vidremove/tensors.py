"""What plug-ins with a network share: the device, the number format, the weights, images as tensors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vidremove.checkpoints import read_checkpoint
from vidremove.errors import PluginError

Weights = str | Path | Mapping[str, Tensor]
"""A checkpoint on disk, or its tensors under dotted names."""

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


def read_weights(weights: Weights) -> dict[str, Tensor]:
    """Tensors under dotted names; a file is read without running anything in it.

    Raises: InputError if the file cannot be read.
    """
    return read_checkpoint(Path(weights)) if isinstance(weights, str | Path) else dict(weights)


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Fill the network; every entry must be there, none may be over.

    Raises: PluginError naming the first entries that differ.
    """
    own = network.state_dict()
    wrong = [f"{key} is missing" for key in own.keys() - tensors.keys()]
    wrong += [f"{key} is not known" for key in tensors.keys() - own.keys()]
    for key in own.keys() & tensors.keys():
        found, needed = tuple(tensors[key].shape), tuple(own[key].shape)
        if found != needed:
            wrong.append(f"{key} is {found}, needed {needed}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise PluginError(f"{name}: these are not its weights: {'; '.join(sorted(wrong)[:3])}{more}.")
    network.load_state_dict(dict(tensors), strict=True)


def to_tensor(image: np.ndarray) -> Tensor:
    """A copy of an image, uint8 (H, W, 3), as a tensor of the same shape on the CPU."""
    return torch.from_numpy(image.copy())

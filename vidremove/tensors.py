"""What plug-ins with a network share: the device, the number format, images as tensors."""

import logging

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vidremove.errors import PluginError

_log = logging.getLogger(__name__)
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str = "auto") -> torch.device:
    """The device by name; "auto" is CUDA, else Apple's MPS, else the CPU.

    Where MPS lacks an operation of the networks, which depends on the versions of macOS and PyTorch, it is the CPU,
    with a warning.

    Raises: PluginError if there is no such device here.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if present[kind])
    if not present.get(name.partition(":")[0], False):
        here = ", ".join(kind for kind, there in present.items() if there)
        raise PluginError(f"device {name!r} is not here. Present: {here}.")
    device = torch.device(name)
    if device.type == "mps" and (missing := _missing_on(device)):
        _log.warning("the networks run on the CPU: MPS cannot do all they need (%s)", missing)
        return torch.device("cpu")
    return device


def _missing_on(device: torch.device) -> str:
    """What the device says when asked for the rarer operations of the networks; "" if it can do them."""
    try:
        image = torch.ones(1, 2, 8, 8, device=device)
        spectrum = torch.view_as_real(torch.fft.rfft2(image, dim=(1, 2), norm="ortho"))
        torch.fft.irfft(torch.fft.ifft(torch.view_as_complex(spectrum), dim=1), n=8, dim=2)
        F.grid_sample(image, torch.zeros(1, 4, 4, 2, device=device), align_corners=False).cpu()
        F.interpolate(image, (4, 4), mode="bilinear", antialias=True).cpu()
    except (RuntimeError, TypeError) as error:  # NotImplementedError is a RuntimeError
        return str(error).splitlines()[0]
    return ""


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

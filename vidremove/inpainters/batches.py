"""Runs a network over many images, as many at once as the memory holds."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from vidremove.errors import PluginError

_log = logging.getLogger(__name__)


def run_in_batches(run: Callable[..., Tensor], inputs: tuple[Tensor, ...], size: int) -> Tensor:
    """Apply `run` to slices of the inputs; when the device runs out of memory, go on with half as many at once.

    Args:
        run: slices (n, ...) of every input to an output (n, ...).
        inputs: (N, ...) each.
        size: images at once, at most.
    Returns: the outputs, (N, ...), on the CPU.
    Raises: PluginError if a single image does not fit.
    """
    outputs, start, total = [], 0, len(inputs[0])
    while start < total:
        try:
            outputs.append(run(*(each[start : start + size] for each in inputs)).cpu())
            start += size
        except torch.OutOfMemoryError as error:
            if size == 1:
                shape = "x".join(str(side) for side in inputs[0].shape[:1:-1])
                raise PluginError(
                    f"an image of {shape} pixels is too large for the memory of the device. "
                    "Give --device cpu, or half the numbers: --precision bfloat16."
                ) from error
            size //= 2
            torch.cuda.empty_cache()
            _log.warning("out of memory on the device, going on with %d images at once", size)
    return torch.cat(outputs)

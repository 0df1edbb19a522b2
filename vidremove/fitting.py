"""Finds a network's entries in a checkpoint, whatever stands before their keys, and holds them against the network."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from vidremove.errors import InputError
from vidremove.published import Part, Published


def select(published: Published, tensors: Mapping[str, Tensor], file: Path) -> dict[str, Tensor]:
    """The network's entries among all that a file holds, by their published keys.

    Args:
        published: what the file should hold.
        tensors: as `read_checkpoint` returns them.
        file: for messages.
    Raises: InputError if an entry is missing, unknown or of another shape.
    """
    found: dict[str, Tensor] = {}
    for part in published.parts:
        prefix = _prefix(part, tensors)
        if prefix is not None:
            inside = ((key.removeprefix(prefix), value) for key, value in tensors.items() if key.startswith(prefix))
            found.update({part.target + key: value for key, value in inside})
    module, _, factory = published.network.partition(":")
    with torch.device("meta"):
        network = getattr(import_module(module), factory)(*filter(None, [published.variant]))
    found = {key: value for key, value in found.items() if not _matches(key, published.ignored)}
    require(published, found, network.state_dict(), file)
    return found


def _prefix(part: Part, tensors: Iterable[str]) -> str | None:
    """What stands before the part's keys; an averaged network ("ema") is preferred to the trained one."""
    found = [key.removesuffix(part.anchor) for key in tensors if key == part.anchor or key.endswith(f".{part.anchor}")]
    return min(found, key=lambda prefix: ("ema" not in prefix.lower(), len(prefix)), default=None)


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def require(published: Published, found: Mapping[str, Tensor], own: Mapping[str, Tensor], file: Path) -> None:
    """Hold entries against those of a network, `own`; only what `published` calls optional may be missing.

    Raises: InputError, naming the first entry that is missing, unknown or of another shape.
    """
    missing = [key for key in own if key not in found and not _matches(key, published.optional)]
    extra = [key for key in found if key not in own]
    wrong = [key for key in found if key in own and found[key].shape != own[key].shape]
    for keys, word in ((missing, "lacks"), (extra, "has unknown"), (wrong, "has other shapes for")):
        if keys:
            some = f"{keys[0]!r}" + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")
            raise InputError(f"{file}: does not hold the weights {published.name!r}: it {word} {some}.")

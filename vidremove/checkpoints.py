"""Reads the tensors out of published checkpoints without running anything a file says.

Read are: safetensors; archives of `torch.save` and of TorchScript (whose code is not looked at); the older container
of `torch.save`; bare pickles, as StyleGAN and its descendants write them; and a zip file that holds one of these.
Source of the formats: PyTorch's notes on serialization, and its `torch/csrc/jit/docs/serialization.md`.
"""

import io
import json
import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from torch import Tensor

from vidremove.errors import InputError
from vidremove.pickles import LEGACY_MAGIC, MAX_OPCODES, Block, Husk, element_type, from_bytes, read_legacy, unpickle

_MAX_ARCHIVE_PICKLE = 16 << 20  # bytes; the tensors lie outside it
_DEEPEST = 100  # containers within each other; the deepest published network has about 40
_SUFFIXES = (".ckpt", ".pkl", ".pt", ".pth", ".safetensors")
_LARGEST_RATIO = 20  # of a packed checkpoint to its archive; weights hardly shrink
_TRANSPARENT = frozenset({"_parameters", "_buffers", "_modules"})  # how a pickled module keeps its parts


def _read_archive(archive: zipfile.ZipFile, pickled: zipfile.ZipInfo, length: int) -> Any:
    """An archive of `torch.save` or TorchScript: `<root>/data.pkl` and a file `<root>/data/<key>` a storage."""
    root = pickled.filename.removesuffix("data.pkl")
    names = archive.NameToInfo
    if f"{root}byteorder" in names:
        _check_packing(names[f"{root}byteorder"])
        with archive.open(f"{root}byteorder") as order:
            if order.read(8) != b"little":
                raise pickle.UnpicklingError("was written on a big-endian machine")
    if pickled.file_size > _MAX_ARCHIVE_PICKLE:
        raise pickle.UnpicklingError("has an index of implausible size")
    storages: dict[str, Tensor] = {}
    left = length

    def fetch(pid: tuple[Any, ...]) -> Block:
        nonlocal left
        dtype, key = element_type(pid, 5), str(pid[2])
        if key not in storages:
            left -= pid[4] * dtype.itemsize
            if left < 0:
                raise pickle.UnpicklingError("storages are larger than the file")
            info = names.get(f"{root}data/{key}")
            if info is None or info.compress_type != zipfile.ZIP_STORED or info.file_size < pid[4] * dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} is missing, compressed or too short")
            storages[key] = from_bytes(archive.read(info), dtype, pid[4])
        return Block(storages[key].view(dtype))

    _check_packing(pickled)
    with archive.open(pickled) as file:
        data = file.read(_MAX_ARCHIVE_PICKLE + 1)  # whatever size the archive says it has
    if len(data) > _MAX_ARCHIVE_PICKLE:
        raise pickle.UnpicklingError("has an index of implausible size")
    return unpickle(io.BytesIO(data), fetch, 0)


def _check_packing(info: zipfile.ZipInfo) -> None:
    """Refuse what zipfile cannot unpack piece by piece."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise pickle.UnpicklingError("is packed in a way that no checkpoint is")


def _no_storage(pid: tuple[Any, ...]) -> Any:
    raise pickle.UnpicklingError("refers to a storage outside the file")


def _read_bare(file: IO[bytes], length: int) -> Any:
    """A pickle from beginning to end, or the older container, which begins with a pickled number."""
    first = unpickle(file, _no_storage, length)
    if first != LEGACY_MAGIC:
        return first
    file.seek(0)
    return read_legacy(file, length)


def _read_zip(path: Path, *, inner: bool) -> dict[str, Tensor]:
    """A checkpoint that is an archive, or, unless `inner`, an archive that contains a checkpoint."""
    with zipfile.ZipFile(path) as archive:
        parts = [(info, info.filename.split("/")) for info in archive.infolist()]
        pickled = [info for info, names in parts if len(names) <= 2 and names[-1] == "data.pkl"]
        if len(pickled) == 1:
            return flatten(_read_archive(archive, pickled[0], path.stat().st_size))
        packed = [info for info, names in parts if names[-1].endswith(_SUFFIXES)]
        if len(packed) != 1 or pickled or inner:
            raise pickle.UnpicklingError("holds no checkpoint, or several")
        if packed[0].file_size > _LARGEST_RATIO * path.stat().st_size:
            raise pickle.UnpicklingError("holds a file of implausible size")
        _check_packing(packed[0])
        with tempfile.TemporaryDirectory() as folder, archive.open(packed[0]) as source:
            unpacked = Path(folder) / "checkpoint"
            with unpacked.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            return _read(unpacked, inner=True)


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Husk):
        yield from _children(value.items)
        yield from _children(value.state)
    elif isinstance(value, dict):
        yield from ((key, part) for key, part in dict.items(value) if isinstance(key, str))
    elif isinstance(value, (list, tuple)):
        yield from ((str(index), part) for index, part in enumerate(value))


def flatten(value: Any) -> dict[str, Tensor]:
    """All tensors of nested containers under their joined names: `{"a": {"b": t}}` becomes `{"a.b": t}`.

    A tensor that stands at several places gets several names. How a pickled module keeps its parts does not show.

    Raises: InputError for containers without end.
    """
    found: dict[str, Tensor] = {}
    pending: list[tuple[Any, tuple[str, ...], int]] = [(value, (), 0)]
    visits = 0
    while pending:
        part, names, depth = pending.pop()
        visits += 1
        if visits > MAX_OPCODES or depth > _DEEPEST:
            raise InputError("its containers hold each other without end.")
        if isinstance(part, Block):
            found[".".join(names)] = part.tensor
            continue
        for name, child in _children(part):
            pending.append((child, names if name in _TRANSPARENT else (*names, name), depth + 1))
    return dict(reversed(found.items()))


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """All tensors of a file, on the CPU, under dotted names that begin with what encloses them in the file.

    Raises: InputError if the file cannot be read, is cut short, or is no checkpoint of a known format. Nothing in it
        is executed in any case.
    """
    try:
        return _read(path, inner=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{path}: needs more memory than there is.") from error
    except Exception as error:  # whatever a malformed pickle makes the interpreter say
        raise InputError(f"{path}: is not a checkpoint that can be read safely ({error}).") from error


def _read(path: Path, *, inner: bool) -> dict[str, Tensor]:
    with path.open("rb") as file:
        head = file.read(9)
        if head[:2] == b"PK":
            return _read_zip(path, inner=inner)
        if head[8:] == b"{":
            return _read_safetensors(path)
        file.seek(0)
        return flatten(_read_bare(file, path.stat().st_size))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def read_metadata(path: Path) -> dict[str, str]:
    """The words a safetensors file carries beside its tensors; empty if it has none.

    Raises: InputError if the file is no safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MAX_ARCHIVE_PICKLE:
                raise ValueError("header of implausible size")
            header = json.loads(file.read(length))
            return {str(key): str(value) for key, value in header.get("__metadata__", {}).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: is not a safetensors file ({error}).") from error

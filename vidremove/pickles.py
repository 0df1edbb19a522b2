"""A pickle is a program: it names functions and calls them. Here it gets to name ours only.

Containers and tensors are rebuilt, everything else becomes a `Husk`, which takes any arguments and does nothing.
Nothing that a file names is imported, nothing in it is executed. Storages and texts cannot take more memory than the
file is long; what else it builds is bounded by `MAX_OPCODES` and `_DEEPEST`.
Source: Python's documentation of pickle, "Restricting globals"; PyTorch's notes on serialization for the containers.
"""

import io
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any

import torch
from torch import Tensor

Fetch = Callable[[tuple[Any, ...]], Any]
"""A pickle's reference to something outside it, to what it stands for: the `Block` of a storage."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
MAX_OPCODES = 5_000_000  # a generator of a thousand entries takes about 100,000
_DEEPEST = 500  # tuples within each other; the interpreter's hash of a tuple recurses without a limit
_TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}
_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Husk:
    """Stands for an object of any class that is not ours: keeps what it is given and does nothing."""

    state: Any
    items: dict[Any, Any]

    def __new__(cls, *_args: Any, **_options: Any) -> "Husk":
        husk = super().__new__(cls)
        husk.state, husk.items = None, {}
        return husk

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, _item: Any) -> None:
        """Take what a list would be given."""

    def extend(self, _items: Any) -> None:
        """Take what a list would be given."""

    def add(self, _item: Any) -> None:
        """Take what a set would be given."""


class _Sealed:
    """What a pickle may pass on but neither alter nor look into."""

    __slots__ = ()

    def __setstate__(self, _state: Any) -> None:
        raise pickle.UnpicklingError("sets the state of something that is not an object of its own")


class _Function(_Sealed):
    """One of our functions, as a pickle may call it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)


class _StorageType(_Sealed):
    """The class of a storage, of which only the element type matters."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


class Block(_Sealed):
    """A tensor, or a storage as a tensor of one dimension."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class _Unpickler(pickle.Unpickler):
    """Finds our names only."""

    def __init__(self, file: IO[bytes], fetch: Fetch, budget: int, text: int) -> None:
        super().__init__(file)
        self._fetch, self._budget, self._text = fetch, budget, text

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in ("torch", "torch.cuda", "torch.storage") and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
            ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): _first,
            ("torch.storage", "_load_from_bytes"): self._load_nested,
            ("_codecs", "encode"): self._encode,
            ("torch_utils.persistence", "_reconstruct_persistent_obj"): _rebuild_persistent,
        }
        function = known.get((module, name))
        return Husk if function is None else _Function(function)

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or not pid:
            raise pickle.UnpicklingError("refers to something that is not a storage")
        return self._fetch(pid)

    def _load_nested(self, data: Any) -> Any:
        if not isinstance(data, bytes):
            raise pickle.UnpicklingError("a nested storage is not bytes")
        self._budget -= len(data)
        if self._budget < 0:
            raise pickle.UnpicklingError("nested storages are larger than the file")
        return read_legacy(io.BytesIO(data), len(data))

    def _encode(self, text: Any = None, *_rest: Any) -> bytes:
        """Bytes as they are written below protocol 3."""
        if not isinstance(text, str):
            raise pickle.UnpicklingError("encodes something that is not text")
        self._text -= len(text)
        if self._text < 0:
            raise pickle.UnpicklingError("encodes more text than it holds")
        return text.encode("latin1")


def _first(value: Any = None, *_rest: Any) -> Any:
    return value


def _rebuild_persistent(meta: Any = None, *_rest: Any) -> Husk:
    """What StyleGAN's loader would execute source text for: the state alone."""
    husk = Husk()
    parts = meta.items if isinstance(meta, Husk) else meta
    husk.state = parts.get("state") if isinstance(parts, dict) else None
    return husk


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_rest: Any) -> Block:
    """A view of the storage; one that reaches outside it or repeats its elements is refused."""
    fits = isinstance(storage, Block) and storage.tensor.ndim == 1 and _is_whole(offset)
    fits = fits and isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride)
    if not fits or not all(map(_is_whole, (*size, *stride))):
        raise pickle.UnpicklingError("a tensor is described by something else than a storage and whole numbers")
    elements = storage.tensor
    count, last = 1, offset
    for length, step in zip(size, stride, strict=True):
        count *= length
        last += (length - 1) * step
    if not count:
        return Block(elements.new_empty(size))
    if last >= elements.numel() or count > elements.numel():
        raise pickle.UnpicklingError("a tensor reaches outside its storage")
    return Block(elements.as_strided(size, stride, offset))


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


class _Depths:
    """How deep tuples lie within each other, at most, in everything on a pickle's stack; runs none of it."""

    def __init__(self) -> None:
        self._stack: list[int] = []  # -1: a mark
        self._memo: dict[int, int] = {}

    def follow(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Take the next step of a pickle. Raises: pickle.UnpicklingError where they lie too deep."""
        stack, name = self._stack, opcode.name
        if name == "MEMOIZE" or "PUT" in name:
            self._memo[len(self._memo) if name == "MEMOIZE" else int(argument)] = stack[-1] if stack else 0
            return
        if "GET" in name:
            stack.append(self._memo.get(int(argument), 0))
            return
        before = opcode.stack_before
        taken: list[int] = []
        if pickletools.markobject in before:
            while stack and (depth := stack.pop()) >= 0:
                taken.append(depth)
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            taken.append(stack.pop() if stack else 0)
        depth = max(taken, default=0) + (name in _TUPLES)
        if depth > _DEEPEST:
            raise pickle.UnpicklingError("holds tuples within each other without end")
        for kind in opcode.stack_after:
            stack.append(-1 if kind is pickletools.markobject else max(depth, 0))


def unpickle(file: IO[bytes], fetch: Fetch, budget: int) -> Any:
    """Read one pickle from the file's position on and leave the position behind it.

    Args:
        file: seekable.
        fetch: what the pickle's references stand for.
        budget: bytes of nested storages that may be read.
    Raises: pickle.UnpicklingError, or whatever else a malformed pickle makes the interpreter raise.
    """
    start = file.tell()
    depths = _Depths()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        # a made-up memo index would make the unpickler allocate a list of that length
        if count > MAX_OPCODES or ("PUT" in opcode.name and int(argument or 0) > count):
            raise pickle.UnpicklingError("is not a pickle that a training program writes")
        depths.follow(opcode, argument)
    end = file.tell()
    file.seek(start)
    value = _Unpickler(file, fetch, budget, end - start).load()
    file.seek(end)
    return value


def element_type(pid: tuple[Any, ...], fields: int) -> torch.dtype:
    """Check a persistent id ("storage", type, key, location, elements, ...) of at least `fields` parts."""
    if len(pid) < fields or pid[0] != "storage" or not isinstance(pid[1], _StorageType) or not _is_whole(pid[4]):
        raise pickle.UnpicklingError("refers to something that is not a storage")
    return pid[1].dtype


def read_legacy(file: IO[bytes], length: int) -> Any:
    """The container of `torch.save` before 1.6: three pickles of preamble, the object, storage keys, storages."""
    storages: dict[str, Tensor] = {}
    allocated = 0

    def fetch(pid: tuple[Any, ...]) -> Any:
        nonlocal allocated
        if pid[0] == "module" and len(pid) > 1:
            return pid[1]
        dtype, key = element_type(pid, 6), str(pid[2])
        if key not in storages:
            allocated += pid[4] * dtype.itemsize
            if allocated > length:
                raise pickle.UnpicklingError("storages are larger than the file")
            storages[key] = torch.zeros(pid[4], dtype=dtype)
        storage = Block(storages[key])
        if pid[5] is None:
            return storage
        _, offset, size = pid[5]
        return rebuild_tensor(storage, offset, (size,), (1,))

    if unpickle(file, fetch, 0) != LEGACY_MAGIC:
        raise pickle.UnpicklingError("is not a checkpoint")
    unpickle(file, fetch, 0)  # version of the protocol
    info = unpickle(file, fetch, 0)
    if isinstance(info, dict) and info.get("little_endian") is False:
        raise pickle.UnpicklingError("was written on a big-endian machine")
    value = unpickle(file, fetch, 0)
    for key in unpickle(file, fetch, 0):
        storage = storages[str(key)]
        if int.from_bytes(file.read(8), "little") != storage.numel():
            raise pickle.UnpicklingError(f"storage {key} has another length than announced")
        data = file.read(storage.numel() * storage.element_size())
        storage.copy_(from_bytes(data, storage.dtype, storage.numel()))
    return value


def from_bytes(data: bytes, dtype: torch.dtype, count: int) -> Tensor:
    """The first `count` elements of little-endian bytes, shape (count,); raises UnpicklingError if there are fewer."""
    if len(data) < count * dtype.itemsize:
        raise pickle.UnpicklingError("ends in the middle of a storage")
    if not count:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype, count=count)

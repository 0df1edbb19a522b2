"""MaskStore: the masks of a clip on disk, packed and compressed, with random access and a confidence each."""

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import numpy as np

from vidremove.closing import Closing
from vidremove.errors import InputError, OutputError, ShapeError
from vidremove.images import LARGEST_PIXELS, Box, bounding_box

_MAGIC = b"VRMASK01"
_HEADER = struct.Struct("<8sIII")  # magic, frames, height, width
_RECORD = struct.Struct("<QIHHHHfI")  # offset, bytes, y0, y1, x0, x1, confidence, area
_TOLD = ("y0", "y1", "x0", "x1", "confidence", "area")
_TABLE = np.dtype(list(zip(("offset", "bytes", *_TOLD), ("<u8", "<u4", *4 * ("<u2",), "<f4", "<u4"), strict=True)))
_LARGEST_SIDE = 65535
_LARGEST_OVERHEAD = 1 << 16  # of zlib over what it cannot compress


class MaskStore(Closing):
    """One bool mask (H, W) a frame; a frame never written reads as an empty mask with confidence 0.

    Two files' worth in one: a table of fixed records, then the compressed bits of each mask's bounding box.
    Memory does not grow with the number of frames. Writing a frame again leaves its old bits unused in the file.
    Threads may share a store. OutputError where the disk is full.
    """

    def __init__(self, path: Path, frames: int, size: tuple[int, int]) -> None:
        """Make a new store, or begin anew where there was one. Raises: OutputError, ShapeError for too large a size."""
        if max(size) > _LARGEST_SIDE:
            raise ShapeError(f"{path}: masks of {size[1]}x{size[0]} are larger than {_LARGEST_SIDE} pixels a side")
        self.path = path
        with self._keeping():
            file = path.open("w+b", buffering=0)  # nothing pending that fails on closing
        self._use(file, frames, size)
        try:
            with self._keeping():
                self._write_at(0, _HEADER.pack(_MAGIC, frames, *size))
                self._file.truncate(_HEADER.size + frames * _RECORD.size)
        except OutputError:
            self._file.close()
            raise

    def _use(self, file: FileIO, frames: int, size: tuple[int, int]) -> None:
        self._file, self.frames, self.size = file, frames, size
        self._lock = threading.Lock()  # one place in the file for all who read and write

    @classmethod
    def open(cls, path: Path, *, writable: bool = True) -> "MaskStore":
        """Open a store that exists.

        Raises: InputError if the file is not one; OSError if it cannot be opened.
        """
        file = path.open("r+b" if writable else "rb", buffering=0)
        try:
            frames, size = _read_head(path, file)
        except InputError:
            file.close()
            raise
        store = cls.__new__(cls)
        store.path = path
        store._use(file, frames, size)
        return store

    def put(self, index: int, mask: np.ndarray, confidence: float = 1.0) -> None:
        """Store the mask of frame `index`: bool (H, W).

        Raises: OutputError when the disk is full.
        """
        if mask.shape != self.size or mask.dtype != np.bool_:
            raise ShapeError(f"mask of frame {index} is {mask.dtype} {mask.shape}, needed bool {self.size}")
        box = bounding_box(mask)
        if box is None:
            with self._lock, self._keeping():
                self._write(index, (0, 0, 0, 0, 0, 0, confidence, 0))
            return
        y0, y1, x0, x1 = box
        inside = mask[y0:y1, x0:x1]
        bits = zlib.compress(np.packbits(inside).tobytes(), 1)
        area = int(np.count_nonzero(inside))
        with self._lock, self._keeping():
            offset = self._file.seek(0, 2)
            self._write_at(offset, bits)
            self._write(index, (offset, len(bits), y0, y1, x0, x1, confidence, area))

    def get(self, index: int) -> np.ndarray:
        """The mask of frame `index`: bool (H, W), a new array.

        Raises: InputError if what is stored is damaged.
        """
        offset, size, y0, y1, x0, x1, _, area = self._record(index)
        mask = np.zeros(self.size, np.bool_)
        height, width = y1 - y0, x1 - x0
        if area == 0:
            return mask
        if y1 > self.size[0] or x1 > self.size[1] or min(height, width) < 1:
            raise InputError(f"{self.path}: the mask of frame {index} is damaged.")
        packed_size = (height * width + 7) // 8
        try:
            with self._lock:
                self._file.seek(offset)
                stored = self._file.read(min(size, packed_size + _LARGEST_OVERHEAD))
            bits = zlib.decompressobj().decompress(stored, packed_size)
            packed = np.frombuffer(bits, np.uint8)
            mask[y0:y1, x0:x1] = np.unpackbits(packed, count=height * width).reshape(height, width).view(np.bool_)
        except (zlib.error, ValueError, OSError, OverflowError) as error:
            raise InputError(f"{self.path}: the mask of frame {index} is damaged.") from error
        return mask

    def confidence(self, index: int) -> float:
        """Confidence 0..1 of the mask of frame `index`."""
        return float(self._record(index)[6])

    def area(self, index: int) -> int:
        """Pixels that are True in frame `index`, without unpacking it."""
        return int(self._record(index)[7])

    def box(self, index: int) -> Box | None:
        """Smallest box round the mask of frame `index`: y0, y1, x0, x1, half open; None for an empty one."""
        _, _, y0, y1, x0, x1, _, area = self._record(index)
        return (y0, y1, x0, x1) if area else None

    def table(self) -> np.ndarray:
        """What is known of all masks without unpacking one: a new array (frames,) with named fields.

        Fields: y0, y1, x0, x1, the box as in `box`, uint16, 0 for an empty mask; confidence, float32; area, uint32.
        Raises: InputError if one is damaged: outside the picture, larger than its box, no confidence.
        """
        with self._lock:
            self._file.seek(_HEADER.size)
            table = np.frombuffer(self._file.read(self.frames * _RECORD.size), _TABLE)[list(_TOLD)]
        if len(table) != self.frames:
            raise InputError(f"{self.path}: mask store is cut short.")
        y0, y1, x0, x1 = (table[name].astype(np.int64) for name in ("y0", "y1", "x0", "x1"))
        good = (y0 <= y1) & (y1 <= self.size[0]) & (x0 <= x1) & (x1 <= self.size[1])
        good &= (table["area"] <= (y1 - y0) * (x1 - x0)) & (table["confidence"] >= 0) & (table["confidence"] <= 1)
        if not good.all():
            raise InputError(f"{self.path}: the mask of frame {int(np.argmin(good))} is damaged.")
        return table

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.get(index) for index in range(self.frames))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.path}: masks cannot be kept ({error.strerror}); free some space.") from error

    def _record(self, index: int) -> tuple[int, int, int, int, int, int, float, int]:
        with self._lock:
            self._file.seek(self._place(index))
            return _RECORD.unpack(self._file.read(_RECORD.size))

    def _write(self, index: int, record: tuple[int, int, int, int, int, int, float, int]) -> None:
        self._write_at(self._place(index), _RECORD.pack(*record))

    def _write_at(self, place: int, data: bytes) -> None:
        self._file.seek(place)
        while data:
            data = data[self._file.write(data) :]

    def _place(self, index: int) -> int:
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        return _HEADER.size + index * _RECORD.size


def _read_head(path: Path, file: FileIO) -> tuple[int, tuple[int, int]]:
    """How many masks a store says that it holds, and their size. Raises: InputError if that cannot be."""
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size or not head.startswith(_MAGIC):
        raise InputError(f"{path}: is not a mask store.")
    _, frames, height, width = _HEADER.unpack(head)
    if file.seek(0, 2) < _HEADER.size + frames * _RECORD.size:
        raise InputError(f"{path}: mask store is cut short.")
    if not 0 < height * width <= LARGEST_PIXELS or max(height, width) > _LARGEST_SIDE:
        raise InputError(f"{path}: mask store says its masks are {width}x{height}; it is damaged.")
    return frames, (height, width)

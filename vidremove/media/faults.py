"""What goes wrong while reading or writing a file, in one sentence that names it."""

import struct
import zlib
from pathlib import Path

import av
from PIL import Image, UnidentifiedImageError

from vidremove.errors import InputError, OutputError

BAD_FILE = (  # what Pillow lets through
    *(OSError, ValueError, SyntaxError, EOFError, MemoryError, struct.error, zlib.error, KeyError, TypeError),
    *(IndexError, ArithmeticError, AttributeError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class reading:
    """Turn what a decoder raises into one sentence that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{self.path}: no such file.") from error
        if isinstance(error, PermissionError):
            raise InputError(f"{self.path}: may not be read.") from error
        if isinstance(error, UnidentifiedImageError):
            raise InputError(f"{self.path}: is not a picture, whatever its name says, or it is damaged.") from error
        if isinstance(error, BAD_FILE):
            raise InputError(f"{self.path}: is damaged or cut short ({error}). Replace it or take it out.") from error


class writing:
    """Turn what goes wrong while writing into one sentence that names the target."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, av.FFmpegError)):
            reason = error.strerror or str(error)
            raise OutputError(f"{self.target}: cannot be written ({reason}); nothing of it is left.") from error

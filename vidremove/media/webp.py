"""How a WebP file is compressed."""

import struct
from pathlib import Path

_HEAD = struct.Struct("<4sI")  # of a chunk: its name, bytes of what follows
_FRAME_HEAD = 16  # bytes before the chunks inside a frame of an animation


def is_lossless(path: Path) -> bool:
    """Whether the first picture of the file is compressed without loss; False where the file is no WebP.

    Source: RFC 9649, sections 2.3 to 2.7.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WEBP":
            return False
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            name, size = _HEAD.unpack(head)
            if name in (b"VP8L", b"VP8 "):
                return bool(name == b"VP8L")
            file.seek(_FRAME_HEAD if name == b"ANMF" else size + size % 2, 1)
    return False

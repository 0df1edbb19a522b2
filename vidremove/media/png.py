"""The chunks of a PNG file that are not pixels: colour profile, EXIF, resolution, texts."""

import struct
import zlib
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = {b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
_PICTURE_WITHIN = (b"Raw profile type ", b"xmpGImg:image")
_AFTER_HEADER = len(_SIGNATURE) + 12 + 13  # IHDR is always first, 13 bytes of data
_LARGEST_CHUNK = 64 << 20

Chunk = tuple[bytes, bytes]  # type, data


def kept_chunks(path: Path) -> list[Chunk]:
    """The chunks that still hold true when the pixels change; none where the file is not a PNG.

    Texts that hold a small copy of the picture are left out: raw EXIF as ImageMagick writes it, XMP with a thumbnail.
    """
    chunks: list[Chunk] = []
    with path.open("rb") as file:
        if file.read(8) != _SIGNATURE:
            return chunks
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind in _KEPT and size <= _LARGEST_CHUNK:
                data = file.read(size)
                if not any(mark in data for mark in _PICTURE_WITHIN):
                    chunks.append((kind, data))
                file.seek(4, 1)
            else:
                file.seek(size + 4, 1)
    return chunks


def with_chunks(data: bytes, chunks: list[Chunk]) -> bytes:
    """The PNG file `data` with these chunks set in behind its header."""
    extra = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:_AFTER_HEADER] + extra + data[_AFTER_HEADER:]

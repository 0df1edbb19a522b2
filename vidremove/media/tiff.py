"""TIFF with 16 bits a sample, which Pillow cannot write: one deflated strip, with EXIF and ICC profile."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS, _EXTRA, _FORMAT, _ICC = 273, 277, 278, 279, 338, 339, 34675
_DEFLATE, _UNASSOCIATED_ALPHA, _UNSIGNED = 8, 2, 1
_CARRIED = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432)  # texts and resolution
_ORIENTATION = 274
_CLASSIC = 42  # BigTIFF has another number
_DIRECTORIES = (34665, 34853)  # EXIF, GPS


def without_orientation(data: bytes) -> bytes:
    """The same file with its picture said to be upright: OpenCV 5 fails on 16-bit TIFFs that it should turn."""
    order = "<" if data[:2] == b"II" else ">"
    magic, place = struct.unpack_from(order + "HI", data, 2)
    if magic != _CLASSIC:
        return data
    patched = bytearray(data)
    for entry in range(struct.unpack_from(order + "H", data, place)[0]):
        at = place + 2 + 12 * entry
        if struct.unpack_from(order + "H", data, at)[0] == _ORIENTATION:
            struct.pack_into(order + "H", patched, at + 8, 1)
    return bytes(patched)


def kept_exif(image: Image.Image, *, turned: bool) -> bytes:
    """What a TIFF says of its picture, as EXIF: without the tags that describe how its pixels are stored.

    Args:
        turned: its pixels were turned upright while reading, so that the orientation is no longer true.
    """
    old, new = image.getexif(), Image.Exif()
    for tag in (*_CARRIED, *(() if turned else (_ORIENTATION,))):
        if tag in old:
            new[tag] = old[tag]
    for tag in _DIRECTORIES:
        if inner := old.get_ifd(tag):
            new.get_ifd(tag).update(inner)
            new[tag] = dict(inner)
    return new.tobytes() if len(new) else b""


def encode(stored: np.ndarray, extras: dict[str, Any]) -> bytes:
    """A TIFF file of uint16 (H, W, C), C = 1 to 4; `extras` may hold "exif" and "icc_profile".

    Source: TIFF 6.0, baseline RGB and greyscale; compression 8 of Technical Note 2.
    """
    height, width, channels = stored.shape
    strip = zlib.compress(np.ascontiguousarray(stored.astype("<u2")).tobytes(), 6)
    table = TiffImagePlugin.ImageFileDirectory_v2()
    if extras.get("exif"):
        exif = Image.Exif()
        exif.load(extras["exif"])
        for tag in (*_CARRIED, _ORIENTATION):
            if tag in exif:
                table[tag] = exif[tag]
        for tag in _DIRECTORIES:
            if inner := exif.get_ifd(tag):
                table[tag] = dict(inner)
    table[_WIDTH], table[_LENGTH] = width, height
    table[_BITS], table[_FORMAT] = (16,) * channels, (_UNSIGNED,) * channels
    table[_COMPRESSION], table[_PHOTOMETRIC] = _DEFLATE, 2 if channels >= 3 else 1
    table[_SAMPLES], table[_ROWS] = channels, height
    table[_OFFSETS], table[_COUNTS] = (0,), (len(strip),)  # the writer adds where the strip will lie
    if channels in (2, 4):
        table[_EXTRA] = (_UNASSOCIATED_ALPHA,)
    if extras.get("icc_profile"):
        table.tagtype[_ICC] = 7
        table[_ICC] = extras["icc_profile"]
    out = io.BytesIO()
    table.save(out)
    out.write(strip)
    return out.getvalue()

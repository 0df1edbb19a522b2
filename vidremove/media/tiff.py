"""TIFF with 16 bits a sample, which Pillow cannot write: one deflated strip, with EXIF and ICC profile."""

import io
import zlib
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS, _EXTRA, _FORMAT, _ICC = 273, 277, 278, 279, 338, 339, 34675
_DEFLATE, _UNASSOCIATED_ALPHA, _UNSIGNED = 8, 2, 1
_CARRIED = (270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 33432)  # texts, orientation, resolution
_DIRECTORIES = (34665, 34853)  # EXIF, GPS


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
        for tag in _CARRIED:
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

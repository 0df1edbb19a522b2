"""EXIF as bytes: a TIFF file without a picture, whose second directory may hold a small copy of the photo."""

import struct

from PIL import Image

from vidremove.media.faults import BAD_FILE

ORIENTATION = 0x0112

_PREFIX = b"Exif\0\0"  # before it in a JPEG
_ORDERS = {b"II": "<", b"MM": ">"}
_HEADER, _ENTRY, _POINTER = 8, 12, 4  # bytes
_PLACES, _SIZES = (0x0201, 0x0111), (0x0202, 0x0117)  # of a JPEG, of the strips of a plain picture
_NUMBERS = {3: "H", 4: "I"}  # types of TIFF 6.0, section 2


def without_thumbnail(exif: bytes) -> bytes:
    """EXIF without its second directory and the picture there, which still shows what the photo was before.

    Nothing else moves, so that maker notes stay readable. Source: EXIF 2.32, section 4.5.

    Returns: the same bytes where there is no second directory; none where the directories are damaged.
    """
    prefix = _PREFIX if exif.startswith(_PREFIX) else b""
    data = bytearray(exif[len(prefix) :])
    try:
        order = _ORDERS[bytes(data[:2])]
        first = struct.unpack_from(order + "I", data, 4)[0]
        pointer = _end(data, order, first)
        if pointer + _POINTER > len(data):
            return exif  # some leave out the pointer to what is not there
        second = struct.unpack_from(order + "I", data, pointer)[0]
        if not second:
            return exif
        struct.pack_into(order + "I", data, pointer, 0)
        spans = [(second, _end(data, order, second) + _POINTER), *_pictures(data, order, second)]
    except (KeyError, struct.error):
        return b""
    if any(start < _HEADER or (start < pointer + _POINTER and stop > first) for start, stop in spans):
        return b""  # it would take the first directory away
    for start, stop in sorted(spans, reverse=True):
        if stop >= len(data):
            del data[start:]
        else:
            data[start:stop] = bytes(stop - start)
    return prefix + bytes(data)


def upright(exif: bytes) -> bytes:
    """EXIF that says that the picture is upright; none where it is damaged."""
    table = Image.Exif()
    try:
        table.load(exif)
        if table.get(ORIENTATION, 1) == 1:
            return exif
        table[ORIENTATION] = 1
        return table.tobytes()
    except BAD_FILE:
        return b""


def _end(data: bytearray, order: str, place: int) -> int:
    """Where the entries of the directory at `place` end, and the pointer to the next one stands."""
    return place + 2 + _ENTRY * int(struct.unpack_from(order + "H", data, place)[0])


def _pictures(data: bytearray, order: str, place: int) -> list[tuple[int, int]]:
    """First byte and end of each piece of the picture of a directory."""
    places, sizes = list[int](), list[int]()
    for entry in range(place + 2, _end(data, order, place), _ENTRY):
        tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
        if tag not in (*_PLACES, *_SIZES) or kind not in _NUMBERS:
            continue
        packed = f"{order}{count}{_NUMBERS[kind]}"
        inside = count * (2 if kind == 3 else 4) <= _POINTER
        at = entry + 8 if inside else struct.unpack_from(order + "I", data, entry + 8)[0]
        (places if tag in _PLACES else sizes).extend(struct.unpack_from(packed, data, at))
    return [(start, start + size) for start, size in zip(places, sizes, strict=False)]

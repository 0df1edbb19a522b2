"""What may stand in track.json of a track: every value is checked, since a track may come from anybody."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

from vidremove.errors import InputError
from vidremove.types import Key, Shot

NAME = "track.json"
MOST_BYTES = 16 << 20  # of the file
_VERSION = 1
_STORE = re.compile(r"[0-9a-f]{32}\.masks")
_MOST_FRAMES = 10**8
_MOST_OBJECTS = 1000
_LONGEST = 1000  # characters of a name or a note


@dataclass(frozen=True, slots=True)
class Header:
    """What a track is, but for the masks."""

    frames: int  # of the source
    size: tuple[int, int]  # (H, W)
    shots: tuple[Shot, ...]  # of the frames that were worked on, in their order, without gaps
    stores: dict[str, str]  # by object: the name of the file with its masks
    keys: tuple[Key, ...]  # by object, in the order of `stores`, then by frame


def is_store_name(name: str) -> bool:
    """Whether a file of that name might hold masks of a track."""
    return _STORE.fullmatch(name) is not None


def check_names(names: Sequence[str]) -> None:
    """Refuse names of objects that a track cannot hold. Raises: InputError."""
    for name in names:
        if not _is_text(name):
            raise InputError(f"object {name[:40]!r}: needed a name of 1 to {_LONGEST} printable characters.")
    if len(names) > _MOST_OBJECTS:
        raise InputError(f"there are {len(names)} objects; a track holds at most {_MOST_OBJECTS}.")


def write_header(header: Header) -> bytes:
    """The content of the file."""
    table = {
        "version": _VERSION,
        "frames": header.frames,
        "size": header.size,
        "shots": [(shot.start, shot.stop) for shot in header.shots],
        "objects": [
            {"name": name, "masks": file, "keyframes": [_told(key) for key in header.keys if key.object == name]}
            for name, file in header.stores.items()
        ],
    }
    return json.dumps(table, indent=1).encode()


def read_header(data: bytes, name: str) -> Header:
    """The track that a file describes.

    Args:
        data: UTF-8, JSON.
        name: of the file, for messages.
    Raises: InputError, one sentence, for anything that `write_header` would not have written.
    """
    try:
        table = json.loads(data.decode(), parse_constant=_refuse)
        if not isinstance(table, dict) or type(table.get("version")) is not int:
            raise ValueError("it has no version")
        if table["version"] != _VERSION:
            raise ValueError(f"its version is {table['version']}, this vidremove reads {_VERSION}")
        return _header(table)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{name}: cannot be read as a track ({reason[:200]}).") from error


def _header(table: dict[str, Any]) -> Header:
    frames = _whole(table["frames"], 1, _MOST_FRAMES)
    height, width = (_whole(side, 1, 65535) for side in table["size"])
    bounds = [(_whole(start, 0, frames), _whole(stop, 0, frames)) for start, stop in table["shots"]]
    if not bounds or any(start >= stop for start, stop in bounds) or any(a[1] != b[0] for a, b in pairwise(bounds)):
        raise ValueError("its shots do not follow each other")
    stores: dict[str, str] = {}
    keys: list[Key] = []
    for entry in table["objects"]:
        name, file = _text(entry["name"]), _text(entry["masks"])
        if not is_store_name(file) or file in stores.values() or name in stores or len(stores) == _MOST_OBJECTS:
            raise ValueError(
                f"object {name[:40]!r} is named twice, is one too many or has its masks in no file of ours"
            )
        stores[name] = file
        keys += _keys(name, entry["keyframes"], bounds[0][0], bounds[-1][1])
    shots = tuple(Shot(number, start, stop) for number, (start, stop) in enumerate(bounds))
    return Header(frames, (height, width), shots, stores, tuple(keys))


def _keys(name: str, entries: Any, start: int, stop: int) -> list[Key]:
    keys = []
    for entry in entries:
        score = entry["score"]
        if type(score) not in (int, float) or not math.isfinite(score) or not 0 <= score <= 1:
            raise ValueError(f"score {score!r} is not between 0 and 1")
        notes = tuple(_text(note) for note in entry.get("notes", ()))
        keys.append(Key(name, _whole(entry["frame"], start, stop - 1), float(score), notes))
    if any(a.frame >= b.frame for a, b in pairwise(keys)):
        raise ValueError("keyframes are not in their order")
    return keys


def _told(key: Key) -> dict[str, Any]:
    return {"frame": key.frame, "score": key.score, **({"notes": key.notes} if key.notes else {})}


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{str(value)[:40]!r} is no whole number from {least} to {most}")
    return value


def _text(value: Any) -> str:
    if not _is_text(value):
        raise ValueError(f"{str(value)[:40]!r} is not text of 1 to {_LONGEST} printable characters")
    return str(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")

"""What may stand in a project's file: every value is checked, since a project may come from anybody."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NoReturn

from vidremove.errors import InputError
from vidremove.types import Moment, Prompt

MOST_BYTES = 8 << 20  # of the file
MOST_MASK_PIXELS = 1 << 29  # of all masks together
_VERSION = 1
_MOST_APP_BYTES = 1 << 20
_MOST_PROMPTS = 10_000
_MOST_POINTS = 1000  # of a prompt
_MOST_OVERRIDES = 200
_LONGEST = 1000  # characters of a phrase, a name, an override
_LONGEST_PATH = 4096
_SHORT = 40  # characters of a value that a message shows
_RATE = re.compile(r"\d{1,15}(/[1-9]\d{0,14})?", re.ASCII)
_LAST_FRAME = 10**9
_KEYS = ("version", "source", "target", "track", "preset", "overrides", "start", "end", "rate")
_PROMPT_KEYS = ("object", "frame", "clicks", "not_clicks", "box", "text", "mask")


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A prompt, and the name of the picture with its mask."""

    prompt: Prompt
    mask: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What a project's file says; paths as they are written there."""

    source: str
    target: str | None
    track: str | None
    preset: str
    overrides: tuple[str, ...]
    start: Moment | None
    end: Moment | None
    rate: Fraction | None
    prompts: tuple[Said, ...]
    drafts: tuple[Said, ...]
    app: dict[str, Any]


def parse(data: bytes, name: str) -> Values:
    """The values of a project's file.

    Args:
        data: UTF-8, JSON.
        name: of the file, for messages.
    Raises: InputError, one sentence that says where, what was found and what is needed.
    """
    try:
        table = json.loads(data.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: cannot be read as a project ({error}).") from error
    table = _table(table, name, (*_KEYS, "prompts", "drafts", "app"))
    version = table.get("version")
    if type(version) is int and version > _VERSION:
        raise InputError(f"{name}: was written by a newer vidremove (version {version}); this one reads {_VERSION}.")
    if type(version) is not int or version != _VERSION:
        raise InputError(f"{name}: is no project of vidremove: it has no version {_VERSION}.")
    if "source" not in table:
        raise InputError(f"{name}: does not say what its source is.")
    overrides = _list(table.get("overrides", []), f"{name} overrides", _MOST_OVERRIDES)
    return Values(
        source=_path(table["source"], f"{name} source"),
        target=_path(table["target"], f"{name} target") if "target" in table else None,
        track=_path(table["track"], f"{name} track") if "track" in table else None,
        preset=_text(table.get("preset", "default"), f"{name} preset"),
        overrides=tuple(_text(text, f"{name} overrides") for text in overrides),
        start=_moment(table.get("start"), f"{name} start"),
        end=_moment(table.get("end"), f"{name} end"),
        rate=_rate(table.get("rate"), f"{name} rate"),
        prompts=_prompts(table.get("prompts", []), f"{name} prompts"),
        drafts=_prompts(table.get("drafts", []), f"{name} drafts"),
        app=_free(table.get("app", {}), f"{name} app"),
    )


def said_of(prompt: Prompt, mask: str | None) -> dict[str, Any]:
    """A prompt as it stands in the file; what is not said is left out."""
    values = {
        "object": prompt.object,
        "frame": int(prompt.frame),
        "clicks": [_plain(point) for point in prompt.clicks],
        "not_clicks": [_plain(point) for point in prompt.not_clicks],
        "box": None if prompt.box is None else _plain(prompt.box),
        "text": prompt.text,
        "mask": mask,
    }
    return {key: value for key, value in values.items() if value not in (None, [])}


def tell_moment(moment: Moment | None) -> int | dict[str, float] | None:
    """A moment as it stands in the file: a whole number is a frame, {"time_s": 4.5} a time."""
    return {"time_s": moment} if isinstance(moment, float) else moment


def _plain(numbers: Sequence[float]) -> list[float]:
    return [int(number) if float(number).is_integer() else float(number) for number in numbers]


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _prompts(value: Any, where: str) -> tuple[Said, ...]:
    entries = _list(value, where, _MOST_PROMPTS)
    return tuple(_prompt(entry, f"{where}[{place}]") for place, entry in enumerate(entries))


def _prompt(value: Any, where: str) -> Said:
    table = _table(value, where, _PROMPT_KEYS)
    prompt = Prompt(
        frame=_whole(table.get("frame", 0), f"{where} frame"),
        object=_text(table.get("object", "object"), f"{where} object"),
        clicks=_points(table.get("clicks", []), f"{where} clicks"),
        not_clicks=_points(table.get("not_clicks", []), f"{where} not_clicks"),
        text=_text(table["text"], f"{where} text") if "text" in table else None,
    )
    if "box" in table:
        x0, y0, x1, y1 = _numbers(table["box"], f"{where} box", 4)
        if x0 == x1 or y0 == y1:
            raise InputError(f"{where} box: needed two corners that stand apart both ways.")
        prompt = replace(prompt, box=(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return Said(prompt, _path(table["mask"], f"{where} mask") if "mask" in table else None)


def _table(value: Any, where: str, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: is {_tell(value)}, needed an object.")
    unknown = next((key for key in value if key not in known), None)
    if unknown is not None:
        raise InputError(f"{where}: unknown key {unknown[:40]!r}. Known: {', '.join(known)}.")
    return value


def _list(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: is {_tell(value)}, needed a list.")
    if len(value) > most:
        raise InputError(f"{where}: has {len(value)} entries, needed at most {most}.")
    return value


def _points(value: Any, where: str) -> tuple[tuple[float, float], ...]:
    points = (_numbers(point, where, 2) for point in _list(value, where, _MOST_POINTS))
    return tuple((x, y) for x, y in points)


def _numbers(value: Any, where: str, count: int) -> tuple[float, ...]:
    numbers = _list(value, where, count)
    if len(numbers) != count or not all(_is_number(number) for number in numbers):
        raise InputError(f"{where}: is {_tell(value)}, needed {count} numbers.")
    return tuple(numbers)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LAST_FRAME  # NaN is not


def _whole(value: Any, where: str) -> int:
    if type(value) is not int or not 0 <= value <= _LAST_FRAME:
        raise InputError(f"{where}: is {_tell(value)}, needed a whole number from 0.")
    return value


def _moment(value: Any, where: str) -> Moment | None:
    if value is None:
        return None
    if isinstance(value, dict):
        time_s = _table(value, where, ("time_s",)).get("time_s")
        if isinstance(time_s, int | float) and _is_number(time_s) and time_s >= 0:
            return float(time_s)
        raise InputError(f"{where}: is {_tell(time_s)}, needed seconds from 0.")
    return _whole(value, where)


def _rate(value: Any, where: str) -> Fraction | None:
    if value is None:
        return None
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    rate = Fraction(value) if match is not None else Fraction(0)  # which would work for hours on 1e999999999
    if not 0 < rate <= 1000:
        raise InputError(f'{where}: is {_tell(value)}, needed frames per second as text, "25" or "30000/1001".')
    return rate


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise InputError(f"{where}: is {_tell(value)}, needed text of 1 to {_LONGEST} printable characters.")
    return value


def _path(value: Any, where: str) -> str:
    good = isinstance(value, str) and 0 < len(value) <= _LONGEST_PATH and "\0" not in value
    try:
        os.fsencode(value if good else "")
    except UnicodeError:
        good = False
    if not good:
        raise InputError(f"{where}: is {_tell(value)}, needed the name of a file.")
    return str(value)


def _free(value: Any, where: str) -> dict[str, Any]:
    """What the page keeps for itself: any JSON, but not much of it."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: is {_tell(value)}, needed an object.")
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: holds what is no JSON ({error}).") from error
    if size > _MOST_APP_BYTES:
        raise InputError(f"{where}: has {size} bytes, needed at most {_MOST_APP_BYTES}.")
    return value


def _tell(value: Any) -> str:
    """A value in few words."""
    if isinstance(value, (dict, list)):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}..."

"""Prompts as text: `310,205@42` and its kin, gathered into one Prompt per object and frame."""

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from vidremove.errors import InputError
from vidremove.types import Prompt

Spec = tuple[str, str]  # kind ("click", "not", "box", "mask", "text", "object") and what was written after it
_AT = re.compile(r"^(?P<value>.*?)(?:@(?P<frame>\d{1,9}))?$", re.DOTALL)


def split_frame(text: str) -> tuple[str, int]:
    """`VALUE@FRAME` → value and frame; frame 0 where none is named."""
    match = _AT.match(text)
    if match is None:
        raise InputError(f"{text!r}: needed VALUE or VALUE@FRAME, with FRAME a whole number from 0.")
    return match["value"], int(match["frame"] or 0)


def parse_numbers(text: str, count: int, shape: str) -> tuple[float, ...]:
    """`count` finite numbers separated by commas; `shape` is what to tell the user, such as "X,Y"."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise InputError(f"{text!r}: needed {shape}, numbers separated by commas, then perhaps @FRAME.")
    return numbers


def gather_prompts(specs: Iterable[Spec]) -> tuple[list[Prompt], dict[tuple[str, int], Path]]:
    """Combine what was said, in its order, into one prompt for each object and frame.

    Returns: the prompts, and the mask pictures still to be read, by (object, frame).
    Raises: InputError for text that is no prompt, two boxes, masks or phrases for one object and frame.
    """
    prompts: dict[tuple[str, int], Prompt] = {}
    masks: dict[tuple[str, int], Path] = {}
    name = "object"
    for kind, text in specs:
        if kind == "object":
            name = text
            continue
        value, frame = (text, 0) if kind == "mask" and is_there(text) else split_frame(text)
        if not value:
            raise InputError(f"--{kind} {text!r}: nothing is said.")
        key = (name, frame)
        prompt = prompts.get(key, Prompt(frame=frame, object=name))
        if kind == "mask":
            if key in masks:
                raise InputError(f"--mask {text}: {name} has a mask on frame {frame} already.")
            masks[key] = Path(value)
        prompts[key] = _add(prompt, kind, value, text)
    return list(prompts.values()), masks


def is_there(path: str) -> bool:
    """Whether there is a file or folder of that name."""
    try:
        return path != "" and Path(path).exists()
    except OSError:  # a name that no file can have
        return False


def _add(prompt: Prompt, kind: str, value: str, text: str) -> Prompt:
    if kind == "click":
        x, y = parse_numbers(value, 2, "X,Y")
        return replace(prompt, clicks=(*prompt.clicks, (x, y)))
    if kind == "not":
        x, y = parse_numbers(value, 2, "X,Y")
        return replace(prompt, not_clicks=(*prompt.not_clicks, (x, y)))
    if kind == "box":
        x0, y0, x1, y1 = parse_numbers(value, 4, "X0,Y0,X1,Y1")
        if prompt.box is not None:
            raise InputError(f"--box {text}: {prompt.object} has a box on frame {prompt.frame} already.")
        if x1 == x0 or y1 == y0:
            raise InputError(f"--box {text}: needed X0,Y0,X1,Y1, two corners that stand apart both ways.")
        return replace(prompt, box=(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    if kind == "text":
        if prompt.text is not None:
            raise InputError(f"--text {text!r}: {prompt.object} has a phrase on frame {prompt.frame} already.")
        return replace(prompt, text=value)
    return prompt


def is_mask_alone(prompt: Prompt) -> bool:
    """Whether a mask is all that is said: it is then taken as it is."""
    return prompt.mask is not None and not (prompt.clicks or prompt.not_clicks or prompt.box or prompt.text)


def check_prompts(prompts: Iterable[Prompt], size: tuple[int, int], start: int, stop: int) -> None:
    """Refuse prompts that say nothing, and those outside the picture or the frames that are worked on.

    Args:
        prompts: what was said.
        size: (H, W) of the frames.
        start, stop: frames [start, stop) that are worked on.
    Raises: InputError naming the prompt, what was found and what is needed.
    """
    height, width = size
    for prompt in prompts:
        if not start <= prompt.frame < stop:
            raise InputError(
                f"prompt for {prompt.object!r} on frame {prompt.frame}: needed a frame from {start} to {stop - 1}."
            )
        for x, y in (*prompt.clicks, *prompt.not_clicks):
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                raise InputError(
                    f"point {x:g},{y:g} on frame {prompt.frame} is outside the picture of {width}x{height} pixels."
                )
        if not (prompt.clicks or prompt.box or prompt.text or prompt.mask is not None):
            said = "only says what is not the object" if prompt.not_clicks else "says nothing"
            raise InputError(
                f"prompt for {prompt.object!r} on frame {prompt.frame} {said}: add a click, a box, a mask or a phrase."
            )
        if prompt.box is not None:
            x0, y0, x1, y1 = prompt.box
            if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
                raise InputError(
                    f"box {x0:g},{y0:g},{x1:g},{y1:g} on frame {prompt.frame} is outside the picture "
                    f"of {width}x{height} pixels."
                )
        if prompt.mask is not None:
            if prompt.mask.shape != size:
                found = f"{prompt.mask.shape[1]}x{prompt.mask.shape[0]}"
                raise InputError(f"mask for frame {prompt.frame} is {found}, needed {width}x{height} like the frame.")
            if not prompt.mask.any() and not prompt.clicks and prompt.box is None:
                raise InputError(f"mask for frame {prompt.frame} is empty: nothing to remove.")

"""From what is drawn or written on the page to prompts, and from a prompt to its mask on the frame."""

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from vidremove import segment
from vidremove.errors import InputError, VidremoveError
from vidremove.images import fit_side, to_uint8
from vidremove.prompts import check_prompts
from vidremove.segmenters.choice import points_segmenter
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import scale_prompt
from vidremove.stages.shots import mark_shots
from vidremove.types import Prompt

from .opening import Found, Medium
from .session import Said, Session, go_to

_LEAST_BOX = 2.0  # pixels a side; less is a slip of the hand
_MOST_FOUND = 40  # masks kept after they were asked


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One object's mask on the frame that is shown."""

    name: str
    found: Found
    draft: bool


def apply_event(session: Session, event: Mapping[str, Any] | None) -> None:
    """Take in what the canvas tells: a step to another frame, a click, a click beside the object, a box.

    It is applied to the frame that it was drawn on, named in the event. What is not understood is passed over.
    """
    if session.medium is None or session.busy or not isinstance(event, Mapping):
        return
    kind, frame = event.get("kind"), event.get("frame")
    if not isinstance(frame, int) or not 0 <= frame < session.medium.info.frames:
        return
    if kind == "step":
        go_to(session, session.frame + (1 if event.get("by") == 1 else -1))
        return
    numbers = _numbers(event.get("at"), 4 if kind == "box" else 2)
    if kind not in ("click", "not", "box") or numbers is None:
        return
    height, width = session.medium.info.size
    xs = [min(max(0.0, x), width - 1.0) for x in numbers[::2]]
    ys = [min(max(0.0, y), height - 1.0) for y in numbers[1::2]]
    old = session.said.on(session.said.name, frame) or Prompt(frame, session.said.name)
    if kind == "click":
        new = replace(old, clicks=(*old.clicks, (xs[0], ys[0])))
    elif kind == "not":
        new = replace(old, not_clicks=(*old.not_clicks, (xs[0], ys[0])))
    elif max(xs) - min(xs) < _LEAST_BOX or max(ys) - min(ys) < _LEAST_BOX:
        return
    else:
        new = replace(old, box=(min(xs), min(ys), max(xs), max(ys)))
    _try(session, new)


def apply_phrase(session: Session, phrase: str) -> None:
    """Look for the object in words on the frame that is shown. Without the weights for it, a sentence says so."""
    words = " ".join(phrase.split())
    if session.medium is None or session.busy or not words:
        return
    old = session.said.on(session.said.name, session.frame) or Prompt(session.frame, session.said.name)
    _try(session, replace(old, text=words))


def _try(session: Session, prompt: Prompt) -> None:
    """Draft the prompt if it can be asked at all; else say why, and leave everything as it was."""
    session.message = ""
    said = session.said
    try:
        if session.medium is not None and not _only_not(prompt):
            find(session.medium, prompt)
    except VidremoveError as error:
        session.message = str(error)
        return
    others = tuple(other for other in said.draft if other.frame != prompt.frame)
    session.say(Said(said.kept, (*others, prompt), said.name))


def layers(session: Session) -> list[Layer]:
    """The masks of all objects on the frame that is shown; the one that is pointed at last."""
    said, medium = session.said, session.medium
    if medium is None:
        return []
    here = [prompt for prompt in said.prompts if prompt.frame == session.frame]
    here.sort(key=lambda prompt: prompt.object == said.name)
    drafted = {id(prompt) for prompt in said.draft}
    return [Layer(prompt.object, find(medium, prompt), id(prompt) in drafted) for prompt in here]


def find(medium: Medium, prompt: Prompt) -> Found:
    """The mask of a prompt on its frame, asked once: the same as the run will start from.

    Raises: PluginError if weights are missing that it needs; InputError for a prompt that is none.
    """
    key: Hashable = (prompt.frame, prompt.clicks, prompt.not_clicks, prompt.box, prompt.text)
    if key not in medium.found:
        medium.found[key] = _ask(medium, prompt)
        while len(medium.found) > _MOST_FOUND:
            del medium.found[next(iter(medium.found))]
    return medium.found[key]


def _ask(medium: Medium, prompt: Prompt) -> Found:
    if _only_not(prompt):
        complaint = "click on the object first: so far only what does not belong to it is marked."
        return Found(np.zeros(medium.info.size, np.bool_), 0.0, complaint)
    check_prompts([prompt], medium.info.size, 0, medium.info.frames)
    embedded = not prompt.text and points_segmenter() == "embedded"
    reach, side = (Embedded.reach, Embedded.side) if embedded else (0, None)
    images, at = _shot_round(medium, prompt.frame, reach, side)
    size, small = medium.info.size, (images.shape[1], images.shape[2])
    mask, score = segment(images, scale_prompt(prompt, size, small), at=at)
    if small != size:
        mask = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC) > 0.5
    if mask.any():
        return Found(mask, score)
    return Found(mask, score, "nothing was found there: click another part of it, or draw a box round it.")


def _shot_round(medium: Medium, frame: int, reach: int, side: int | None) -> tuple[np.ndarray, int]:
    """Frames of one shot round `frame`, uint8 (T, H, W, 3), no longer than `side`, and its place among them."""
    first, last = max(0, frame - reach), min(medium.info.frames, frame + reach + 1)
    shots: dict[int, list[tuple[int, np.ndarray]]] = {}
    for seen in mark_shots(medium.source.frames(first, last)):
        shots.setdefault(seen.shot, []).append((seen.index, fit_side(to_uint8(seen.image), side)))
    for shot in shots.values():
        at = next((place for place, (index, _) in enumerate(shot) if index == frame), None)
        if at is not None:
            return np.stack([image for _, image in shot]), at
    raise InputError(f"frame {frame}: could not be read, so nothing can be found on it.")


def marks(session: Session) -> Iterator[dict[str, Any]]:
    """Points and boxes of the object that is pointed at, as the canvas draws them."""
    prompt = session.said.on(session.said.name, session.frame)
    if prompt is not None:
        yield from ({"kind": "click", "at": list(point)} for point in prompt.clicks)
        yield from ({"kind": "not", "at": list(point)} for point in prompt.not_clicks)
        if prompt.box is not None:
            yield {"kind": "box", "at": list(prompt.box)}


def _only_not(prompt: Prompt) -> bool:
    return not (prompt.clicks or prompt.box or prompt.text)


def _numbers(values: Any, count: int) -> list[float] | None:
    """`count` finite numbers, to a hundredth of a pixel; None for anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return None
    return [round(float(value), 2) for value in values]

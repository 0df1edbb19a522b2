"""From what is drawn or written on the page to prompts, and from a prompt to its mask on the frame."""

import logging
import math
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vidremove.errors import InputError, VidremoveError
from vidremove.finding import Finder
from vidremove.prompts import check_prompts, is_mask_alone
from vidremove.segmenters.choice import points_segmenter
from vidremove.types import Prompt

from . import session as steps
from .opening import Found, Medium
from .painting import draw_stroke, take_part
from .session import Said, Session

TOOLS = ("click", "not", "box", "brush", "erase")
_LEAST_BOX = 2.0  # pixels a side; less is a slip of the hand
_MOST_FOUND = 40  # masks kept after they were asked
_MOST_NUMBERS = 40_000  # of one stroke
_LONGEST_WHO = 40  # characters of the name that a canvas gives itself
_DISC = 0.006  # of the longer side: radius of the least that a click takes away from a mask
_PAUSE_S = 0.4  # on a frame before it is looked at ahead of the first click
_STEPS: dict[Any, Callable[[Session], None]] = {
    "undo": steps.undo,
    "redo": steps.redo,
    "keep": steps.keep,
    "discard": steps.discard,
}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One object's mask on the frame that is shown."""

    name: str
    found: Found
    draft: bool
    tracked: bool = False  # carried here from another frame
    painted: bool = False  # by a brush, or read from a file


def apply_events(session: Session, told: Any, seen: dict[str, int]) -> None:
    """Take in what the canvas tells that was not taken in before.

    Args:
        told: {who, events: [{n, ...}]} of canvas.js, all that it knows not to be done.
        seen: the last number that was taken in, by canvas; brought up to date.
    """
    who, events = (told.get("who"), told.get("events")) if isinstance(told, Mapping) else (None, None)
    if not isinstance(who, str) or len(who) > _LONGEST_WHO or not isinstance(events, list):
        return
    for event in events:
        number = event.get("n") if isinstance(event, Mapping) else None
        if isinstance(event, Mapping) and isinstance(number, int) and number > seen.get(who, 0):
            seen[who] = number
            apply_event(session, event)


def apply_event(session: Session, event: Mapping[str, Any] | None) -> None:
    """Take in one thing that was done on the canvas; see canvas.js for the kinds.

    It is applied to the frame that it was drawn on, named in the event. What is not understood is passed over.
    """
    if session.medium is None or not isinstance(event, Mapping):
        return
    kind, frame = event.get("kind"), event.get("frame")
    if not isinstance(frame, int) or not 0 <= frame < session.medium.info.frames:
        return
    if kind == "step":
        steps.go_to(session, session.frame + (1 if event.get("by") == 1 else -1))
    elif kind == "tool" and event.get("tool") in TOOLS:
        session.tool = str(event["tool"])
    elif session.busy:
        return
    elif kind in _STEPS:
        _STEPS[kind](session)
    elif kind in ("brush", "erase"):
        _paint(session, frame, event)
    elif kind in ("click", "not", "box"):
        _point(session, frame, kind, _numbers(event.get("at"), 4 if kind == "box" else 2))


def _point(session: Session, frame: int, kind: str, numbers: list[float] | None) -> None:
    medium = session.medium
    if medium is None or numbers is None:
        return
    height, width = medium.info.size
    xs = [min(max(0.0, x), width - 1.0) for x in numbers[::2]]
    ys = [min(max(0.0, y), height - 1.0) for y in numbers[1::2]]
    if kind == "click":
        _say(session, frame, clicks=((xs[0], ys[0]),))
    elif kind == "not":
        _say(session, frame, not_clicks=((xs[0], ys[0]),))
    elif max(xs) - min(xs) >= _LEAST_BOX and max(ys) - min(ys) >= _LEAST_BOX:
        _say(session, frame, box=(min(xs), min(ys), max(xs), max(ys)))


def _paint(session: Session, frame: int, event: Mapping[str, Any]) -> None:
    """Add a stroke to the mask that is shown of the object, or take it away; the outcome is taken as it is."""
    medium, values = session.medium, event.get("at")
    radius = (_numbers([event.get("radius")], 1) or [0.0])[0]
    if medium is None or not isinstance(values, list) or not 2 <= len(values) <= _MOST_NUMBERS or len(values) % 2:
        return
    points = _numbers(values, len(values))
    height, width = medium.info.size
    if points is None or not 0 < radius <= max(height, width):
        return
    far = 2.0 * max(height, width)
    stroke = draw_stroke((height, width), [min(max(-far, value), far) for value in points], radius)
    before = mask_of(session, session.said.name, frame)
    if event["kind"] == "brush":
        set_mask(session, frame, stroke if before is None else before | stroke)
    elif before is not None and (before & stroke).any():
        set_mask(session, frame, before & ~stroke)


def set_mask(session: Session, frame: int, mask: np.ndarray) -> None:
    """Draft this mask, bool (H, W), for the object that is pointed at, instead of what was said of it on the frame."""
    if not mask.any():
        session.message = "nothing would be left of the mask: to take it back as a whole, use Undo or Discard."
        return
    _draft(session, Prompt(frame, session.said.name, mask=mask))


def apply_phrase(session: Session, phrase: str) -> None:
    """Look for the object in words on the frame that is shown. Without the weights for it, a sentence says so."""
    words = " ".join(phrase.split())
    if session.medium is not None and not session.busy and words:
        _say(session, session.frame, text=words)


def _say(session: Session, frame: int, **more: Any) -> None:
    """Add to what is said of the object on a frame, if it can be asked at all; else tell why, and leave all as it was.

    Where it has a mask that was painted or read, no work is lost: what the new prompt finds is added to that mask, and
    a click beside the object takes away only the part round it.
    """
    medium, name = session.medium, session.said.name
    if medium is None:
        return
    session.message = ""
    old, new = session.said.on(name, frame) or Prompt(frame, name), Prompt(frame, name, **more)
    try:
        if old.mask is not None:
            found = _without(medium, old, new) if new.not_clicks else old.mask | find(medium, new).mask
            set_mask(session, frame, found)
            return
        joined = {key: getattr(old, key) + value if key.endswith("clicks") else value for key, value in more.items()}
        new = replace(old, **joined)
        if not _only_not(new):
            find(medium, new)
    except VidremoveError as error:
        session.message = str(error)
        return
    _draft(session, new)


def _draft(session: Session, prompt: Prompt) -> None:
    said = session.said
    others = tuple(other for other in said.draft if other.frame != prompt.frame)
    session.say(Said(said.kept, (*others, prompt), said.name))


def _without(medium: Medium, old: Prompt, new: Prompt) -> np.ndarray:
    """The mask of `old` less the part at the click of `new`."""
    mask, (point,) = old.mask, new.not_clicks
    if mask is None or not mask[round(point[1]), round(point[0])]:
        raise InputError("nothing of the mask is there to be taken away.")
    rest, _ = finder_of(medium).find(replace(new, mask=mask), "embedded")
    return take_part(mask, rest, point, max(2, round(_DISC * max(mask.shape))))


def mask_of(session: Session, name: str, frame: int) -> np.ndarray | None:
    """The mask of an object on a frame as it is shown: what was said there finds it, else it was tracked there.

    Returns: bool (H, W), not to be written into; None where there is none.
    """
    prompt = session.said.on(name, frame)
    if prompt is not None and session.medium is not None:
        return find(session.medium, prompt).mask
    tracked = _tracked(session, name, frame)
    return None if tracked is None else tracked.mask


def _tracked(session: Session, name: str, frame: int) -> Found | None:
    track = session.track
    if track is None or name not in track.objects or not track.area(frame, name):
        return None
    return Found(track.mask(frame, name), track.confidence(frame, name))


def layers(session: Session) -> list[Layer]:
    """The masks of all objects on the frame that is shown; the one that is pointed at last."""
    said, medium, frame = session.said, session.medium, session.frame
    if medium is None:
        return []
    drafted = {id(prompt) for prompt in said.draft}
    shown = []
    for name in sorted(said.names, key=lambda name: name == said.name):
        prompt = said.on(name, frame)
        tracked = _tracked(session, name, frame) if prompt is None else None
        if prompt is not None:
            shown.append(Layer(name, find(medium, prompt), id(prompt) in drafted, painted=prompt.mask is not None))
        elif tracked is not None:
            shown.append(Layer(name, tracked, False, tracked=True))
    return shown


def finder_of(medium: Medium) -> Finder:
    """What finds masks in the medium, and keeps what it has looked at."""
    if medium.finder is None:
        medium.finder = Finder(medium.source)
    return medium.finder


def find(medium: Medium, prompt: Prompt) -> Found:
    """The mask of a prompt on its frame, asked once: the same as the run will start from.

    Raises: PluginError if weights are missing that it needs; InputError for a prompt that is none.
    """
    if is_mask_alone(prompt) and prompt.mask is not None:
        check_prompts([prompt], medium.info.size, 0, medium.info.frames)
        return Found(prompt.mask, 1.0)
    if prompt.mask is not None:
        return _ask(medium, prompt)
    by = points_segmenter()  # another one once its weights have come
    key: Hashable = (by, prompt.frame, prompt.clicks, prompt.not_clicks, prompt.box, prompt.text)
    if key not in medium.found:
        medium.found[key] = _ask(medium, prompt)
        while len(medium.found) > _MOST_FOUND:
            del medium.found[next(iter(medium.found))]
    return medium.found[key]


def _ask(medium: Medium, prompt: Prompt) -> Found:
    if _only_not(prompt):
        complaint = "click on the object first: so far only what does not belong to it is marked."
        return Found(np.zeros(medium.info.size, np.bool_), 0.0, complaint)
    mask, score = finder_of(medium).find(prompt)
    if mask.any():
        return Found(mask, score)
    return Found(mask, score, "nothing was found there: click another part of it, or draw a box round it.")


def check_said(medium: Medium, prompts: Sequence[Prompt], what: str) -> None:
    """See before a run that something was said, and that each prompt finds something.

    Args:
        what: is to be done, such as "remove".
    Raises: VidremoveError, one sentence.
    """
    if not prompts:
        raise InputError(f"nothing says what to {what}: click on the object, draw a box round it, or name it.")
    for prompt in prompts:
        complaint = find(medium, prompt).complaint
        if complaint:
            raise InputError(f"{prompt.object}, frame {prompt.frame}: {complaint}")


def look_ahead(session: Session) -> None:
    """Look at the frame that is shown once it was shown for a moment, so that the first click is answered at once."""
    medium, frame = session.medium, session.frame
    if medium is None or session.busy:
        return

    def wanted() -> bool:
        return session.medium is medium and session.frame == frame and not session.busy

    def look() -> None:
        try:
            if wanted():
                finder_of(medium).prepare(frame, wanted)
        except VidremoveError as error:  # told when it is pointed at
            logging.getLogger(__name__).debug("frame %d: %s", frame, error)

    timer = threading.Timer(_PAUSE_S, look)
    timer.daemon = True
    timer.start()


def marks(session: Session) -> Iterator[dict[str, Any]]:
    """Points and boxes of the object that is pointed at, as the canvas draws them."""
    prompt = session.said.on(session.said.name, session.frame)
    if prompt is not None:
        yield from ({"kind": "click", "at": list(point)} for point in prompt.clicks)
        yield from ({"kind": "not", "at": list(point)} for point in prompt.not_clicks)
        if prompt.box is not None:
            yield {"kind": "box", "at": list(prompt.box)}


def _only_not(prompt: Prompt) -> bool:
    return not (prompt.clicks or prompt.box or prompt.text or prompt.mask is not None)


def _numbers(values: Any, count: int) -> list[float] | None:
    """`count` finite numbers, to a hundredth of a pixel; None for anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return None
    return [round(float(value), 2) for value in values]

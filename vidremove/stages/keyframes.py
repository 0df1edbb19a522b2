"""From the prompts on a frame to one mask: reads the frames around it and hands them to the segmenter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np

from vidremove.errors import InputError
from vidremove.images import fit_side, to_uint8
from vidremove.types import Frame, Prompt, Shot


class Segmenter(Protocol):
    """A plug-in that makes a mask from a prompt, see segmenters/embedded.py.

    It may say in `reach` how many frames it wants on either side of the prompted one (0 where absent), and in
    `side` the longest side in pixels that it makes use of (the full size where absent).
    """

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]: ...


class Frames(Protocol):
    """What is needed of a source, see media/source.py."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...
    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Keyframe:
    """The mask of one object on one frame."""

    frame: int
    object: str
    mask: np.ndarray  # bool (H, W)
    score: float  # 0..1


def combine_prompts(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Join what was said of one object on one frame: all clicks, the union of masks, the hull of boxes, the last text.

    Returns: one prompt for each object and frame, ordered by frame, then by first mention.
    """
    joined: dict[tuple[int, str], Prompt] = {}
    for prompt in prompts:
        key = (prompt.frame, prompt.object)
        joined[key] = _join(joined[key], prompt) if key in joined else prompt
    return sorted(joined.values(), key=lambda prompt: prompt.frame)


def _join(a: Prompt, b: Prompt) -> Prompt:
    box = a.box or b.box
    if a.box and b.box:
        box = (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]), max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
    mask = a.mask if b.mask is None else b.mask if a.mask is None else a.mask | b.mask
    return replace(
        a, clicks=a.clicks + b.clicks, not_clicks=a.not_clicks + b.not_clicks, box=box, mask=mask, text=b.text or a.text
    )


def phrases_elsewhere(prompts: Sequence[Prompt], shot: Shot) -> list[Prompt]:
    """The phrases of objects that no prompt speaks of in this shot, to be asked on its first frame."""
    here = {prompt.object for prompt in prompts if shot.start <= prompt.frame < shot.stop}
    phrases = {prompt.object: prompt.text for prompt in prompts if prompt.text}
    return [Prompt(shot.start, name, text=text) for name, text in phrases.items() if name not in here]


def chosen_for(segmenter: Segmenter, prompt: Prompt) -> Any:
    """The segmenter itself, or the one of several that this prompt goes to."""
    choose = getattr(segmenter, "chosen", None)
    return segmenter if choose is None else choose(prompt)


def segment_keyframe(source: Frames, prompt: Prompt, segmenter: Segmenter, start: int, stop: int) -> Keyframe:
    """Make the mask of one combined prompt.

    Args:
        source: where the frames come from.
        segmenter: sees consecutive frames of the shot, as many as it asks for.
        start, stop: the shot, [start, stop).
    Raises: InputError if the frame is not in the source.
    """
    if prompt.mask is not None and not (prompt.clicks or prompt.not_clicks or prompt.box or prompt.text):
        return Keyframe(prompt.frame, prompt.object, prompt.mask, 1.0)
    asked = chosen_for(segmenter, prompt)
    reach, side = int(getattr(asked, "reach", 0)), getattr(asked, "side", None)
    first = max(start, prompt.frame - reach)
    images: list[np.ndarray] = []
    at, size = -1, (0, 0)
    for frame in source.frames(first, min(stop, prompt.frame + reach + 1)):
        if frame.index == prompt.frame:
            at, size = len(images), frame.image.shape[:2]
        images.append(fit_side(to_uint8(frame.image), side))
    if at < 0:
        raise InputError(f"frame {prompt.frame}: could not be read, so its prompt cannot be used.")
    small = images[0].shape[:2]
    mask, score = segmenter(np.stack(images), at, scale_prompt(prompt, size, small))
    if small != size:
        mask = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC) > 0.5
    if not mask.any():
        raise InputError(
            f"frame {prompt.frame}: nothing was found for {prompt.object!r} (score {score:.2f}). "
            "Click another part of it, or give a box or a mask."
        )
    return Keyframe(prompt.frame, prompt.object, mask, score)


def clicks_apart(prompt: Prompt, mask: np.ndarray) -> list[tuple[float, float]]:
    """Clicks of one object whose place in its mask, bool (H, W), does not hang together with the first one's."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    height, width = mask.shape
    at = [(min(max(round(y), 0), height - 1), min(max(round(x), 0), width - 1)) for x, y in prompt.clicks]
    return [click for click, place in zip(prompt.clicks, at, strict=True) if parts[place] != parts[at[0]]]


def scale_prompt(prompt: Prompt, size: tuple[int, int], small: tuple[int, int]) -> Prompt:
    """The same prompt on a frame resized from `size` to `small`, both (H, W)."""
    if small == size:
        return prompt
    sy, sx = small[0] / size[0], small[1] / size[1]

    def move(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple(((x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5) for x, y in points)

    box = prompt.box and (prompt.box[0] * sx, prompt.box[1] * sy, prompt.box[2] * sx, prompt.box[3] * sy)
    mask = prompt.mask
    if mask is not None:
        mask = cv2.resize(mask.astype(np.float32), small[::-1], interpolation=cv2.INTER_AREA) > 0.5
    return replace(prompt, clicks=move(prompt.clicks), not_clicks=move(prompt.not_clicks), box=box, mask=mask)

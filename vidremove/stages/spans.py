"""Which stretches of frames masks are carried over, and which way, from what keyframes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vidremove.types import Prompt, Shot

Keyed = Mapping[str, Sequence[int]]  # the keyframes of each object in one shot, in their order


@dataclass(frozen=True, slots=True)
class Span:
    """Frames [start, stop) to be carried over in one direction, from the keyframes in it."""

    start: int
    stop: int
    backwards: bool
    trust: float = 1.0  # in what it starts from
    before: int = 0  # frames before the first that are only looked at
    after: int = 0  # frames after the last, likewise


def keys_by_object(prompts: Iterable[Prompt]) -> dict[str, list[int]]:
    """The frames that are prompted, by object."""
    frames: dict[str, list[int]] = {}
    for prompt in sorted(prompts, key=lambda prompt: prompt.frame):
        frames.setdefault(prompt.object, []).append(prompt.frame)
    return frames


def count_frames(spans: Iterable[Span]) -> int:
    """Frames that are carried to, once a span."""
    return sum(span.stop - span.start for span in spans)


def spans_of(shot: Shot, keyed: Keyed) -> list[tuple[Span, list[str]]]:
    """What to carry in a whole shot: once forwards for all, then backwards, objects with the same stretch together."""
    if not keyed:
        return []
    spans = [(Span(min(keys[0] for keys in keyed.values()), shot.stop, False), list(keyed))]
    back: dict[Span, list[str]] = {}
    for name, keys in keyed.items():
        for before, key in zip([shot.start - 1, *keys], keys, strict=False):
            if key - before > 1:
                back.setdefault(Span(before + 1, key + 1, True), []).append(name)
    return spans + list(back.items())


def spans_between(shot: Shot, keyed: Keyed, changed: Keyed, first: int, reach: int) -> list[tuple[Span, list[str]]]:
    """What to carry again where some keyframes are new: only between each of them and its neighbours.

    Args:
        keyed: all keyframes.
        changed: those of them that are new, or that have another mask than before.
        first: earliest keyframe of any object in the shot, at which a run over the whole shot begins.
        reach: frames before and after that such a run would see from a frame.
    Returns: spans in which every frame is seen with the neighbours that a run over the whole shot sees it with.
    """
    ahead: dict[Span, list[str]] = {}
    back: dict[Span, list[str]] = {}
    for name, fresh in changed.items():
        bounds = [shot.start - 1, *keyed[name], shot.stop]
        parts = [(a, b) for a, b in pairwise(bounds) if a in fresh or b in fresh]
        for start, stop in _joined((a, b) for a, b in parts if a >= shot.start):
            before, after = min(reach, start - min(first, start)), min(reach, shot.stop - stop)
            ahead.setdefault(Span(start, stop, False, before=before, after=after), []).append(name)
        for a, b in parts:
            if b < shot.stop and b - a > 1:
                back.setdefault(Span(a + 1, b + 1, True), []).append(name)
    return list(ahead.items()) + list(back.items())


def _joined(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches in their order, those that meet made one."""
    joined: list[tuple[int, int]] = []
    for start, stop in parts:
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], stop
        else:
            joined.append((start, stop))
    return joined

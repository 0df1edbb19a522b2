"""Carry the masks of all objects over the stretches of a shot, and merge what comes from either side."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import cv2
import numpy as np

from vidremove.appearance import signed_distance
from vidremove.config import Config
from vidremove.errors import InputError
from vidremove.overlap import prefetch
from vidremove.stages.carry import Carrier
from vidremove.stages.keyframes import Segmenter, clicks_apart, segment_keyframe
from vidremove.stages.objects import ObjectStores, tell_losses
from vidremove.stages.observe import FARTHEST, Flow, Observation, observe
from vidremove.stages.resegment import Resegmenter, may_ask, overlap
from vidremove.stages.spans import Span, count_frames, keys_by_object, spans_between, spans_of
from vidremove.types import Frame, Key, MediaInfo, Prompt, Shot

_AHEAD = 4  # observations made ahead of the carrying
_BACK = 12  # frames that an object found again is carried back
_ALIKE = 0.5  # overlap (intersection over union) from which masks of both directions are averaged


class Source(Protocol):
    """What is needed of a source, see media/source.py."""

    @property
    def info(self) -> MediaInfo: ...
    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...
    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...


class Watcher(Protocol):
    """Told of what goes on besides, so that progress can be shown; each may raise to stop."""

    def look(self, index: int) -> None: ...  # frame that was looked at for cuts
    def plan(self, frames: int) -> None: ...  # more frames that will be carried to
    def join(self, index: int) -> None: ...  # frame whose masks were united


@dataclass(frozen=True, slots=True)
class TrackReport:
    """What the tracking found."""

    shots: tuple[Shot, ...]
    keys: tuple[Key, ...]  # the frames that were prompted, or on which a phrase was found
    keyframes: tuple[tuple[str, int, float], ...]  # object, frame, score 0..1; with those asked for again on the way
    notes: tuple[str, ...]  # frames where an object was lost, and where it was found again


class Tracker:
    """What goes on while the objects are tracked."""

    def __init__(
        self,
        source: Source,
        segmenter: Segmenter,
        flow: Flow,
        stores: ObjectStores,
        config: Config,
        on_frame: Callable[[int], None],
        watcher: Watcher | None,
    ) -> None:
        self.source, self.segmenter, self.flow, self.config, self.on_frame = source, segmenter, flow, config, on_frame
        self.stores = stores
        self._keys: list[Key] = []
        self._scores: list[tuple[str, int, float]] = []
        self._notes: list[str] = []
        self._prompts: dict[str, Prompt] = {}  # of the shot, by object: what the segmenter is asked again
        self._watcher = watcher

    def report(self, shots: Iterable[Shot]) -> TrackReport:
        """What was found."""
        return TrackReport(tuple(shots), tuple(self._keys), tuple(self._scores), tuple(self._notes))

    def plan(self, spans: Iterable[Span], less: Iterable[Span] = ()) -> None:
        """Tell how much is to be carried over, less what was told before."""
        if self._watcher is not None:
            self._watcher.plan(count_frames(spans) - count_frames(less))

    def shot(self, shot: Shot, prompts: Sequence[Prompt], phrases: Sequence[Prompt]) -> None:
        """Track every object that is prompted in this shot, or that one of the phrases finds in it."""
        prompts, found = self._ask_all(shot, prompts, phrases)
        keyed = keys_by_object([*prompts, *found])
        spans = spans_of(shot, keyed)
        if found:
            planned = spans_of(shot, keys_by_object(prompts))
            self.plan([span for span, _ in spans], less=[span for span, _ in planned])
        for span, names in spans:
            self._carry(span, names, keyed)
        for name, frames in keyed.items():
            self._look_back(name, shot, frames, frames)
            self._notes += tell_losses(name, self.stores.losses(name, shot), shot)

    def correct(
        self, shot: Shot, prompts: Sequence[Prompt], phrases: Sequence[Prompt], before: Mapping[str, Sequence[int]]
    ) -> None:
        """Track between what is prompted in this shot, or found in it by one of the phrases, and what was before."""
        prompts, found = self._ask_all(shot, prompts, phrases)
        changed = keys_by_object([*prompts, *found])
        keyed = _all_keys(shot, changed, before)
        spans = self.between(shot, changed, before)
        if found:
            planned = self.between(shot, keys_by_object(prompts), before)
            self.plan([span for span, _ in spans], less=[span for span, _ in planned])
        for span, names in spans:
            self._carry(span, names, keyed)
        for name, frames in changed.items():
            self._look_back(name, shot, keyed[name], frames)
            self._notes += tell_losses(name, self.stores.losses(name, shot), shot)

    def between(
        self, shot: Shot, changed: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]]
    ) -> list[tuple[Span, list[str]]]:
        """What is to be carried over again in a shot where some keyframes changed."""
        keyed = _all_keys(shot, changed, before)
        first = min((keys[0] for keys in keyed.values() if keys), default=shot.start)
        return spans_between(shot, keyed, changed, first, min(self.config.track.look_ahead, FARTHEST))

    def _ask_all(
        self, shot: Shot, prompts: Sequence[Prompt], phrases: Sequence[Prompt]
    ) -> tuple[Sequence[Prompt], list[Prompt]]:
        """Make the keyframes of a shot. Returns: the prompts, and the phrases that found their object."""
        for prompt in prompts:
            self._ask(prompt, shot)
        found = [prompt for prompt in phrases if may_ask(self.segmenter, prompt) and self._is_found(prompt, shot)]
        self._prompts = {prompt.object: prompt for prompt in reversed([*prompts, *found])}
        return prompts, found

    def _ask(self, prompt: Prompt, shot: Shot) -> None:
        """Make the keyframe of a prompt."""
        key = segment_keyframe(self.source, prompt, self.segmenter, shot.start, shot.stop)
        notes = tuple(
            f"{key.object}: the click at {x:g},{y:g} on frame {key.frame} is apart from the rest of it; "
            "if it is another thing, it needs a name of its own (--object)"
            for x, y in clicks_apart(prompt, key.mask)
        )
        self._keys.append(Key(key.object, key.frame, key.score, notes))
        self._scores.append((key.object, key.frame, key.score))
        self._notes += notes
        self.stores[key.object].put(key.frame, key.mask, key.score)

    def _is_found(self, phrase: Prompt, shot: Shot) -> bool:
        """Make the keyframe of a phrase in a shot that may not show the object."""
        try:
            self._ask(phrase, shot)
        except InputError:
            return False
        return True

    def _look_back(self, name: str, shot: Shot, keys: Sequence[int], changed: Sequence[int]) -> None:
        """Carry an object that was found again against the order it was found in, to where it came into view.

        Only before the first keyframe or after the last, where that one changed.
        """
        store = self.stores[name]
        for start, stop in self.stores.losses(name, shot):
            if start > keys[-1] and stop < shot.stop and keys[-1] in changed:
                span, key = Span(max(start, stop - _BACK), stop + 1, True, store.confidence(stop)), stop
            elif stop <= keys[0] and start > shot.start and keys[0] in changed:
                key = start - 1
                span = Span(key, min(stop, start + _BACK), False, store.confidence(key))
            else:
                continue
            self.plan([span])
            self._carry(span, [name], {name: [key]})

    def _carry(self, span: Span, names: Sequence[str], keyed: Mapping[str, Sequence[int]]) -> None:
        first, last = span.start - span.before, span.stop + span.after
        frames = (self.source.reversed if span.backwards else self.source.frames)(first, last)
        carriers: dict[str, Carrier] = {}
        track = self.config.track
        again = Resegmenter(self.segmenter, self._prompts, track.keyframe_every)
        observations = observe(frames, self.flow, track.area, track.look_ahead, span.before)
        if self.config.workers != 1:  # frames are looked at while the ones before are carried over
            observations = prefetch(observations, _AHEAD)
        with closing(observations):
            for seen in islice(observations, span.stop - span.start):
                for name in names:
                    self._advance(name, seen, carriers, again, keyed[name], span)
                self.on_frame(seen.frame.index)

    def _advance(
        self,
        name: str,
        seen: Observation,
        carriers: dict[str, Carrier],
        again: Resegmenter,
        keys: Sequence[int],
        span: Span,
    ) -> None:
        index, store = seen.frame.index, self.stores[name]
        if index in keys:
            carriers[name] = Carrier(seen, _shrink(store.get(index), seen.image.shape[:2]), trust=span.trust)
            again.start(name, index)
            return
        if name not in carriers:
            return
        carrier = carriers[name]
        carrier.advance(seen)
        mask, confidence = _enlarge(carrier, store.size), carrier.confidence
        renewed = again(name, index, seen.frame.image, mask, confidence)
        if renewed is not None:
            mask, confidence = renewed
            carriers[name] = Carrier(seen, _shrink(mask, seen.image.shape[:2]))
            self._scores.append((name, index, confidence))
        if span.backwards and any(key < index for key in keys):
            mask, confidence = _merge(index, keys, (store.get(index), store.confidence(index)), (mask, confidence))
        store.put(index, mask, confidence)


def _all_keys(
    shot: Shot, changed: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]]
) -> dict[str, list[int]]:
    """The keyframes of a shot, old and new, by object."""
    names = dict.fromkeys((*before, *changed))
    keys = {name: {*changed.get(name, ()), *before.get(name, ())} for name in names}
    return {name: sorted(key for key in frames if shot.start <= key < shot.stop) for name, frames in keys.items()}


def _shrink(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if mask.shape == size:
        return mask
    return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) > 0.5


def _enlarge(carrier: Carrier, size: tuple[int, int]) -> np.ndarray:
    if carrier.mask.shape == size or not carrier.mask.any():
        return carrier.mask if carrier.mask.shape == size else np.zeros(size, np.bool_)
    return cv2.resize(carrier.label, size[::-1], interpolation=cv2.INTER_LINEAR) > 0


def _merge(
    index: int, keys: Sequence[int], forwards: tuple[np.ndarray, float], backwards: tuple[np.ndarray, float]
) -> tuple[np.ndarray, float]:
    """Between two keyframes, weigh what came from either by confidence and nearness.

    The mean of two shapes that hardly meet is neither: then the one of more weight is taken.
    """
    before = max(key for key in keys if key < index)
    after = min(key for key in keys if key > index)
    share = (index - before) / (after - before)
    weights = forwards[1] * (1 - share), backwards[1] * share
    if overlap(forwards[0], backwards[0]) < _ALIKE:
        return forwards if weights[0] >= weights[1] else backwards
    distance = weights[0] * signed_distance(forwards[0]) + weights[1] * signed_distance(backwards[0])
    return distance > 0, max(forwards[1], backwards[1])

"""Pass 1: from prompts to one mask a frame, carried forwards and backwards from every keyframe and merged between."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from vidremove.appearance import signed_distance
from vidremove.config import Config
from vidremove.errors import InputError
from vidremove.masks import MaskStore
from vidremove.overlap import prefetch
from vidremove.stages.carry import Carrier
from vidremove.stages.keyframes import (
    Segmenter,
    clicks_apart,
    combine_prompts,
    phrases_elsewhere,
    segment_keyframe,
)
from vidremove.stages.observe import Flow, Observation, observe
from vidremove.stages.resegment import Resegmenter, may_ask
from vidremove.stages.shots import list_shots
from vidremove.types import Frame, MediaInfo, Prompt, Shot

_AHEAD = 4  # observations made ahead of the carrying
_BACK = 12  # frames that an object found again is carried back


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
    keyframes: tuple[tuple[str, int, float], ...]  # object, frame, score 0..1; those asked for again at the end
    notes: tuple[str, ...]  # frames where an object was lost, and where it was found again


@dataclass(frozen=True, slots=True)
class _Span:
    """Frames [start, stop) to be carried over in one direction from the keyframes at its first frame."""

    start: int
    stop: int
    backwards: bool
    trust: float = 1.0  # in what it starts from


def track_objects(
    source: Source,
    prompts: Sequence[Prompt],
    segmenter: Segmenter,
    flow: Flow,
    store: MaskStore,
    config: Config,
    on_frame: Callable[[int], None],
    watcher: Watcher | None = None,
) -> TrackReport:
    """Make the masks of all objects and put their union into the store, with the lowest confidence of them.

    A prompt speaks for its own shot: nothing is carried across a cut; but a phrase is looked for at the start of every
    other shot by a segmenter that knows objects, which is also asked again on later frames, see resegment.py. A lost
    object is looked for in the rest of its shot, see recover.py. Memory is bounded whatever the length.

    Args:
        source: frames in both directions.
        prompts: of one or more objects, on any frames.
        segmenter: makes the mask of a prompt, see segmenters/embedded.py.
        flow: see flows/dis.py.
        store: one mask a frame of the source; frames outside the prompted shots stay empty.
        on_frame: called with the index of each frame that was carried to, once a direction; it may raise to stop.
        watcher: told of the rest.
    Raises: InputError if there is no prompt, or one is past the end.
    """
    frames = source.info.frames
    joined = combine_prompts(prompts)
    if not joined:
        raise InputError("nothing to track: give a click, a box or a mask.")
    for prompt in joined:
        if not 0 <= prompt.frame < frames:
            raise InputError(f"the prompt on frame {prompt.frame} is past the end: the source has {frames} frames.")
    shots = tuple(list_shots(_told(source.frames(), watcher), config.shots)) if frames > 1 else (Shot(0, 0, frames),)
    with tempfile.TemporaryDirectory(prefix="vidremove-") as folder, ExitStack() as stack:
        run = _Run(source, segmenter, flow, config, on_frame, watcher, Path(folder), stack)
        parted = [(shot, [prompt for prompt in joined if shot.start <= prompt.frame < shot.stop]) for shot in shots]
        for shot, prompts in parted:
            run.plan(span for span, _ in _spans(shot, _by_object(prompts)))
        for shot, prompts in parted:
            run.shot(shot, prompts, phrases_elsewhere(joined, shot))
        run.unite(store)
        return TrackReport(shots, tuple(run.scores), tuple(run.notes))


def _told(frames: Iterable[Frame], watcher: Watcher | None) -> Iterator[Frame]:
    for frame in frames:
        if watcher is not None:
            watcher.look(frame.index)
        yield frame


class _Run:
    """The stores of the objects while they are tracked."""

    def __init__(
        self,
        source: Source,
        segmenter: Segmenter,
        flow: Flow,
        config: Config,
        on_frame: Callable[[int], None],
        watcher: Watcher | None,
        folder: Path,
        stack: ExitStack,
    ) -> None:
        self.source, self.segmenter, self.flow, self.config, self.on_frame = source, segmenter, flow, config, on_frame
        self.stores: dict[str, MaskStore] = {}
        self.scores: list[tuple[str, int, float]] = []
        self.notes: list[str] = []
        self._prompts: dict[str, Prompt] = {}  # of the shot, by object: what the segmenter is asked again
        self._watcher, self._folder, self._stack = watcher, folder, stack

    def plan(self, spans: Iterable[_Span], less: Iterable[_Span] = ()) -> None:
        """Tell how much is to be carried over, less what was told before."""
        if self._watcher is not None:
            self._watcher.plan(_frames(spans) - _frames(less))

    def shot(self, shot: Shot, prompts: Sequence[Prompt], phrases: Sequence[Prompt]) -> None:
        """Track every object that is prompted in this shot, or that one of the phrases finds in it."""
        for prompt in prompts:
            self._ask(prompt, shot)
        found = [prompt for prompt in phrases if may_ask(self.segmenter, prompt) and self._is_found(prompt, shot)]
        spans = _spans(shot, _by_object(prompts))
        prompts = [*prompts, *found]
        self._prompts = {prompt.object: prompt for prompt in reversed(prompts)}
        keyed = _by_object(prompts)
        if found:
            planned, spans = spans, _spans(shot, keyed)
            self.plan([span for span, _ in spans], less=[span for span, _ in planned])
        for span, names in spans:
            self._carry(span, names, keyed)
        for name, frames in keyed.items():
            self._look_back(name, shot, frames)
            self._note_losses(name, shot)

    def _ask(self, prompt: Prompt, shot: Shot) -> None:
        """Make the keyframe of a prompt."""
        key = segment_keyframe(self.source, prompt, self.segmenter, shot.start, shot.stop)
        self.scores.append((key.object, key.frame, key.score))
        self._store(key.object).put(key.frame, key.mask, key.score)
        for x, y in clicks_apart(prompt, key.mask):
            self.notes.append(
                f"{key.object}: the click at {x:g},{y:g} on frame {key.frame} is apart from the rest of it; "
                "if it is another thing, it needs a name of its own (--object)"
            )

    def _is_found(self, phrase: Prompt, shot: Shot) -> bool:
        """Make the keyframe of a phrase in a shot that may not show the object."""
        try:
            self._ask(phrase, shot)
        except InputError:
            return False
        return True

    def _store(self, name: str) -> MaskStore:
        if name not in self.stores:
            path = self._folder / f"{len(self.stores)}.masks"
            store = MaskStore(path, self.source.info.frames, self.source.info.size)
            self.stores[name] = self._stack.enter_context(store)
        return self.stores[name]

    def _look_back(self, name: str, shot: Shot, keys: Sequence[int]) -> None:
        """Carry an object that was found again against the order it was found in, to where it came into view."""
        store = self._store(name)
        for start, stop in self._losses(name, shot):
            if start > keys[-1] and stop < shot.stop:
                span, key = _Span(max(start, stop - _BACK), stop + 1, True, store.confidence(stop)), stop
            elif stop <= keys[0] and start > shot.start:
                key = start - 1
                span = _Span(key, min(stop, start + _BACK), False, store.confidence(key))
            else:
                continue
            self.plan([span])
            self._carry(span, [name], {name: [key]})

    def _carry(self, span: _Span, names: Sequence[str], keyed: dict[str, list[int]]) -> None:
        frames = (self.source.reversed if span.backwards else self.source.frames)(span.start, span.stop)
        carriers: dict[str, Carrier] = {}
        track = self.config.track
        again = Resegmenter(self.segmenter, self._prompts, track.keyframe_every)
        observations = observe(frames, self.flow, track.area, track.look_ahead)
        if self.config.workers != 1:  # frames are looked at while the ones before are carried over
            observations = prefetch(observations, _AHEAD)
        with closing(observations):
            for seen in observations:
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
        span: _Span,
    ) -> None:
        index, store = seen.frame.index, self._store(name)
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
            self.scores.append((name, index, confidence))
        if span.backwards and any(key < index for key in keys):
            mask, confidence = _merge(index, keys, (store.get(index), store.confidence(index)), (mask, confidence))
        store.put(index, mask, confidence)

    def _note_losses(self, name: str, shot: Shot) -> None:
        for start, stop in self._losses(name, shot):
            again = "" if stop == shot.stop else f", found again at {stop}"
            self.notes.append(f"{name}: not seen in frames {start} to {stop - 1}{again}")

    def _losses(self, name: str, shot: Shot) -> list[tuple[int, int]]:
        """Stretches [start, stop) of a shot in which the object is not seen."""
        store = self._store(name)
        losses = []
        for gone, group in groupby(range(shot.start, shot.stop), key=lambda index: store.area(index) == 0):
            if gone:
                indexes = list(group)
                losses.append((indexes[0], indexes[-1] + 1))
        return losses

    def unite(self, store: MaskStore) -> None:
        """Put the union of the objects' masks into the store."""
        stores = list(self.stores.values())
        for index in range(len(store)):
            known = [one for one in stores if one.confidence(index) > 0 or one.area(index)]
            if known:
                mask = np.logical_or.reduce([one.get(index) for one in known])
                store.put(index, mask, min(one.confidence(index) for one in known))
            if self._watcher is not None:
                self._watcher.join(index)


def _by_object(prompts: Sequence[Prompt]) -> dict[str, list[int]]:
    """The frames that are prompted, by object."""
    frames: dict[str, list[int]] = {}
    for prompt in sorted(prompts, key=lambda prompt: prompt.frame):
        frames.setdefault(prompt.object, []).append(prompt.frame)
    return frames


def _frames(spans: Iterable[_Span]) -> int:
    return sum(span.stop - span.start for span in spans)


def _spans(shot: Shot, keyed: dict[str, list[int]]) -> list[tuple[_Span, list[str]]]:
    """What to carry: once forwards for all, then backwards, objects with the same stretch together."""
    if not keyed:
        return []
    spans = [(_Span(min(keys[0] for keys in keyed.values()), shot.stop, False), list(keyed))]
    back: dict[_Span, list[str]] = {}
    for name, keys in keyed.items():
        for before, key in zip([shot.start - 1, *keys], keys, strict=False):
            if key - before > 1:
                back.setdefault(_Span(before + 1, key + 1, True), []).append(name)
    return spans + list(back.items())


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
    """Between two keyframes, weigh what came from either by confidence and nearness."""
    before = max(key for key in keys if key < index)
    after = min(key for key in keys if key > index)
    share = (index - before) / (after - before)
    weights = forwards[1] * (1 - share), backwards[1] * share
    if not forwards[0].any() or not backwards[0].any():
        return forwards if weights[0] >= weights[1] else backwards
    distance = weights[0] * signed_distance(forwards[0]) + weights[1] * signed_distance(backwards[0])
    return distance > 0, max(forwards[1], backwards[1])

"""True background: every hole pixel is taken from the frames that show it, weighed by evidence."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from vidremove.config import FillConfig
from vidremove.stages.candidates import make_candidate
from vidremove.stages.fusion import fuse
from vidremove.stages.moving import REACH, find_moving, follow_moving
from vidremove.stages.region import Region, find_regions, make_site
from vidremove.stages.registration import is_free, project
from vidremove.stages.survey import Survey
from vidremove.stages.view import View, make_view
from vidremove.types import Frame

_OFFSETS = (1, 2, 3, 4, 6, 8, 10, 13, 16, 20, 26, 32, 40)  # frames to either side that are asked for background
_SOURCES_STILL = 14  # at least while the camera stands still: a frame costs little, and averaging takes away noise
_SAMPLES = 4  # every so many working pixels one of the hole speaks for its neighbours
_NEAR = 15.0  # frames; what a source shows is worth half at this distance
_LEAST_GAIN = 2.0  # samples a source must add
_AHEAD = 2  # frames in work per worker


@dataclass(slots=True, eq=False)
class Draft:
    """A frame with the background found for it."""

    frame: Frame
    view: View | None  # None where nothing is to be filled
    regions: list[Region]


class _Window:
    """The frames of one shot round the one that is filled, and their views, made when asked for."""

    def __init__(self, survey: Survey, config: FillConfig) -> None:
        self._survey, self._config = survey, config
        self._frames: dict[int, Frame] = {}
        self._views: dict[int, View] = {}
        self._stored: dict[int, View] = {}
        self._stored_covered: dict[int, np.ndarray] = {}

    def put(self, frame: Frame) -> None:
        self._frames[frame.index] = frame

    def drop_before(self, index: int) -> None:
        for old in [i for i in self._frames if i < index]:
            del self._frames[old]
            self._views.pop(old, None)

    def view(self, index: int) -> View:
        if index in self._frames:
            if index not in self._views:
                self._views[index] = make_view(self._frames[index], self._config.dilate)
            return self._views[index]
        if index not in self._stored:
            like = next(iter(self._views.values()))
            if len(self._stored) >= self._config.sources:
                del self._stored[next(iter(self._stored))]
            self._stored[index] = self._survey.store.load(index, like)
        return self._stored[index]

    def covered(self, index: int) -> np.ndarray:
        """`view(index).covered`; that of a stored frame is kept, so that looking for sources does not load them all."""
        if index in self._frames:
            return self.view(index).covered
        if index not in self._stored_covered:
            self._stored_covered[index] = self.view(index).covered
        return self._stored_covered[index]

    def movers(self, target: Frame) -> list[int]:
        """Frames near `target` whose moving things are known by now, nearest first."""
        found = []
        for index in (target.index + side * k for k in REACH for side in (-1, 1)):
            if index in self._frames and self._find_moving(index):
                found.append(index)
        return found

    def _find_moving(self, index: int) -> bool:
        view = self.view(index)
        if view.moving is None:
            other = index - 1 if index - 1 in self._frames else index + 1
            homography = self._survey.between(index, other) if other in self._frames else None
            if homography is None:
                return False
            view.moving = find_moving(view, self.view(other), homography)
            if other > index:
                view.moving[:, 2:] *= -1
        return len(view.moving) > 0

    def candidates(self, target: Frame) -> list[int]:
        """Frames that may show what is behind the hole of `target`, nearest first."""
        near = [target.index + side * k for k in _OFFSETS if k <= self._config.window for side in (-1, 1)]
        far = [i for i in self._survey.store.indexes(target.shot) if abs(i - target.index) > self._config.window]
        near = [i for i in near if i in self._frames]
        return near + sorted(far, key=lambda i: abs(i - target.index))


def gather_background(frames: Iterable[Frame], survey: Survey, config: FillConfig, workers: int = 1) -> Iterator[Draft]:
    """Fill the holes of each frame with what other frames of its shot show there.

    Looks `config.window` frames back and ahead, and into the survey's store. The result does not depend on `workers`.
    """
    pool = ThreadPoolExecutor(max(1, workers))
    pending: deque[Future[Draft]] = deque()
    try:
        for target, window in _windows(frames, survey, config):
            if target.mask is None or not target.mask.any():
                pending.append(pool.submit(Draft, target, None, []))
            else:
                view = window.view(target.index)
                sources = [window.view(i) for i in select_sources(view, window, target, survey, config.sources)]
                movers = [window.view(i) for i in window.movers(target)]
                pending.append(pool.submit(_gather, target, view, sources, movers, survey))
            while len(pending) > _AHEAD * max(1, workers):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _windows(frames: Iterable[Frame], survey: Survey, config: FillConfig) -> Iterator[tuple[Frame, _Window]]:
    """Each frame once its look-ahead is there."""
    waiting: deque[Frame] = deque()
    window = _Window(survey, config)
    for frame in frames:
        if waiting and frame.shot != waiting[-1].shot:
            yield from ((target, window) for target in waiting)
            waiting.clear()
            window = _Window(survey, config)
        waiting.append(frame)
        window.put(replace(frame, native=None))  # the planes are needed to write the frame, not to copy from it
        if len(waiting) > config.window:
            target = waiting.popleft()
            window.drop_before(target.index - config.window)
            yield target, window
    for target in waiting:
        yield target, window


def select_sources(view: View, window: _Window, target: Frame, survey: Survey, most: int) -> list[int]:
    """Choose `most` frames to fill from, greedily: each adds most to what is not seen yet, from either side in time.

    Source: ours; greedy set cover.
    """
    rows, columns = np.nonzero(view.covered[::_SAMPLES, ::_SAMPLES])
    points = np.stack([columns, rows], axis=1).astype(np.float32) * _SAMPLES
    if len(points) == 0:
        points = np.argwhere(view.covered)[:, ::-1].astype(np.float32)
    indexes, seen = [], []
    for index in window.candidates(target):
        homography = survey.between(target.index, index)
        if homography is None:
            continue
        shows = window.covered(index), project(homography, points)
        visible = is_free(*shows)
        if visible.any():
            indexes.append(index)
            seen.append(visible)
    if not indexes:
        return []
    if sum(survey.still(target.index, i) for i in indexes) > len(indexes) / 2:
        most = max(most, _SOURCES_STILL)
    return _cover(target.index, indexes, np.array(seen), most)


def _cover(target: int, indexes: list[int], seen: np.ndarray, most: int) -> list[int]:
    gaps = np.array(indexes) - target
    worth = 1 / (1 + abs(gaps) / _NEAR)
    later = (gaps > 0).astype(np.int64)
    count = np.zeros(seen.shape[1])
    side_count = np.zeros((2, seen.shape[1]))
    chosen: list[int] = []
    free = np.ones(len(indexes), np.bool_)
    while len(chosen) < most:
        wanted = 1 / (1 + count) ** 2 + 0.5 / (1 + side_count[later]) ** 2
        gain = (seen * wanted).sum(axis=1) * worth * free
        best = int(gain.argmax())
        if gain[best] <= 0 or (gain[best] < _LEAST_GAIN * worth[best] and len(chosen) >= 2):
            break
        chosen.append(indexes[best])
        free[best] = False
        count += seen[best]
        side_count[later[best]] += seen[best]
    return chosen


def _gather(frame: Frame, view: View, sources: list[View], movers: list[View], survey: Survey) -> Draft:
    regions = []
    for box in find_regions(view):
        site = make_site(view, box)
        found = [make_candidate(site, source, survey) for source in sources]
        found += [follow_moving(site, mover, mover.moving, survey) for mover in movers if mover.moving is not None]
        regions.append(fuse(site, [candidate for candidate in found if candidate is not None]))
    return Draft(frame, view, regions)

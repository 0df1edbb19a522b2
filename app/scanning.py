"""A look through a clip in the background: thumbnails for the timeline, and the cuts."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vidremove.errors import VidremoveError
from vidremove.media import Source
from vidremove.media.video import VideoSource
from vidremove.stages.shots import mark_shots
from vidremove.types import Frame

from .drawing import data_url
from .running import Background

_FEWEST, _MOST = 12, 20  # thumbnails
_STRIP = 20.0  # width of the strip over its height, about
_QUALITY = 75  # of a thumbnail's JPEG
_SIDE = 128  # pixels of the longer side of a thumbnail; cuts are found at less
_MOST_PIXELS = 12_000_000_000  # decoded to look for cuts: 3 min 20 s of 1080p at 30 frames a second
_MOST_FRAMES = 20_000  # looked at for cuts
_AT_ONCE = 500  # frames of a clip so short that all thumbnails come in passing


def count_thumbs(size: tuple[int, int], frames: int) -> int:
    """How many thumbnails of frames of this (H, W) go on the strip."""
    height, width = size
    return min(frames, max(_FEWEST, min(_MOST, round(_STRIP * height / width))))


def most_frames(size: tuple[int, int], frames: int) -> int:
    """How many frames from the start are looked at for cuts, so that the work is bounded."""
    return min(frames, _MOST_FRAMES, max(1, _MOST_PIXELS // (size[0] * size[1])))


@dataclass(frozen=True, slots=True)
class Look:
    """What has been found so far."""

    thumbs: tuple[str, ...]  # JPEG data URLs in the order of time, "" where there is none yet
    cuts: tuple[int, ...]  # frames that a shot begins with, but for the first
    looked: int  # frames that were looked at for cuts


class Scan(Background):
    """A look that begins when this is made; `look` may be asked at any time.

    Thumbnails that are had fast come first, then the cuts in one pass over no more than `most_frames`, with the
    thumbnails that lie on its way, then the rest of the thumbnails.
    """

    def __init__(self, source: Source, find_cuts: bool = True) -> None:
        """Start. `find_cuts`: False where they are known already."""
        super().__init__()
        info = source.info
        self._source, self._find_cuts = source, find_cuts
        self.look = Look(("",) * count_thumbs(info.size, info.frames), (), 0)
        self.begin("scan", self._work)

    @property
    def _is_short(self) -> bool:
        return self._source.info.frames <= _AT_ONCE

    def _work(self) -> None:
        try:
            for step in (self._see_fast, self._see_cuts, self._see_rest):
                step()
        except VidremoveError as error:  # a damaged file: the page tells when the frame is shown
            logging.getLogger(__name__).info("the look through the clip ended early: %s", error)

    def _see_fast(self) -> None:
        """Thumbnails at I-frames."""
        if self._is_short:
            return
        for place, (first, last) in enumerate(self._slots()):
            fast = _fast_frame(self._source, first, last)
            if fast is not None and not self._stop.is_set():
                self._see(place, fast)

    def _see_cuts(self) -> None:
        """Cuts, and the thumbnails on the way; where the cuts are known, those alone if the clip is short."""
        if not (self._find_cuts or self._is_short):
            return
        most = most_frames(self._source.info.size, self._source.info.frames)
        wanted = {(first + last) // 2: place for place, (first, last) in enumerate(self._slots())}
        frames, shot = self._passing(self._source.glimpses(0, most, _SIDE)), 0
        for frame in mark_shots(frames) if self._find_cuts else frames:
            if frame.index in wanted:
                self._keep(wanted[frame.index], frame.image)
            cuts = (*self.look.cuts, frame.index) if frame.shot != shot else self.look.cuts
            looked = frame.index + 1 if self._find_cuts else 0
            self.look, shot = Look(self.look.thumbs, cuts, looked), frame.shot

    def _see_rest(self) -> None:
        for place, (first, last) in enumerate(self._slots()):
            if not self.look.thumbs[place] and not self._stop.is_set():
                self._see(place, (first + last) // 2)

    def _see(self, place: int, index: int) -> None:
        for frame in self._passing(self._source.glimpses(index, index + 1, _SIDE)):
            self._keep(place, frame.image)

    def _keep(self, place: int, image: np.ndarray) -> None:
        thumbs = list(self.look.thumbs)
        if not thumbs[place]:
            thumbs[place] = data_url(image, _QUALITY)
            self.look = replace(self.look, thumbs=tuple(thumbs))

    def _passing(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if self._stop.is_set():
                return
            yield frame

    def _slots(self) -> list[tuple[int, int]]:
        """The frames [first, last) that each thumbnail stands for."""
        bounds = np.linspace(0, self._source.info.frames, len(self.look.thumbs) + 1).astype(int).tolist()
        return list(pairwise(bounds))


def _fast_frame(source: Source, first: int, last: int) -> int | None:
    """A frame of [first, last) that is decoded alone; None where there is none."""
    if not isinstance(source, VideoSource):
        return (first + last) // 2
    keys = source.index.keyframes
    place = int(np.searchsorted(keys, first))
    return int(keys[place]) if place < len(keys) and keys[place] < last else None

"""What Review shows of a track, made in the background: the clip with its masks, pictures of doubtful frames."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidremove.errors import VidremoveError
from vidremove.media import Source
from vidremove.media.proxy import write_proxy
from vidremove.tracks import Track
from vidremove.types import Frame, MediaInfo, Progress

from .drawing import data_url, draw_layers
from .running import Background

_SIDE = 640  # pixels of the longer side of the clip
_THUMB = 192  # of a picture
LONGEST_S = 180.0  # seconds of the clip; what comes later is left out


@dataclass(frozen=True, slots=True)
class Drawn:
    """A source whose small pictures have the masks drawn in; what `write_proxy` reads of one."""

    source: Source
    track: Track
    colours: tuple[tuple[str, str], ...]  # object, "#rrggbb"

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def info(self) -> MediaInfo:
        return self.source.info

    def index_at(self, time_s: float | Fraction) -> int:
        return self.source.index_at(time_s)

    def glimpses(self, start: int = 0, stop: int | None = None, side: int = _SIDE) -> Iterator[Frame]:
        """As those of the source, with the masks."""
        for frame in self.source.glimpses(start, stop, side):
            masks = [(self.track.mask(frame.index, name), colour) for name, colour in self.colours]
            yield replace(frame, image=draw_layers(frame.image, masks))


class Footage(Background):
    """Pictures first, then the clip, in a thread that starts when this is made; ask it at any time."""

    def __init__(self, drawn: Drawn, frames: Sequence[int], clip: Path) -> None:
        """Start.

        Args:
            frames: to make pictures of, in the order of their worth.
            clip: to write, an MP4 file of no more than `LONGEST_S`.
        """
        super().__init__()
        self.thumbs: dict[int, str] = {}  # JPEG data URLs by frame
        self.share = 0.0  # of the clip that is done
        self.track = drawn.track
        self._drawn, self._frames, self._clip = drawn, frames, clip
        self._whole = False
        self.begin("footage", self._work)

    @property
    def clip(self) -> Path | None:
        """The clip, once it is complete."""
        return self._clip if self._whole else None

    @property
    def stopped(self) -> bool:
        """Whether it was ended before all was made."""
        return self._stop.is_set() and not self._whole

    def _work(self) -> None:
        try:
            for index in self._frames:
                if self._stop.is_set():
                    return
                for frame in self._drawn.glimpses(index, index + 1, _THUMB):
                    self.thumbs[index] = data_url(frame.image)
            self._clip.unlink(missing_ok=True)
            source: Any = self._drawn
            write_proxy(source, self._clip, side=_SIDE, longest_s=LONGEST_S, on_progress=self._step)
            self._whole = True
        except (VidremoveError, OSError, ValueError) as error:  # ValueError: the track was closed, a new one is there
            logging.getLogger(__name__).info("nothing to play over the clip: %s", error)

    def _step(self, step: Progress) -> bool:
        self.share = step.done / step.total if step.total else 0.0
        return not self._stop.is_set()

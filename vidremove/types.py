"""What passes between the parts: frames, prompts, what a medium is, what a run reports."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from vidremove.errors import ShapeError

Kind = Literal["video", "folder", "photo"]
Moment = int | float
"""A place in the video: a whole number is a frame, a float is a time in seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of the video and what is known about it so far.

    A stage never writes into the arrays of a frame it was given: it yields a new one (`dataclasses.replace`).
    """

    index: int  # place in the video, from 0
    pts: int  # presentation time in units of MediaInfo.time_base
    image: np.ndarray  # uint8, or uint16 above 8 bits (full range 0..65535) (H, W, 3), RGB, rotation applied
    native: object = None  # the planes it was decoded from; made by media/source.py, read by media/sink.py alone
    shot: int = 0  # number of the shot, from 0
    mask: np.ndarray | None = None  # bool (H, W), True = remove; after the fill: True = pixel was replaced

    def __post_init__(self) -> None:
        image, mask = self.image, self.mask
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
            raise ShapeError(
                f"frame {self.index}: image is {image.dtype} {image.shape}, needed uint8 or uint16 (H, W, 3)"
            )
        if mask is not None and (mask.dtype != np.bool_ or mask.shape != image.shape[:2]):
            raise ShapeError(f"frame {self.index}: mask is {mask.dtype} {mask.shape}, needed bool {image.shape[:2]}")


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is known of a source before its frames are decoded."""

    path: Path
    kind: Kind
    size: tuple[int, int]  # (H, W), rotation applied
    frames: int  # counted by demuxing, not taken from the header
    time_base: Fraction  # seconds per unit of Frame.pts
    rate: Fraction  # nominal frames per second; for display and for targets without times
    bits: int = 8  # per sample
    notes: tuple[str, ...] = ()  # oddities in words: variable frame rate, rotation, cut short
    colours: str = ""  # what is special about them in words: "10 bits, HDR (PQ), BT.2020"; "" where nothing is tagged

    @property
    def duration_s(self) -> float:
        return float(self.frames / self.rate) if self.rate else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What one object is, said on one frame. Points are (x, y) with whole numbers at pixel centres."""

    frame: int = 0
    object: str = "object"
    clicks: tuple[tuple[float, float], ...] = ()  # on the object
    not_clicks: tuple[tuple[float, float], ...] = ()  # beside the object
    box: tuple[float, float, float, float] | None = None  # x0, y0, x1, y1, corners
    mask: np.ndarray | None = None  # bool (H, W), taken as it is
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames [start, stop) between two cuts."""

    number: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Key:
    """A frame on which an object was asked for; its mask there is one that others are carried from."""

    object: str
    frame: int
    score: float  # 0..1, of the mask
    notes: tuple[str, ...] = ()  # what the user should know of it


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a pass. `total` is 0 while it is not known."""

    stage: str  # "shots", "track", "masks" (read from files), "survey", "fill", "write" (masks); "download" in bytes
    done: int
    total: int


OnProgress = Callable[[Progress], bool | None]  # returns False to cancel
"""Called after every frame of every pass; returning False ends the run with `Cancelled`."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass of a run took."""

    stage: str  # as in Progress
    frames: int  # that it went through
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did."""

    target: Path
    frames: int  # written
    changed: int  # of them with something removed
    shots: int  # among the frames that were worked on
    seconds: float
    notes: tuple[str, ...] = ()  # what the user should know: frames where the object was lost, streams not copied
    passes: tuple[Pass, ...] = ()  # in their order; opening and loading are in `seconds` alone

    def seconds_for(self, frames: int) -> float:
        """How long the same passes would take for so many frames, if those were like the ones that were worked on."""
        return sum(each.seconds / each.frames * frames for each in self.passes if each.frames)

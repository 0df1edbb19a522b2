"""Find what prompts mean on frames of an open source, click after click, without reading the frames again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np

from vidremove.choices import make_plugin, name_segmenter
from vidremove.config import Config
from vidremove.errors import InputError
from vidremove.images import fit_side, to_uint8
from vidremove.overlap import prefetch
from vidremove.prompts import check_prompts, is_mask_alone
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import scale_prompt
from vidremove.stages.observe import Observation
from vidremove.stages.shots import mark_shots
from vidremove.types import Frame, MediaInfo, Prompt

_MOST = 6  # frames whose surroundings are kept, about 10 MB each


class Source(Protocol):
    """What is needed of a source, see media/source.py; its frames may be read in several threads."""

    @property
    def info(self) -> MediaInfo: ...
    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...


class _GivenUp(Exception):
    """Nobody waits for it any more."""


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What is known of a frame before anything is said of it."""

    image: np.ndarray  # uint8 (h, w, 3), no larger than the segmenter makes use of
    seen: Observation | None  # its motion; for the embedded segmenter


class Finder:
    """Makes the masks of prompts, one frame at a time, equal to those that a run starts from.

    What does not depend on the prompt is kept for the frames that were asked for last, so that only the first prompt
    on a frame waits for the decoding. Threads may share it.
    """

    def __init__(self, source: Source, config: Config | None = None) -> None:
        self._source, self._config = source, config or Config()
        self._embedded = Embedded()
        self._made: dict[str, Any] = {}  # segmenters with weights, by name
        self._views: OrderedDict[tuple[int, bool], _View] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self, frame: int, wanted: Callable[[], bool] = lambda: True) -> None:
        """Look at a frame before it is pointed at; given up as soon as it is not `wanted` any more.

        Raises: InputError if it cannot be read.
        """
        if name_segmenter(self._config, Prompt(frame)) != "embedded":
            return
        with self._lock, suppress(_GivenUp):
            self._view(frame, True, wanted)

    def find(self, prompt: Prompt, segmenter: str | None = None) -> tuple[np.ndarray, float]:
        """The mask of a prompt on its frame: bool (H, W), and a score in [0, 1]; may be empty.

        Args:
            segmenter: the one to ask, whatever the settings say.
        Raises: InputError for a prompt that says nothing, or is outside the picture or the clip; PluginError where
            weights are missing.
        """
        info = self._source.info
        check_prompts([prompt], info.size, 0, info.frames)
        if prompt.mask is not None and is_mask_alone(prompt):
            return prompt.mask, 1.0
        name = segmenter or name_segmenter(self._config, prompt)
        with self._lock:
            view = self._view(prompt.frame, name == "embedded")
            small = view.image.shape[:2]
            asked = scale_prompt(prompt, info.size, small)
            if view.seen is not None:
                mask, score = self._embedded.find(view.seen, asked, small)
            else:
                mask, score = self._segmenter(name)(view.image[None], 0, replace(asked, frame=0))
        if small != info.size:
            mask = cv2.resize(mask.astype(np.float32), info.size[::-1], interpolation=cv2.INTER_CUBIC) > 0.5
        return mask, float(score)

    def _segmenter(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = make_plugin("segmenter", name, self._config)
        return self._made[name]

    def _view(self, frame: int, moving: bool, wanted: Callable[[], bool] = lambda: True) -> _View:
        """What is kept of the frame; read and looked at if it is not there."""
        key = frame, moving
        if key not in self._views:
            self._views[key] = self._look(frame, wanted) if moving else _View(self._read(frame), None)
            while len(self._views) > _MOST:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return self._views[key]

    def _read(self, frame: int) -> np.ndarray:
        for found in self._source.frames(frame, frame + 1):
            return to_uint8(found.image)
        raise InputError(f"frame {frame}: could not be read, so nothing can be found on it.")

    def _look(self, frame: int, wanted: Callable[[], bool]) -> _View:
        """Read the frames of one shot round a frame, no larger than they are made use of."""
        first, last = max(0, frame - Embedded.reach), min(self._source.info.frames, frame + Embedded.reach + 1)
        images: list[np.ndarray] = []
        at, shot = -1, -1
        with closing(prefetch(self._source.frames(first, last))) as frames:
            for seen in mark_shots(frames, self._config.shots):
                if not wanted():
                    raise _GivenUp
                if seen.shot != shot:
                    if at >= 0:
                        break
                    images, shot = [], seen.shot
                at = len(images) if seen.index == frame else at
                images.append(fit_side(to_uint8(seen.image), Embedded.side))
        if at < 0:
            raise InputError(f"frame {frame}: could not be read, so nothing can be found on it.")
        return _View(images[at], self._embedded.look(images, at))

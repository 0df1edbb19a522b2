"""One run: its source and range, its settings, its place for files, its progress and notes."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import cv2
from threadpoolctl import threadpool_limits

from vidremove.config import Config
from vidremove.errors import Cancelled, InputError
from vidremove.masks import MaskStore
from vidremove.media import Source, open_source
from vidremove.types import Frame, MediaInfo, Moment, OnProgress, Pass, Progress, Result

PathLike = str | Path
_lock = threading.Lock()
_running = 0  # jobs in this process
_before: tuple[int, threadpool_limits] | None = None  # threads of OpenCV, and limits of BLAS, before the first of them


@dataclass(slots=True)
class Job:
    """What every pass of one run needs. As a source, it shows the frames [start, stop) that are worked on."""

    source: Source
    start: int
    stop: int
    config: Config
    folder: Path  # for what does not fit in memory; removed at the end
    on_progress: OnProgress | None
    began: float
    notes: list[str] = field(default_factory=list)
    passes: dict[str, Pass] = field(default_factory=dict)
    ticked: float | None = None  # when the last step ended

    @property
    def info(self) -> MediaInfo:
        return self.source.info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        return self.source.frames(*self._clip(start, stop))

    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        return self.source.reversed(*self._clip(start, stop))

    def _clip(self, start: int, stop: int | None) -> tuple[int, int]:
        return max(start, self.start), self.stop if stop is None else min(stop, self.stop)

    def tick(self, stage: str, done: int, total: int) -> None:
        """Tell of a step, and remember what it took."""
        seconds = 0.0 if self.ticked is None else time.monotonic() - self.ticked
        before = self.passes.get(stage, Pass(stage, 0, 0.0))
        frames = self.stop - self.start if stage == "track" else before.frames + 1  # one step for each object there
        self.passes[stage] = Pass(stage, frames, before.seconds + seconds)
        if self.on_progress is not None and self.on_progress(Progress(stage, done, total)) is False:
            raise Cancelled("stopped as asked; the target was not touched.")
        self.ticked = time.monotonic()

    def narrow(self, store: MaskStore) -> None:
        """Leave out frames at either end that are farther from every hole than the fill looks."""
        holes = [index for index in range(self.start, self.stop) if store.area(index)]
        reach = self.config.fill.window
        first, last = (holes[0], holes[-1] + 1) if holes else (self.start, self.start)
        self.start, self.stop = max(self.start, first - reach), min(self.stop, last + reach if holes else last)

    def settle_dilation(self, tracked: bool) -> None:
        """Choose how far masks are grown, if the settings leave it open.

        A given mask is taken to be true to a pixel for every 320 of its longer side, a tracked one to twice that + 1.
        """
        if self.config.fill.dilate < 0:
            given = max(1, round(max(self.info.size) / 320))
            fill = replace(self.config.fill, dilate=2 * given + 1 if tracked else given)
            self.config = replace(self.config, fill=fill)

    def new_store(self) -> MaskStore:
        return MaskStore(self.folder / "masks", self.info.frames, self.info.size)

    def result(self, target: PathLike, changed: int, shots: int) -> Result:
        notes = dict.fromkeys((*self.source.notes, *self.notes))
        seconds = time.monotonic() - self.began
        passes = tuple(self.passes.values())
        return Result(Path(target), self.info.frames, changed, shots, seconds, tuple(notes), passes)


@contextmanager
def open_job(
    source: PathLike,
    config: Config | None,
    on_progress: OnProgress | None,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    rate: Fraction | None = None,
) -> Iterator[Job]:
    """Open the source and a folder for what does not fit in memory; both are gone when the block is left.

    Raises: InputError for a source that cannot be read, or a range that it does not have.
    """
    began = time.monotonic()
    with (
        _one_thread_a_call(),
        open_source(Path(source), rate=rate) as opened,
        tempfile.TemporaryDirectory(prefix="vidremove-") as folder,
    ):
        first, last = _range(opened, start, end)
        job = Job(opened, first, last, config or Config(), Path(folder), on_progress, began)
        if rate is not None and opened.info.kind == "video":
            job.notes.append("the rate given (--fps) is for folders of frames: a clip keeps the times it has")
        yield job


@contextmanager
def _one_thread_a_call() -> Iterator[None]:
    """Keep OpenCV and BLAS from splitting their many small calls: whole frames are worked on side by side instead."""
    global _running, _before
    with _lock:
        _running += 1
        if _before is None:
            _before = cv2.getNumThreads(), threadpool_limits(1, "blas")
            cv2.setNumThreads(1)
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0 and _before is not None:
                threads, blas = _before
                cv2.setNumThreads(threads)
                blas.restore_original_limits()
                _before = None


def _range(source: Source, start: Moment | None, end: Moment | None) -> tuple[int, int]:
    total = source.info.frames
    first, last = (
        bound if moment is None else moment if isinstance(moment, int) else source.index_at(moment)
        for moment, bound in ((start, 0), (end, total))
    )
    if not 0 <= first < min(last, total):
        path = source.info.path
        raise InputError(f"{path}: frames {first} up to {last} were asked for; it has frames 0 to {total - 1}.")
    return first, min(last, total)

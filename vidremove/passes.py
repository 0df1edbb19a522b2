"""What the verbs are made of: prompts to masks, masks to a survey of the background, that to filled frames."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vidremove.choices import make_segmenter
from vidremove.errors import InputError
from vidremove.job import Job, PathLike
from vidremove.masks import MaskStore
from vidremove.media import read_mask, read_masks
from vidremove.overlap import prefetch
from vidremove.phrases import one_prompt_a_phrase
from vidremove.prompts import check_prompts
from vidremove.registry import load_plugin
from vidremove.stages.fill import fill_frames
from vidremove.stages.objects import tell_silent
from vidremove.stages.propagate import track_objects
from vidremove.stages.shots import mark_shots
from vidremove.stages.survey import Survey, Surveyor
from vidremove.tracks import Track, is_track
from vidremove.types import Frame, Prompt

MaskFiles = Mapping[tuple[str, int], Path]


def settle_prompts(
    job: Job, prompts: Sequence[Prompt], pictures: MaskFiles | None, masks: PathLike | None
) -> list[Prompt]:
    """The prompts with their mask pictures read, all of them inside the picture and the range.

    Args:
        pictures: picture files to read as the masks of prompts, by (object, frame).
        masks: one mask a frame instead of prompts.
    Raises: InputError where there is neither or both, or a prompt does not fit.
    """
    size, files = job.info.size, pictures or {}
    read = {key: read_mask(path, size) for key, path in files.items()}
    named = [replace(p, mask=read.get((p.object, p.frame), p.mask)) for p in prompts]
    named = one_prompt_a_phrase(named)
    if not named and masks is None:
        raise InputError("nothing says what to remove: give a click, a box, a mask or a phrase.")
    if named and masks is not None:
        raise InputError(f"{masks} gives one mask a frame: no other prompt can be added to it.")
    check_prompts(named, size, job.start, job.stop)
    return named


def get_masks(job: Job, prompts: Sequence[Prompt], masks: PathLike | None, store: MaskStore) -> int:
    """Fill the store, by reading `masks` or by tracking the prompts. Returns: shots found by tracking."""
    job.settle_dilation(tracked=masks is None or is_track(masks))
    if masks is not None:
        if is_track(masks):
            _take_track(job, Path(masks), store)
        else:
            read_masks(Path(masks), job.info, store, lambda done: job.tick("masks", done, len(store)))
        for index in (*range(job.start), *range(job.stop, len(store))):
            if store.area(index):
                store.put(index, np.zeros(store.size, np.bool_), 0.0)
        return 0
    flow, progress = load_plugin("flow", job.config.track.flow), Tracking(job, len(store))
    segmenter = make_segmenter(job.config, prompts)
    report = track_objects(job, prompts, segmenter, flow, store, job.config, progress.join, progress)
    job.notes.extend((*report.notes, *tell_silent(report.shots, report.keys)))
    return len(report.shots)


def _take_track(job: Job, path: Path, store: MaskStore) -> None:
    """Fill the store with the union of what is in a track. Raises: InputError if it is damaged or does not fit."""
    with Track.open(path) as track:
        track.check_fits(job.info)
        for index in range(job.start, job.stop):
            store.put(index, track.mask(index), track.confidence(index))
            job.tick("masks", index + 1 - job.start, job.stop - job.start)


@dataclass(slots=True)
class Tracking:
    """The steps of tracking: frames looked at for cuts; then those carried to, and masks united."""

    job: Job
    total: int
    done: int = 0

    def look(self, index: int) -> None:
        self.job.tick("shots", index + 1 - self.job.start, self.job.stop - self.job.start)

    def plan(self, frames: int) -> None:
        self.total += frames

    def join(self, index: int) -> None:
        self.done += 1
        self.job.tick("track", self.done, self.total)


def survey_background(job: Job, store: MaskStore) -> tuple[Survey, int]:
    """How the camera moves, and what the background looks like far from each frame. Returns: it, and the shots."""
    job.narrow(store)
    surveyor = Surveyor(job.config.fill, job.folder / "background")
    shots = 0
    with closing(_masked(job, store)) as frames:
        for frame in frames:
            surveyor.add(frame)
            shots = frame.shot + 1
            job.tick("survey", frame.index + 1 - job.start, job.stop - job.start)
    return surveyor.finish(), shots


def fill_range(job: Job, store: MaskStore, survey: Survey, inpainter: Any) -> Generator[Frame, None, None]:
    """The frames that are worked on, filled; their masks are True where a pixel was replaced."""
    with closing(_masked(job, store)) as frames:
        yield from fill_frames(frames, survey, inpainter, job.config.fill, job.config.workers)


def _masked(job: Job, store: MaskStore) -> Generator[Frame, None, None]:
    """The frames of the range with shot numbers and masks, decoded ahead."""
    with closing(prefetch(job.frames())) as frames:
        for frame in mark_shots(frames, job.config.shots):
            yield replace(frame, mask=store.get(frame.index))

"""The verbs that write a track: one that is new, and one that is corrected."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidremove.choices import make_segmenter
from vidremove.config import Config
from vidremove.job import Job, PathLike, open_job
from vidremove.passes import MaskFiles, Tracking, settle_prompts
from vidremove.registry import load_plugin
from vidremove.stages.objects import tell_silent
from vidremove.stages.propagate import correct_apart, track_apart
from vidremove.track_file import check_names
from vidremove.tracks import Track, TrackSink, revise
from vidremove.types import OnProgress, Prompt, Result


def write_track(job: Job, prompts: Sequence[Prompt], target: Path, *, overwrite: bool) -> Result:
    """Track the prompts, settled already, into a new track. Raises: VidremoveError; the target is untouched then."""
    check_names([*dict.fromkeys(prompt.object for prompt in prompts)])
    with TrackSink(target, job.info, overwrite=overwrite) as sink:
        flow, progress = load_plugin("flow", job.config.track.flow), Tracking(job, 1)
        segmenter = make_segmenter(job.config, prompts)
        report = track_apart(job, prompts, segmenter, flow, sink.stores, job.config, progress.join, progress)
        sink.finish(report.shots, report.keys)
        job.notes.extend((*report.notes, *tell_silent(report.shots, report.keys)))
        progress.join(job.stop - 1)
    return _result(job, target)


def correct(
    source: PathLike,
    target: PathLike,
    prompts: Sequence[Prompt] = (),
    *,
    mask_pictures: MaskFiles | None = None,
    rate: Fraction | None = None,
    config: Config | None = None,
    on_progress: OnProgress | None = None,
) -> Result:
    """Track again in a track, from what is said in addition, only as far as that reaches.

    Each prompt makes a new keyframe of its object, or takes the place of one on the same frame. Only the frames between
    it and the keyframes before and after it, or the cuts where there is none, are tracked again; all others keep their
    bits. A new object is tracked in its shot.

    Args:
        source: what the track was made from.
        target: the track; replaced at one stroke at the end, and as it was if anything goes wrong.
        prompts: what is new.
        mask_pictures: picture files to read as the masks of prompts, by (object, frame).
        rate: frames per second of a frame folder.
        config: settings; the defaults where None.
        on_progress: called after each frame; returning False cancels.
    Raises: VidremoveError with one sentence; Cancelled.
    """
    with Track.open(target) as track:
        start, end = track.shots[0].start, track.shots[-1].stop
        with open_job(source, config, on_progress, start=start, end=end, rate=rate) as job:
            track.check_fits(job.info)
            prompts = settle_prompts(job, prompts, mask_pictures, None)
            names = [*dict.fromkeys(prompt.object for prompt in prompts)]
            check_names([*dict.fromkeys((*track.objects, *names))])
            flow, progress = load_plugin("flow", job.config.track.flow), Tracking(job, 1)
            segmenter = make_segmenter(job.config, prompts)
            with revise(track, names) as revision:
                report = correct_apart(
                    *(job, prompts, segmenter, flow, revision.stores, track.shots, track.keyframes, job.config),
                    *(progress.join, progress),
                )
                progress.join(job.stop - 1)
                revision.commit(report.keys)
            job.notes.extend(report.notes)
            return _result(job, Path(target))


def _result(job: Job, target: Path) -> Result:
    """What the track holds now."""
    with Track.open(target) as track:
        there = np.any([track.areas(name) > 0 for name in track.objects], axis=0)
        return job.result(target, int(there.sum()), len(track.shots))

"""The verbs that work through a whole source. With passes.py the only file that knows the order of the stages."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from vidremove.aside import open_aside
from vidremove.choices import make_inpainters, name_inpainters
from vidremove.config import Config
from vidremove.correction import write_track
from vidremove.job import Job, PathLike, open_job
from vidremove.masks import MaskStore
from vidremove.media import MaskSink, Sink, beside, frames_as_they_are, open_sink, widened
from vidremove.overlap import prefetch
from vidremove.passes import MaskFiles, fill_range, get_masks, settle_prompts, survey_background
from vidremove.stages.survey import Survey
from vidremove.tracks import is_track_name
from vidremove.types import Frame, Moment, OnProgress, Prompt, Result


def remove(
    source: PathLike,
    target: PathLike,
    prompts: Sequence[Prompt] = (),
    *,
    masks: PathLike | None = None,
    mask_pictures: MaskFiles | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    rate: Fraction | None = None,
    config: Config | None = None,
    save_masks: PathLike | None = None,
    layer: PathLike | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Result:
    """Take what the prompts name out of a clip, a folder of frames or a picture.

    Args:
        source: video file, folder of pictures, or picture.
        target: where to write; appears when it is complete.
        prompts: what to remove, of one or several objects; their union is removed.
        masks: track, folder or video with one mask a frame; then nothing is tracked and no prompts are allowed.
        mask_pictures: picture files to read as the masks of prompts, by (object, frame).
        start, end: work on [start, end) only and pass the rest through; int = frame, float = seconds.
        rate: frames per second of a frame folder.
        config: settings; the defaults where None.
        save_masks: folder to write the masks to, as PNG pictures.
        layer: folder to write the fill alone to, with alpha, as PNG pictures: laid over the frames they give the result
            before it is encoded.
        overwrite: replace an existing target.
        on_progress: called after each frame of each pass; returning False cancels.
    Raises: VidremoveError with one sentence; Cancelled. The target is untouched then.
    """
    with open_job(source, config, on_progress, start=start, end=end, rate=rate) as job, ExitStack() as stack:
        prompts = settle_prompts(job, prompts, mask_pictures, masks)
        names = name_inpainters(job.config)
        wide = widened(job.source, len(names))
        sink = stack.enter_context(open_sink(Path(target), wide, job.config.output, rate=rate, overwrite=overwrite))
        aside = open_aside(stack, job, Path(target), save_masks, layer, overwrite=overwrite)
        store = stack.enter_context(job.new_store())
        inpainters = make_inpainters(job.config)  # told at once if one cannot be had
        get_masks(job, prompts, masks, store)
        survey, shots = survey_background(job, store)
        changed = 0
        with closing(prefetch(_beside(job, store, survey, inpainters, sink))) as frames:
            for frame in frames:
                sink.write(frame)
                aside.write(frame, job, store)
                changed += frame.mask is not None and bool(frame.mask.any())
                job.tick("fill", frame.index + 1, job.info.frames)
        job.notes.extend(sink.notes)
        if len(names) > 1:
            job.notes.append(f"from left to right, filled with {' and '.join(names)}; run again with the better one")
        return job.result(target, changed, shots)


def fill(
    source: PathLike,
    target: PathLike,
    masks: PathLike,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    rate: Fraction | None = None,
    config: Config | None = None,
    save_masks: PathLike | None = None,
    layer: PathLike | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Result:
    """Remove what one mask a frame shows: `remove` with `masks`; the other arguments are the same."""
    return remove(
        source,
        target,
        masks=masks,
        start=start,
        end=end,
        rate=rate,
        config=config,
        save_masks=save_masks,
        layer=layer,
        overwrite=overwrite,
        on_progress=on_progress,
    )


def track(
    source: PathLike,
    target: PathLike,
    prompts: Sequence[Prompt] = (),
    *,
    mask_pictures: MaskFiles | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    rate: Fraction | None = None,
    config: Config | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Result:
    """Write what would be removed into the folder `target`. Arguments as for `remove`.

    A target named NAME.track becomes a track, see tracks.py, which can be looked at object by object, corrected and
    given to `remove` as its masks; any other a folder of PNG pictures, one mask a frame.
    """
    with open_job(source, config, on_progress, start=start, end=end, rate=rate) as job, ExitStack() as stack:
        prompts = settle_prompts(job, prompts, mask_pictures, None)
        if is_track_name(target):
            return write_track(job, prompts, Path(target), overwrite=overwrite)
        sink = stack.enter_context(MaskSink(Path(target), job.source, overwrite=overwrite))
        store = stack.enter_context(job.new_store())
        shots = get_masks(job, prompts, None, store)
        for index, mask in enumerate(store):
            sink.write(index, mask)
            job.tick("write", index + 1, len(store))
        return job.result(target, sum(store.area(index) > 0 for index in range(len(store))), shots)


def _beside(
    job: Job, store: MaskStore, survey: Survey, inpainters: Sequence[Any], sink: Sink
) -> Generator[Frame, None, None]:
    """Every frame of the source once for each inpainter, beside each other."""
    kept = partial(frames_as_they_are, job.source, sink) if len(inpainters) == 1 else job.source.frames
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(_filled(job, store, survey, each, kept))) for each in inpainters]
        yield from map(beside, zip(*streams, strict=True))


def _filled(
    job: Job, store: MaskStore, survey: Survey, inpainter: Any, kept: Callable[[int, int], Iterator[Frame]]
) -> Generator[Frame, None, None]:
    """Every frame of the source, those of the range filled, the others from `kept`."""
    yield from kept(0, job.start)
    yield from fill_range(job, store, survey, inpainter)
    if job.stop < job.info.frames:
        yield from kept(job.stop, job.info.frames)

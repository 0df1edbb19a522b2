"""The verbs. The only file that knows the order of the stages."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidremove.config import Config
from vidremove.errors import InputError, OutputError
from vidremove.images import to_uint8
from vidremove.job import Job, PathLike, open_job
from vidremove.masks import MaskStore
from vidremove.media import (
    MaskSink,
    beside,
    check_picture,
    open_sink,
    read_mask,
    read_masks,
    widened,
    write_picture,
)
from vidremove.overlap import prefetch
from vidremove.phrases import one_prompt_a_phrase
from vidremove.pictures import draw_mask, side_by_side
from vidremove.prompts import check_prompts
from vidremove.registry import NETWORKS, load_plugin
from vidremove.segmenters.choice import Choice, points_segmenter
from vidremove.stages.fill import fill_frames
from vidremove.stages.propagate import track_objects
from vidremove.stages.shots import mark_shots
from vidremove.stages.survey import Survey, Surveyor
from vidremove.types import Frame, Moment, OnProgress, Prompt, Result

MaskFiles = Mapping[tuple[str, int], Path]
BOTH = ("lama", "mat")  # inpainters whose results `fill.inpainter = "both"` shows beside each other
PREVIEW_REACH = 12  # frames tracked and looked at on either side of the previewed one


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
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Result:
    """Take what the prompts name out of a clip, a folder of frames or a picture.

    Args:
        source: video file, folder of pictures, or picture.
        target: where to write; appears when it is complete.
        prompts: what to remove, of one or several objects; their union is removed.
        masks: folder or video with one mask a frame; then nothing is tracked and no prompts are allowed.
        mask_pictures: picture files to read as the masks of prompts, by (object, frame).
        start, end: work on [start, end) only and pass the rest through; int = frame, float = seconds.
        rate: frames per second of a frame folder.
        config: settings; the defaults where None.
        save_masks: folder to write the masks to, as PNG pictures.
        overwrite: replace an existing target.
        on_progress: called after each frame of each pass; returning False cancels.
    Raises: VidremoveError with one sentence; Cancelled. The target is untouched then.
    """
    with open_job(source, config, on_progress, start=start, end=end, rate=rate) as job, ExitStack() as stack:
        prompts = _check(job, prompts, mask_pictures, masks)
        if save_masks is not None:
            _keep_apart(Path(target), Path(save_masks))
        names = _inpainters(job.config)
        wide = widened(job.source, len(names))
        sink = stack.enter_context(open_sink(Path(target), wide, job.config.output, rate=rate, overwrite=overwrite))
        saved = None
        if save_masks is not None:
            saved = stack.enter_context(MaskSink(Path(save_masks), job.source, overwrite=overwrite))
        store = stack.enter_context(job.new_store())
        inpainters = [_plugin("inpainter", name, job.config) for name in names]  # told at once if one cannot be had
        _get_masks(job, prompts, masks, store)
        survey, shots = _survey(job, store)
        changed = 0
        with closing(prefetch(_beside(job, store, survey, inpainters))) as frames:
            for frame in frames:
                sink.write(frame)
                if saved is not None:
                    saved.write(frame.index, store.get(frame.index))
                changed += frame.mask is not None and bool(frame.mask.any())
                job.tick("fill", frame.index + 1, job.info.frames)
        job.notes.extend(sink.notes)
        if len(names) > 1:
            job.notes.append(f"from left to right, filled with {' and '.join(names)}; run again with the better one")
        return job.result(target, changed, shots)


def fill(source: PathLike, target: PathLike, masks: PathLike, **options: Any) -> Result:
    """Remove what one mask a frame shows: `remove` with `masks`; the other arguments are the same."""
    return remove(source, target, masks=masks, **options)


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
    """Write what would be removed: one PNG mask a frame, into the folder `target`. Arguments as for `remove`."""
    with open_job(source, config, on_progress, start=start, end=end, rate=rate) as job, ExitStack() as stack:
        prompts = _check(job, prompts, mask_pictures, None)
        sink = stack.enter_context(MaskSink(Path(target), job.source, overwrite=overwrite))
        store = stack.enter_context(job.new_store())
        shots = _get_masks(job, prompts, None, store)
        for index, mask in enumerate(store):
            sink.write(index, mask)
        return job.result(target, sum(store.area(index) > 0 for index in range(len(store))), shots)


def preview(
    source: PathLike,
    target: PathLike,
    prompts: Sequence[Prompt] = (),
    *,
    masks: PathLike | None = None,
    mask_pictures: MaskFiles | None = None,
    frame: int | None = None,
    rate: Fraction | None = None,
    config: Config | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Result:
    """Write one picture: the mask in red over a frame, and the filled frame beside it (or both, see `BOTH`).

    Only the frames round it are tracked and looked at, so a whole run may find more of the true background.
    Other arguments as for `remove`; `frame` is the one shown, by default that of the first prompt.
    """
    spoken = [prompt.frame for prompt in prompts]
    shown = frame if frame is not None else spoken[0] if spoken else 0
    first, last = min([*spoken, shown]) - PREVIEW_REACH, max([*spoken, shown]) + PREVIEW_REACH + 1
    with (
        open_job(source, config, on_progress, start=max(0, first), end=last, rate=rate) as job,
        job.new_store() as store,
    ):
        check_picture(Path(target), job.source.path, overwrite=overwrite)
        if not job.start <= shown < job.stop:
            raise InputError(f"{source}: frame {shown} was asked for; it has frames 0 to {job.info.frames - 1}.")
        inpainters = [_plugin("inpainter", name, job.config) for name in _inpainters(job.config)]
        _get_masks(job, _check(job, prompts, mask_pictures, masks), masks, store)
        survey, shots = _survey(job, store)
        original = job.source.at(shown).image
        pictures = [draw_mask(original, store.get(shown))]
        for inpainter in inpainters:
            pictures.append(to_uint8(_fill_one(job, store, survey, inpainter, shown, original)))
        write_picture(Path(target), side_by_side(*pictures), job.source.path, overwrite=overwrite)
        return job.result(target, int(store.area(shown) > 0), shots)


def segment(
    images: np.ndarray, prompt: Prompt, *, at: int = 0, config: Config | None = None
) -> tuple[np.ndarray, float]:
    """The mask of one prompt on one image.

    Args:
        images: uint8 (H, W, 3), or (T, H, W, 3) for an image with its neighbours in time, RGB.
        prompt: clicks, box, mask or text; `prompt.frame` is not read.
        at: which of the T images the prompt speaks of.
        config: settings; the defaults where None.
    Returns: bool (H, W), True = the object, and a score in [0, 1].
    Raises: InputError for a prompt outside the image.
    """
    stack = images[None] if images.ndim == 3 else images
    check_prompts([replace(prompt, frame=0)], (stack.shape[1], stack.shape[2]), 0, 1)
    mask, score = _segmenter(config or Config(), [prompt])(stack, at, prompt)
    return mask, float(score)


def _keep_apart(target: Path, save_masks: Path) -> None:
    one, other = target.resolve(), save_masks.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise OutputError(f"{save_masks}: masks and result need places of their own; {target} is the same or inside.")


def _check(job: Job, prompts: Sequence[Prompt], pictures: MaskFiles | None, masks: PathLike | None) -> list[Prompt]:
    """The prompts with their mask pictures read, all of them inside the picture and the range."""
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


def _inpainters(config: Config) -> tuple[str, ...]:
    return BOTH if config.fill.inpainter == "both" else (config.fill.inpainter,)


def _plugin(kind: str, name: str, config: Config) -> Any:
    options = {"device": config.device, "precision": config.precision} if name in NETWORKS else {}
    weights = {"lavt": config.track.text_weights, "transfiner": config.track.point_weights}
    if name in weights:
        options["weights"] = weights[name]
    return load_plugin(kind, name, **options)


def _segmenter(config: Config, prompts: Sequence[Prompt]) -> Any:
    """The segmenter that was named; by default LAVT for phrases, Mask Transfiner for points if its weights are here."""
    name = config.track.segmenter
    if name != "auto":
        return _plugin("segmenter", name, config)
    return Choice(
        prompts,
        for_text=lambda: _plugin("segmenter", "lavt", config),
        for_points=lambda: _plugin("segmenter", points_segmenter(config.track.point_weights), config),
    )


def _get_masks(job: Job, prompts: Sequence[Prompt], masks: PathLike | None, store: MaskStore) -> int:
    """Fill the store, by reading or by tracking. Returns: shots found by tracking."""
    job.settle_dilation(tracked=masks is None)
    if masks is not None:
        read_masks(Path(masks), job.info, store)
        for index in (*range(job.start), *range(job.stop, len(store))):
            store.put(index, np.zeros(store.size, np.bool_), 0.0)
        return 0
    total, done = job.stop - job.start, 0

    def tick(_: int) -> None:
        nonlocal done
        done += 1
        job.tick("track", min(done, total), total)

    def look(index: int) -> None:
        job.tick("shots", index + 1 - job.start, total)

    flow = load_plugin("flow", job.config.track.flow)
    report = track_objects(job, prompts, _segmenter(job.config, prompts), flow, store, job.config, tick, look)
    job.notes.extend(report.notes)
    return len(report.shots)


def _masked(job: Job, store: MaskStore) -> Generator[Frame, None, None]:
    """The frames of the range with shot numbers and masks, decoded ahead."""
    with closing(prefetch(job.frames())) as frames:
        for frame in mark_shots(frames, job.config.shots):
            yield replace(frame, mask=store.get(frame.index), confidence=store.confidence(frame.index))


def _survey(job: Job, store: MaskStore) -> tuple[Survey, int]:
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


def _fill_range(job: Job, store: MaskStore, survey: Survey, inpainter: Any) -> Generator[Frame, None, None]:
    with closing(_masked(job, store)) as frames:
        yield from fill_frames(frames, survey, inpainter, job.config.fill, job.config.workers)


def _fill_one(
    job: Job, store: MaskStore, survey: Survey, inpainter: Any, shown: int, original: np.ndarray
) -> np.ndarray:
    """The picture of one frame after the fill; the original where no hole is near."""
    with closing(_fill_range(job, store, survey, inpainter)) as frames:
        for frame in frames:
            job.tick("fill", frame.index + 1 - job.start, job.stop - job.start)
            if frame.index == shown:
                return frame.image
    return original


def _beside(job: Job, store: MaskStore, survey: Survey, inpainters: Sequence[Any]) -> Generator[Frame, None, None]:
    """Every frame of the source once for each inpainter, beside each other."""
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(_filled(job, store, survey, each))) for each in inpainters]
        yield from map(beside, zip(*streams, strict=True))


def _filled(job: Job, store: MaskStore, survey: Survey, inpainter: Any) -> Generator[Frame, None, None]:
    """Pass 2: every frame of the source, those of the range filled."""
    yield from job.source.frames(0, job.start)
    yield from _fill_range(job, store, survey, inpainter)
    if job.stop < job.info.frames:
        yield from job.source.frames(job.stop, job.info.frames)

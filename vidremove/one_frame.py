"""The verbs for what is small: how one frame, or a second round it, will look; what one prompt finds."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidremove.choices import make_inpainters, make_segmenter
from vidremove.config import Config
from vidremove.errors import InputError, OutputError
from vidremove.images import even_sides, fit_side, to_uint8
from vidremove.job import Job, PathLike, open_job
from vidremove.masks import MaskStore
from vidremove.media import check_target, is_picture, write_clip, write_picture
from vidremove.passes import MaskFiles, fill_range, get_masks, settle_prompts, survey_background
from vidremove.pictures import GAP, draw_mask, side_by_side
from vidremove.prompts import check_prompts, is_mask_alone
from vidremove.stages.shots import list_shots
from vidremove.stages.survey import Survey
from vidremove.types import Frame, OnProgress, Prompt, Result

PREVIEW_REACH = 12  # frames tracked and looked at on either side of what is previewed
CLIP = ".mp4"  # a target ending so becomes a clip
_MOST_FRAMES = 60  # of a clip on either side of its frame
_LONGEST_SIDE = 4096  # of a clip's pictures, as far as every browser plays them
_PAST_CUT = 6  # frames after which a cut is sure


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
    """Write one frame with the mask in red, and filled beside it (or twice, see `choices.BOTH`).

    A target that is a picture shows the frame alone. One that ends in .mp4 becomes a clip that browsers play, of half
    a second before and after the frame, as far as its shot goes. Only the frames round it are tracked and looked at, so
    a whole run may find more of the true background; `Result.seconds_for` tells what that would take.
    Other arguments as for `remove`; `frame` is the one shown, by default that of the first prompt.
    """
    target = Path(target)
    with open_job(source, config, on_progress, rate=rate) as job, job.new_store() as store:
        _check_target(job, target, overwrite)
        spoken = [prompt.frame for prompt in prompts]
        shown = frame if frame is not None else spoken[0] if spoken else 0
        if not 0 <= shown < job.info.frames:
            raise InputError(f"{source}: frame {shown} was asked for; it has frames 0 to {job.info.frames - 1}.")
        first, stop = _second_round(job, shown) if target.suffix.lower() == CLIP else (shown, shown + 1)
        _look_at(job, min([*spoken, first]), max([*spoken, stop - 1]) + 1)
        inpainters = make_inpainters(job.config)
        get_masks(job, settle_prompts(job, prompts, mask_pictures, masks), masks, store)
        _look_at(job, first, stop)
        survey, shots = survey_background(job, store)
        with closing(_rows(job, store, survey, inpainters, first, stop)) as rows:
            if target.suffix.lower() == CLIP:
                count = len(inpainters) + 1
                longest = (_LONGEST_SIDE - (count - 1) * GAP) // count
                pictures = (even_sides(side_by_side(*(fit_side(each, longest) for each in row))) for row in rows)
                write_clip(target, pictures, job.info.rate.limit_denominator(1001), overwrite=overwrite)
            else:
                write_picture(target, side_by_side(*next(rows)), job.source.path, overwrite=overwrite)
        changed = sum(store.area(index) > 0 for index in range(first, stop))
        return replace(job.result(target, changed, shots), frames=stop - first)


def segment(
    images: np.ndarray, prompt: Prompt, *, at: int = 0, config: Config | None = None
) -> tuple[np.ndarray, float]:
    """The mask of one prompt on one image.

    Args:
        images: uint8 (H, W, 3), or (T, H, W, 3) for an image with its neighbours in time, RGB.
        prompt: clicks, box, mask or text; `prompt.frame` is not read. A mask alone is returned as it is.
        at: which of the T images the prompt speaks of.
        config: settings; the defaults where None.
    Returns: bool (H, W), True = the object, and a score in [0, 1].
    Raises: InputError for images of another kind, and for a prompt that says nothing or is outside the image.
    """
    stack = images[None] if images.ndim == 3 else images
    if stack.ndim != 4 or stack.shape[3] != 3 or stack.dtype != np.uint8:
        raise InputError(f"the image is {images.dtype} {images.shape}, needed uint8 (H, W, 3) or (T, H, W, 3), RGB.")
    if not 0 <= at < len(stack):
        raise InputError(f"image {at} was asked for, needed 0 to {len(stack) - 1}.")
    check_prompts([replace(prompt, frame=0)], stack.shape[1:3], 0, 1)
    if prompt.mask is not None and is_mask_alone(prompt):
        return prompt.mask, 1.0
    mask, score = make_segmenter(config or Config(), [prompt])(stack, at, prompt)
    return mask, float(score)


def _check_target(job: Job, target: Path, overwrite: bool) -> None:
    """See before any work that the target can be written. Raises: OutputError."""
    check_target(target, job.source.path, overwrite)
    if is_picture(target):
        return
    if target.suffix.lower() != CLIP:
        raise OutputError(f"{target}: a preview is a picture, such as look.png, or a second of the clip, look.mp4.")
    if job.info.kind == "photo":
        raise OutputError(f"{target}: the source is one picture, and so is its preview; name it look.png or so.")


def _second_round(job: Job, shown: int) -> tuple[int, int]:
    """Frames [first, stop): half a second before and after the one shown, within its shot."""
    half = min(max(1, round(job.info.rate / 2)), _MOST_FRAMES)
    first, stop = max(0, shown - half), min(shown + half + 1, job.info.frames)
    for shot in list_shots(job.source.frames(first, stop + _PAST_CUT), job.config.shots):
        if shot.start <= shown < shot.stop:
            return max(first, shot.start), min(stop, shot.stop)
    return first, stop


def _look_at(job: Job, first: int, stop: int) -> None:
    """Work on frames [first, stop) and some on either side, of those that were worked on so far."""
    job.start, job.stop = max(job.start, first - PREVIEW_REACH), min(job.stop, stop + PREVIEW_REACH)


def _rows(
    job: Job, store: MaskStore, survey: Survey, inpainters: Sequence[Any], first: int, stop: int
) -> Generator[list[np.ndarray], None, None]:
    """The pictures of each of the frames [first, stop): the mask in red, then one filled by each inpainter."""
    with ExitStack() as stack:
        originals = job.source.frames(first, stop)
        streams = [stack.enter_context(closing(_fills(job, store, survey, each, first, stop))) for each in inpainters]
        for original, *filled in zip(originals, *streams, strict=True):
            masked = draw_mask(original.image, store.get(original.index))
            yield [masked, *(to_uint8(each.image) for each in filled)]


def _fills(
    job: Job, store: MaskStore, survey: Survey, inpainter: Any, first: int, stop: int
) -> Generator[Frame, None, None]:
    """Frames [first, stop) after the fill; as they are where no hole is near."""
    yield from job.source.frames(first, max(first, min(job.start, stop)))
    with closing(fill_range(job, store, survey, inpainter)) as frames:
        for frame in frames:
            job.tick("fill", frame.index + 1 - job.start, min(stop, job.stop) - job.start)
            if frame.index >= first:
                yield frame
            if frame.index + 1 >= stop:
                return
    yield from job.source.frames(max(first, min(job.stop, stop)), stop)

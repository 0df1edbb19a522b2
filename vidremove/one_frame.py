"""The verbs for a single picture: how one frame will look, and what one prompt finds."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidremove.choices import make_inpainters, make_segmenter
from vidremove.config import Config
from vidremove.errors import InputError
from vidremove.images import to_uint8
from vidremove.job import Job, PathLike, open_job
from vidremove.masks import MaskStore
from vidremove.media import check_picture, write_picture
from vidremove.passes import MaskFiles, fill_range, get_masks, settle_prompts, survey_background
from vidremove.pictures import draw_mask, side_by_side
from vidremove.prompts import check_prompts, is_mask_alone
from vidremove.stages.survey import Survey
from vidremove.types import OnProgress, Prompt, Result

PREVIEW_REACH = 12  # frames tracked and looked at on either side of the previewed one


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
    """Write one picture: the mask in red over a frame, and the filled frame beside it (or two, see `choices.BOTH`).

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
        inpainters = make_inpainters(job.config)
        get_masks(job, settle_prompts(job, prompts, mask_pictures, masks), masks, store)
        survey, shots = survey_background(job, store)
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


def _fill_one(
    job: Job, store: MaskStore, survey: Survey, inpainter: Any, shown: int, original: np.ndarray
) -> np.ndarray:
    """The picture of one frame after the fill; the original where no hole is near."""
    with closing(fill_range(job, store, survey, inpainter)) as frames:
        for frame in frames:
            job.tick("fill", frame.index + 1 - job.start, shown + 1 - job.start)
            if frame.index == shown:
                return frame.image
    return original

"""The second pass as one generator: background, never-seen pixels, blending."""

import os
from collections.abc import Generator, Iterable

from vidremove.config import FillConfig
from vidremove.stages.background import gather_background
from vidremove.stages.blend import blend
from vidremove.stages.inpaint import Inpainter, inpaint_unseen
from vidremove.stages.survey import Survey
from vidremove.types import Frame

_MOST_WORKERS = 8  # by themselves; each has two frames in work


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fill_frames(
    frames: Iterable[Frame], survey: Survey, inpainter: Inpainter, config: FillConfig, workers: int = 0
) -> Generator[Frame, None, None]:
    """Fill the masked pixels of every frame.

    Args:
        frames: in order, each with its mask (not grown) or None, and its shot.
        survey: made from the same frames and masks by a `Surveyor` with the same config.
        inpainter: for pixels that no frame shows.
        workers: threads, 0 for one a usable core; the result does not depend on their number.
    Returns: the frames in order. `image` is a new array in which only pixels of the grown mask differ, `mask` tells
        which were replaced; a frame without a mask is passed on as it is.
    """
    drafts = gather_background(frames, survey, config, workers or min(usable_cores(), _MOST_WORKERS))
    yield from blend(inpaint_unseen(drafts, survey, inpainter), survey, config)

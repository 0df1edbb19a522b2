"""Several results in one frame, beside each other."""

from copy import copy
from dataclasses import replace

import numpy as np

from vidremove.media.source import Source
from vidremove.media.video import VideoSource
from vidremove.types import Frame


def widened(source: Source, count: int) -> Source:
    """For a sink whose frames hold `count` pictures of the source side by side: the same source, that much wider.

    Only what a sink asks of it (size, times, tags, sound) is to be used; its frames are as wide as ever.
    """
    if count == 1:
        return source
    wide = copy(source)
    height, width = source.info.size
    wide.info = replace(source.info, size=(height, count * width))
    if isinstance(wide, VideoSource):
        height, width = wide.stored_size
        on_its_side = wide.orientation.swaps_sides
        wide.stored_size = (count * height, width) if on_its_side else (height, count * width)
    return wide


def beside(frames: tuple[Frame, ...]) -> Frame:
    """Frames of one size and time as one, from left to right; without native planes unless it is only one."""
    first = frames[0]
    if len(frames) == 1:
        return first
    masks = [frame.mask if frame.mask is not None else np.zeros(frame.image.shape[:2], np.bool_) for frame in frames]
    image = np.hstack([frame.image for frame in frames])
    return replace(first, image=image, mask=np.hstack(masks), native=None)

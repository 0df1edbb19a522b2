"""A small copy of a source that every browser plays, and which sources need none."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from vidremove.errors import Cancelled, InputError
from vidremove.images import even_sides
from vidremove.media.colour import BT709, LIMITED_RANGE
from vidremove.media.faults import writing
from vidremove.media.index import open_video
from vidremove.media.source import Source
from vidremove.media.target import StagedFile
from vidremove.media.video import VideoSource
from vidremove.types import OnProgress, Progress

_CONTAINERS = (".mp4", ".m4v", ".mov", ".webm")
_CODECS = ("h264", "vp8", "vp9", "av1")  # HEVC, ProRes and FFV1 are played by few browsers or none
_FORMATS = ("yuv420p", "yuvj420p")
_MOST_PIXELS = 1920 * 1088  # two of them at a time
_OPTIONS = {"preset": "veryfast", "crf": "21"}


def plays_in_browsers(source: Source) -> bool:
    """Whether browsers play the file as it is, two of its kind at a time."""
    if not isinstance(source, VideoSource) or source.path.suffix.lower() not in _CONTAINERS:
        return False
    height, width = source.info.size
    with open_video(source.path) as (_, stream):
        codec = stream.codec_context.codec.canonical_name
    return codec in _CODECS and source.pix_fmt in _FORMATS and height * width <= _MOST_PIXELS


def write_proxy(
    source: Source, target: Path, *, side: int = 960, longest_s: float = 60.0, on_progress: OnProgress | None = None
) -> int:
    """Write the first frames of a source as a small H.264 clip without sound, at the source's times from 0 on.

    Args:
        side: no side of its pictures is longer, in pixels.
        longest_s: seconds of the source; what comes later is left out.
        on_progress: stage "proxy", after each frame.
    Returns: the number of frames in it.
    Raises: OutputError where it cannot be written; Cancelled. Nothing is left then.
    """
    stop = min(source.info.frames, max(1, source.index_at(Fraction(longest_s))))
    staged = StagedFile(target, overwrite=True)
    try:
        place, options = f"file:{staged.path}", {"movflags": "faststart"}
        with writing(target), av.open(place, "w", format="mp4", options=options) as out:
            _encode(source, stop, side, out, on_progress)
        staged.commit()
    finally:
        staged.discard()
    return stop


def _encode(
    source: Source, stop: int, side: int, out: av.container.OutputContainer, on_progress: OnProgress | None
) -> None:
    stream, began = None, 0
    for frame in source.glimpses(0, stop, side):
        image = np.ascontiguousarray(even_sides(frame.image))
        if stream is None:
            stream, began = out.add_stream("libx264", rate=source.info.rate, options=_OPTIONS), frame.pts
            stream.height, stream.width = image.shape[:2]
            stream.pix_fmt, stream.codec_context.time_base = "yuv420p", source.info.time_base
            stream.codec_context.color_primaries = stream.codec_context.color_trc = BT709
            stream.codec_context.colorspace, stream.codec_context.color_range = BT709, LIMITED_RANGE
        encoded = av.VideoFrame.from_ndarray(image, "rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        encoded.pts, encoded.time_base = frame.pts - began, source.info.time_base
        out.mux(stream.encode(encoded))
        if on_progress is not None and on_progress(Progress("proxy", frame.index + 1, stop)) is False:
            raise Cancelled("stopped as asked; no copy was written.")
    if stream is None:
        raise InputError(f"{source.path}: has no frame to show.")
    out.mux(stream.encode(None))

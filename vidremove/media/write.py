"""Write a clip from pictures and sound that come from no source: what the program draws itself."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer

from vidremove.errors import OutputError
from vidremove.media.colour import BT709, LIMITED_RANGE, Colour
from vidremove.media.faults import writing
from vidremove.media.planes import layout_of, paste
from vidremove.media.target import StagedFile

_CRF = "16"
_BLOCK = 1024  # samples of a block of AAC


def write_clip(
    path: Path,
    frames: Iterable[np.ndarray],
    rate: Fraction,
    sound: np.ndarray | None = None,
    sound_rate: int = 48000,
    *,
    overwrite: bool = True,
) -> int:
    """Encode pictures as H.264, and sound as AAC, into an MP4 file that appears when it is complete.

    Args:
        path: to write.
        frames: uint8 (H, W, 3), RGB, even sides, all of one size.
        rate: pictures a second.
        sound: float32 (samples, 2) in -1..1; None for a silent clip.
        sound_rate: samples a second.
        overwrite: replace an existing file.
    Returns: pictures written.
    Raises: OutputError where the file cannot be written; nothing of it is left then.
    """
    staged = StagedFile(path, overwrite=overwrite)
    try:
        with writing(path):
            with av.open(f"file:{staged.path}", "w", format="mp4") as output:
                count = _encode(output, frames, rate, sound, sound_rate)
            if not count:
                raise OutputError(f"{path}: there is no picture to write.")
            staged.commit()
    finally:
        staged.discard()
    return count


def _encode(
    output: OutputContainer, frames: Iterable[np.ndarray], rate: Fraction, sound: np.ndarray | None, sound_rate: int
) -> int:
    video = output.add_stream("libx264", rate=rate, options={"crf": _CRF, "preset": "medium"})
    audio = None if sound is None else output.add_stream("aac", rate=sound_rate, layout="stereo")
    context, layout, count = video.codec_context, layout_of("yuv420p"), 0
    video.pix_fmt = "yuv420p"
    context.time_base = 1 / rate
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    for image in frames:
        if not count:
            video.height, video.width = image.shape[:2]
        frame = av.VideoFrame(image.shape[1], image.shape[0], "yuv420p")
        if layout is not None:
            paste(frame, layout, Colour(), image, np.ones(image.shape[:2], np.bool_))
        frame.pts, frame.time_base = count, 1 / rate
        output.mux(video.encode(frame))
        count += 1
    if not count:
        return 0
    output.mux(video.encode(None))
    if audio is not None and sound is not None:
        for start in range(0, len(sound), _BLOCK):
            block = np.ascontiguousarray(sound[start : start + _BLOCK].T, np.float32)
            piece = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            piece.sample_rate, piece.pts, piece.time_base = sound_rate, start, Fraction(1, sound_rate)
            output.mux(audio.encode(piece))
        output.mux(audio.encode(None))
    return count

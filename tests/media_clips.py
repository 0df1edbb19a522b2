"""Small clips and pictures for the tests of reading and writing, made on the spot."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vidremove.media.planes import channel_views, layout_of


def noise_planes(frame: av.VideoFrame, seed: int) -> None:
    """Fill a frame with smooth moving texture whose colours all exist in RGB."""
    layout = layout_of(frame.format.name)
    assert layout is not None
    for number, view in enumerate(channel_views(frame, layout)):
        height, width = view.shape
        y, x = np.mgrid[0:height, 0:width]
        wave = np.sin((x + 3 * seed) / 7 + number) + np.cos((y - seed) / 5 - number) + 0.2 * np.sin(x * y / 11)
        reach = 0.16 if layout.model == "yuv" and number else 0.4
        values = (0.5 + (wave / 4.4) * reach) * ((1 << layout.bits) - 1)
        view[...] = values.astype(view.dtype) << layout.shift


def make_clip(
    path: Path,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (48, 64),
    pts: Iterable[int] = range(12),
    time_base: Fraction = Fraction(1, 25),
    options: dict[str, str] | None = None,
    audio: str | None = None,
    tags: Sequence[int] | None = None,
    prepare: Callable[[Any], None] | None = None,
    **container_options: Any,
) -> Path:
    """Write a clip of moving texture: `tags` are range, primaries, transfer, matrix."""
    height, width = size
    with av.open(str(path), "w", **container_options) as out:
        stream: Any = out.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = stream.time_base = time_base
        if tags:
            context = stream.codec_context
            context.color_range, context.color_primaries, context.color_trc, context.colorspace = tags
        sound: Any = out.add_stream(audio, rate=48000) if audio else None
        if prepare:
            prepare(stream)
        times = list(pts)
        for number, time in enumerate(times):
            frame = av.VideoFrame(width, height, pix_fmt)
            noise_planes(frame, number)
            frame.pts, frame.time_base = time, time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound is not None:
            add_sound(out, sound, float((times[-1] + 1) * time_base))
    return path


def add_sound(out: Any, stream: Any, seconds: float) -> None:
    samples = int(48000 * seconds)
    wave = (np.sin(np.arange(samples) / 20) * 8000).astype(np.int16)
    for start in range(0, samples - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def decoded_planes(path: Path) -> list[list[np.ndarray]]:
    """Copies of the planes of every frame."""
    with av.open(str(path)) as file:
        return [planes_of(frame) for frame in file.decode(video=0)]


def planes_of(frame: av.VideoFrame) -> list[np.ndarray]:
    layout = layout_of(frame.format.name)
    assert layout is not None
    return [view.copy() for view in channel_views(frame, layout)]


def times_of(path: Path) -> list[Fraction]:
    """Presentation times of the video, in seconds."""
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base for frame in file.decode(video=0)]


def packets_of(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time and bytes of every packet of the first stream of a kind."""
    with av.open(str(path)) as file:
        stream = next(s for s in file.streams if s.type == kind)
        return [(p.pts * p.time_base, bytes(p)) for p in file.demux(stream) if p.pts is not None]

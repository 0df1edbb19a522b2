"""What a video file holds, found by demuxing it once: times, I-frames, oddities. Headers are not trusted."""

import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from vidremove.errors import InputError
from vidremove.images import LARGEST_PIXELS

_MICROSECONDS = 1_000_000
_CUT_SHORT_S = 0.3  # a container that ends earlier than it says by more than this was cut
_GAP_S = 1.0
_PLAY_LISTS = {"concat", "hls", "dash", "imf", "vobsub", "sdp", "rtsp", "avisynth", "vapoursynth"}
_NO_CLIPS = {"tty"}  # any text, drawn as a terminal would
_ALONE = {  # a file must not lead to other files or to the net
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(
        sorted(f for f in av.formats_available if (_PLAY_LISTS | _NO_CLIPS).isdisjoint(f.split(",")))
    ),
}
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)$")


@dataclass(frozen=True, slots=True)
class Index:
    """Frames of one video stream in order of presentation."""

    pts: np.ndarray  # int64 (N,), strictly rising, in units of time_base
    keyframes: np.ndarray  # int64 (K,), rising: frame numbers of I-frames from which decoding can start
    time_base: Fraction
    rate: Fraction
    last_duration: int  # of the last frame, in units of time_base; 0 where unknown
    timed: bool  # False: the file gives no usable times; pts are the frame numbers
    notes: tuple[str, ...] = ()


@contextmanager
def open_video(path: Path, threads: str = "AUTO") -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and pick its main video stream.

    Raises: InputError for what is not a video, has no video stream, or is too large.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'is not a file' if path.exists() else 'no such file'}.")
    try:
        container = av.open(f"file:{path.absolute()}", options=_ALONE, metadata_errors="replace")
    except PermissionError as error:
        raise InputError(f"{path}: may not be read ({error.strerror}).") from error
    except av.ArgumentError as error:
        raise InputError(
            f"{path}: is a play list or its like, which leads to other files, or it is damaged; name the clip itself."
        ) from error
    except (av.FFmpegError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: is not a video, a picture or a folder of pictures, or it is damaged ({reason})."
        ) from error
    with container:
        stream = _main_stream(container, path)
        stream.thread_type = threads
        yield container, stream


def _main_stream(container: InputContainer, path: Path) -> VideoStream:
    attached = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & attached]
    if not streams:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise InputError(f"{path}: has no video stream (found: {kinds}); needed a clip with pictures.")
    stream = streams[0]
    if stream.codec_context is None or not stream.width or not stream.height:
        raise InputError(f"{path}: the video stream cannot be decoded (codec unknown or size missing).")
    if stream.width * stream.height > LARGEST_PIXELS:
        raise InputError(
            f"{path}: says it is {stream.width}x{stream.height}; more than {LARGEST_PIXELS} pixels are refused."
        )
    return stream


def scan(path: Path) -> Index:
    """Demux the file once and list its frames.

    Raises: InputError as `open_video`, and for a stream with no frames.
    """
    with open_video(path) as (container, stream):
        times, keys, timed = array("q"), array("q"), True
        last_s, damage, latest, last_duration = Fraction(0), "", -(2**63), 0
        try:
            for packet in container.demux():
                if packet.dts is None and packet.pts is None and packet.size == 0:
                    continue  # flush
                time = packet.pts if packet.pts is not None else packet.dts
                if time is not None:
                    end = (time + (packet.duration or 0)) * packet.time_base
                    last_s = max(last_s, end)
                if packet.stream_index != stream.index or packet.is_discard:
                    continue
                timed = timed and packet.pts is not None
                times.append(time if time is not None else len(times))
                if times[-1] >= latest:
                    latest, last_duration = times[-1], packet.duration or 0
                if packet.is_keyframe:
                    keys.append(times[-1])
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            damage = f"reading stopped at {float(last_s):.3f} s ({reason}); the result ends there"
        if not times:
            raise InputError(f"{path}: has a video stream with no frames in it.")
        seen = _Seen(times, keys, timed, last_s, last_duration, damage)
        return _summarise(container, stream, seen)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What demuxing found, before it is put in order."""

    times: "array[int]"
    keys: "array[int]"
    timed: bool
    last_s: Fraction
    last_duration: int
    damage: str


def _summarise(container: InputContainer, stream: VideoStream, seen: _Seen) -> Index:
    pts = np.sort(np.frombuffer(seen.times, np.int64))
    timed = seen.timed and bool((np.diff(pts) > 0).all()) and bool(stream.time_base)
    base = Fraction(stream.time_base or 1)
    rate = _rate(stream, pts, base) if timed else Fraction(stream.average_rate or stream.guessed_rate or 25)
    notes = [seen.damage] if seen.damage else []
    video_s = seen.last_s
    if timed:
        video_s = (int(pts[-1]) + seen.last_duration) * base
        keyframes = np.searchsorted(pts, np.unique(np.frombuffer(seen.keys, np.int64)))
        notes += _time_notes(pts, base, rate)
    else:
        pts, keyframes, base = np.arange(len(pts), dtype=np.int64), np.zeros(1, np.int64), 1 / rate
        notes.append("the file gives no usable times: frames are taken as evenly spaced")
    notes += _end_notes(container, stream, len(pts), rate, video_s, seen.last_s)
    return Index(pts, keyframes, base, rate, seen.last_duration, timed, tuple(notes))


def _rate(stream: VideoStream, pts: np.ndarray, base: Fraction) -> Fraction:
    stated = Fraction(stream.average_rate or stream.guessed_rate or 25)
    if len(pts) < 2:
        return stated
    counted = Fraction(len(pts) - 1) / (int(pts[-1] - pts[0]) * base)
    return stated if abs(counted / stated - 1) < Fraction(1, 100) else counted.limit_denominator(1001)


def _time_notes(pts: np.ndarray, base: Fraction, rate: Fraction) -> list[str]:
    steps = np.diff(pts)
    if steps.size == 0:
        return []
    notes = []
    if steps.max() - steps.min() > max(2, float(Fraction(1, 1000) / base) * 2):
        notes.append("variable frame rate: every time is kept")
    usual = float(np.median(steps) * base)
    gap = int(steps.argmax())
    if float(steps[gap] * base) > max(_GAP_S, 10 * usual):
        start, stop = (float((int(pts[gap + n]) - int(pts[0])) * base) for n in (0, 1))
        notes.append(f"no frames between {start:.3f} s and {stop:.3f} s (frames {gap} and {gap + 1}): part may be lost")
    return notes


def _end_notes(
    container: InputContainer, stream: VideoStream, frames: int, rate: Fraction, video_s: Fraction, last_s: Fraction
) -> list[str]:
    """A note where the file says that it lasts longer than what is in it: FFmpeg reads a cut file without a word."""
    start = Fraction(container.start_time or 0, _MICROSECONDS)
    whole = Fraction(container.duration, _MICROSECONDS) if container.duration else None
    for said, end_s in ((_stated_duration(stream), video_s), (whole, last_s)):
        held = max(end_s, end_s - start)  # Matroska counts from 0, others from the start
        if said is not None and said - held > max(Fraction(_CUT_SHORT_S), 3 / rate):
            return [
                f"cut short: says it lasts {float(said):.3f} s, holds {float(held):.3f} s; the result ends there, after"
                f" {frames} frames. Where that is too little, copy or download the clip again and run again"
            ]
    return []


def _stated_duration(stream: VideoStream) -> Fraction | None:
    """Seconds the video stream says it lasts."""
    clock = _CLOCK.match(stream.metadata.get("DURATION", ""))
    if clock:  # Matroska says it in a tag
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + Fraction(clock[3])
    return stream.duration * Fraction(stream.time_base) if stream.duration and stream.time_base else None

"""A video file as a target: unchanged frames are encoded as they were decoded, filled pixels go into their planes."""

import os
from contextlib import suppress
from fractions import Fraction
from math import gcd
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from vidremove.config import OutputConfig
from vidremove.errors import OutputError
from vidremove.media.codecs import Encoding, Material, choose_encoding
from vidremove.media.colour import BT709, LIMITED_RANGE, Colour
from vidremove.media.faults import writing
from vidremove.media.index import open_video
from vidremove.media.planes import FrameCopier, channel_views, copy_tags, layout_of, model_of, paste
from vidremove.media.streams import StreamCopier, kept_tags
from vidremove.media.target import StagedFile
from vidremove.media.video import VideoSource
from vidremove.types import Frame

if TYPE_CHECKING:
    from vidremove.media.source import Source


class VideoSink:
    """Encodes frames in order; audio, subtitles, tags and every time come from the source."""

    def __init__(
        self, target: Path, source: "Source", config: OutputConfig, rate: Fraction | None, *, overwrite: bool
    ) -> None:
        self.target, self.source = target, source
        self.notes: list[str] = []
        self._written = 0
        self._copy = FrameCopier()
        self._times: dict[int, int | None] = {}
        self._copier: StreamCopier | None = None
        self._video = source if isinstance(source, VideoSource) else None
        self._divisor, self._base = self._clock(rate)
        self._colour = self._video.colour if self._video else Colour()
        self._encoding = self._choose(config)
        self.notes += self._encoding.notes
        self._staged = StagedFile(target, overwrite=overwrite)
        try:
            with writing(target):
                place = f"file:{self._staged.path}"
                self._output: OutputContainer = av.open(place, "w", format=self._encoding.container)
                self._stream = self._open_stream()
        except BaseException:
            self._staged.discard()
            raise

    def write(self, frame: Frame) -> None:
        """Encode one frame; `frame.mask` says which pixels were replaced (None: none).

        Raises: OutputError when the disk is full or the encoder fails.
        """
        encoded = self._fit(self._composite(frame))
        encoded.pts, encoded.time_base = frame.pts // self._divisor, self._base
        encoded.pict_type = 0
        self._times[encoded.pts] = self._duration(frame)
        with writing(self.target):
            self._mux(self._stream.encode(encoded))
        self._written += 1

    def __enter__(self) -> "VideoSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._abandon()

    def _finish(self) -> None:
        if not self._written:
            raise OutputError(f"{self.target}: no frame was written, so there is no file.")
        if self._written != self.source.info.frames:
            count = self.source.info.frames
            raise OutputError(f"{self.target}: {self._written} of {count} frames came; an incomplete clip is not kept.")
        with writing(self.target):
            self._mux(self._stream.encode(None))
            if self._copier is not None:
                self._copier.copy_until(None)
            self._output.close()
        self._staged.commit()

    def _abandon(self) -> None:
        """Close everything; what was not renamed goes."""
        if self._copier is not None:
            self._copier.close()
        with suppress(av.FFmpegError, OSError, ValueError):  # the file is removed in any case
            self._output.close()
        self._staged.discard()

    def _clock(self, rate: Fraction | None) -> tuple[int, Fraction]:
        """Divisor of the source's times and the coarsest time base that still keeps each exactly."""
        info = self.source.info
        if self._video is None:
            return 1, 1 / (rate or info.rate)
        index = self._video.index
        step = 0
        for time in index.pts.tolist():
            step = gcd(step, time)
            if step == 1:
                break
        step = max(step, 1)
        return step, info.time_base * step

    def _choose(self, config: OutputConfig) -> Encoding:
        info = self.source.info
        if self._video is not None:
            with open_video(self.source.path) as (_, stream):
                codec = stream.codec_context.codec.canonical_name
            square = self._video.aspect in (None, 1)
            size, pix_fmt = self._video.stored_size, self._video.work_format
            material = Material(codec, pix_fmt, size, self._base.denominator, square)
            return choose_encoding(self.target, material, config)
        deep = info.bits > 8
        pix_fmt = ("yuv420p10le" if deep else "yuv420p") if not config.lossless else "gbrp16le" if deep else "rgb24"
        return choose_encoding(self.target, Material(None, pix_fmt, info.size), config)

    def _open_stream(self) -> VideoStream:
        encoding, info = self._encoding, self.source.info
        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 prints its settings otherwise
        stream = self._output.add_stream(encoding.encoder, rate=info.rate, options=encoding.options)
        if not isinstance(stream, VideoStream):
            raise OutputError(f"{self.target}: {encoding.encoder} encodes no pictures.")
        height, width = self._video.stored_size if self._video else info.size
        stream.width, stream.height = width + encoding.pad[1], height + encoding.pad[0]
        stream.pix_fmt = encoding.pix_fmt
        context = stream.codec_context
        context.time_base = stream.time_base = self._base
        context.thread_count = 0  # as many as the encoder sees fit
        if encoding.encoder == "libx265" and encoding.container in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # QuickTime plays no other
        if self._video is not None:
            self._carry(stream)
            self._copier = StreamCopier(self.source.path, self._output)
            self.notes += self._copier.notes
        elif model_of(encoding.pix_fmt) in ("yuv", "gray"):
            context.color_primaries = context.color_trc = context.colorspace = BT709
            context.color_range = LIMITED_RANGE
        return stream

    def _carry(self, stream: VideoStream) -> None:
        """Give the new stream the colour tags, shape of pixels, rotation and words of the source's."""
        video, context = self._video, stream.codec_context
        if video is None:
            return
        with open_video(video.path) as (_, old):
            for tag in ("color_range", "color_primaries", "color_trc", "colorspace"):
                setattr(context, tag, getattr(old.codec_context, tag))
            if video.aspect:
                context.sample_aspect_ratio = video.aspect
            if model_of(video.work_format) != model_of(self._encoding.pix_fmt):
                context.colorspace = {5: 6}.get(self._colour.swscale, self._colour.swscale)
                context.color_range = LIMITED_RANGE
            if old.codec_context.field_order > 1:
                self.notes.append("the source is interlaced; its fields are kept in the frames, the flag is not")
            stream.metadata.update(kept_tags(old.metadata))
            stream.disposition = old.disposition
        if video.matrix is not None:
            stream.set_display_matrix(video.matrix)

    def _composite(self, frame: Frame) -> av.VideoFrame:
        """The frame in the source's planes where it has them, else its picture in the planes to be written."""
        if isinstance(frame.native, av.VideoFrame) and self._video is not None:
            if frame.mask is None or not frame.mask.any():
                return frame.native
            turn = self._video.orientation
            image, mask = turn.stored(frame.image), turn.stored(frame.mask)
            copy = self._copy(frame.native)
            paste(copy, self._video.layout, self._colour, image, mask)
            return copy
        image = self._video.orientation.stored(frame.image) if self._video else frame.image
        pix_fmt = self._video.work_format if self._video else self._encoding.pix_fmt
        layout = layout_of(pix_fmt)
        if layout is None:
            raise OutputError(f"{self.target}: pixel format {pix_fmt} cannot be written.")
        blank = av.VideoFrame(image.shape[1], image.shape[0], pix_fmt)
        paste(blank, layout, self._colour, image, np.ones(image.shape[:2], np.bool_))
        return blank

    def _fit(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame in the encoder's pixel format and size."""
        if frame.format.name != self._encoding.pix_fmt:
            span = ColorRange.JPEG if self._colour.full else ColorRange.MPEG
            frame = frame.reformat(
                format=self._encoding.pix_fmt,
                src_colorspace=self._colour.swscale,
                dst_colorspace=self._colour.swscale,
                src_color_range=span,
                dst_color_range=span,
            )
        return _padded(frame, self._encoding.pad) if any(self._encoding.pad) else frame

    def _duration(self, frame: Frame) -> int | None:
        if self._video is None:
            return 1
        pts = self._video.index.pts
        if frame.index + 1 < len(pts):
            return int(pts[frame.index + 1] - pts[frame.index]) // self._divisor
        return self._video.index.last_duration // self._divisor or None

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        for packet in packets:
            duration = self._times.pop(packet.pts, None) if packet.pts is not None else None
            if duration:
                packet.duration = duration
            if self._copier is not None and packet.dts is not None:
                self._copier.copy_until(packet.dts * packet.time_base)
            self._output.mux_one(packet)


def _padded(frame: av.VideoFrame, pad: tuple[int, int]) -> av.VideoFrame:
    """The frame with its last rows and columns repeated."""
    layout = layout_of(frame.format.name)
    result = av.VideoFrame(frame.width + pad[1], frame.height + pad[0], frame.format.name)
    if layout is None:
        return frame
    for old, new in zip(channel_views(frame, layout), channel_views(result, layout), strict=True):
        height, width = old.shape
        new[:height, :width] = old
        new[height:] = new[height - 1 : height]
        new[:, width:] = new[:, width - 1 : width]
    copy_tags(frame, result)
    return result

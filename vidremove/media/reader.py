"""Decoding from any frame on: seek to an I-frame, decode, number the frames by their times."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from vidremove.closing import Closing
from vidremove.media.index import Index, open_video

_ONE_BY_ONE = "SLICE"  # threads share one frame, so that a fault loses no other


class Reader(Closing):
    """One opened video file."""

    def __init__(self, path: Path, index: Index, threads: str = "AUTO", thrifty: bool = False) -> None:
        """Open it.

        Args:
            thrifty: of the frames before the one that is asked for, decode only those that others need.
        """
        self.path, self.index, self._threads = path, index, threads
        self._thrifty = thrifty
        self._stack = ExitStack()
        self._open()

    def frames_from(self, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Frames with their numbers, rising, from an I-frame at or before number `start` on.

        Those that cannot be decoded are left out, and any before `start` if thrifty; where all from `start` on cannot,
        there are still some before it.
        """
        seen, last = -1, len(self.index.pts) - 1
        for seen, frame in self._numbered(start):
            yield seen, frame
        if seen < last and self._threads != _ONE_BY_ONE:  # at the end one fault loses all that the threads still held
            with Reader(self.path, self.index, _ONE_BY_ONE) as again:
                rest = again.frames_from(max(start, seen + 1))
                yield from ((number, frame) for number, frame in rest if number > seen)

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _open(self) -> None:
        self._stack.close()
        opened: tuple[InputContainer, VideoStream] = self._stack.enter_context(open_video(self.path, self._threads))
        self.container, self.stream = opened
        self._fresh = True

    def _to_start(self) -> None:
        if not self._fresh:
            self._open()  # seeking to the start fails in some files that can be read from there
        self._fresh = False

    def _numbered(self, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
        pts = self.index.pts
        if not self.index.timed:
            self._to_start()
            yield from zip(range(len(pts)), self._decode(), strict=False)
            return
        for frame in self._from_before(start):
            number = int(np.searchsorted(pts, frame.pts)) if frame.pts is not None else len(pts)
            if number < len(pts) and pts[number] == frame.pts:
                yield number, frame

    def _from_before(self, start: int) -> Iterator[av.VideoFrame]:
        """Decode from an I-frame at or before `start`; one further back where seeking lands too late."""
        begin, wanted = start, int(self.index.pts[start])
        while begin > 0:
            decoded = self._seek(begin, wanted)
            first = next(decoded, None)
            if first is not None and first.pts is not None and first.pts <= wanted:
                yield first
                yield from decoded
                return
            before = self.index.keyframes[self.index.keyframes < begin]
            begin = int(before[-1]) if len(before) else 0
        self._to_start()
        yield from self._decode(wanted)

    def _seek(self, number: int, wanted: int) -> Iterator[av.VideoFrame]:
        self._fresh = False
        try:
            self.container.seek(int(self.index.pts[number]), stream=self.stream)
        except av.FFmpegError:
            return iter(())
        return self._decode(wanted)

    def _decode(self, wanted: int | None = None) -> Iterator[av.VideoFrame]:
        """Decode on; a packet that cannot be decoded is passed over.

        Args:
            wanted: time from which on frames are asked for, in units of the index.
        """
        packets, codec = self.container.demux(self.stream), self.stream.codec_context
        sparing = wanted if self._thrifty and codec.name == "h264" else None  # other codecs' word for it is not trusted
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet = None  # the rest cannot be read; what the decoder holds can be had
            if packet is not None and not packet.size:
                continue  # a dropped frame, or the mark of the end
            if sparing is not None:
                before = packet is not None and packet.pts is not None and packet.pts < sparing
                codec.skip_frame = "NONREF" if before else "DEFAULT"
            with suppress(av.FFmpegError):
                yield from self.stream.decode(packet)
            if packet is None:
                return

"""Audio, subtitles, chapters and tags of the source, carried to the target packet by packet."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from vidremove.media.index import open_video

_NOT_CARRIED = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_STATISTICS = ("_statistics", "bps", "number_of_")


class StreamCopier:
    """Copies every stream but the main video one, in step with the video."""

    def __init__(self, path: Path, output: OutputContainer) -> None:
        self.notes: list[str] = []
        self._stack = ExitStack()
        try:
            self._input, self._video = self._stack.enter_context(open_video(path))
            self._output = output
            self._mapped: dict[int, Stream] = {}
            for stream in self._input.streams:
                if stream.index != self._video.index:
                    self._add(stream)
            output.metadata.update(kept_tags(self._input.metadata))
            self._copy_chapters()
            self._packets = self._read()
            self._waiting = next(self._packets, None)
        except BaseException:
            self._stack.close()
            raise

    def copy_until(self, time_s: Fraction | None) -> None:
        """Write the packets due up to this time; all that are left for None."""
        while self._waiting is not None:
            packet = self._waiting
            due = packet.dts if packet.dts is not None else packet.pts
            if time_s is not None and due is not None and due * packet.time_base > time_s:
                return
            packet.stream = self._mapped[packet.stream_index]
            self._output.mux_one(packet)
            self._waiting = next(self._packets, None)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()

    def _add(self, stream: Stream) -> None:
        if not _holds(self._output.format.name, stream):
            name = stream.codec_context.name if stream.codec_context else "unknown"
            self.notes.append(
                f"{stream.type} stream {stream.index} ({name}) cannot be kept in this container and was left out;"
                " .mkv holds most kinds"
            )
            return
        copy = self._output.add_stream_from_template(stream, opaque=True)
        copy.metadata.update(kept_tags(stream.metadata))
        copy.disposition = stream.disposition
        if stream.type != "attachment":  # attachments lie in the header
            self._mapped[stream.index] = copy

    def _copy_chapters(self) -> None:
        chapters = self._input.chapters()
        if chapters:
            self._output.set_chapters(chapters)

    def _read(self) -> "Iterator[Packet[Stream]]":
        streams = [s for s in self._input.streams if s.index in self._mapped]
        if not streams:
            return
        packets = self._input.demux(*streams)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return
            if packet.dts is not None or packet.pts is not None:
                yield packet


def kept_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags that describe the content, without those that describe the old file."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower() not in _NOT_CARRIED and not key.lower().startswith(_STATISTICS)
    }


def _holds(container: str, stream: Stream) -> bool:
    """Whether the container takes this stream, by writing a header for it into memory."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as probe:
            probe.add_stream_from_template(stream, opaque=True)
            probe.start_encoding()
    except (ValueError, av.FFmpegError, RuntimeError):
        return False
    return True

"""A video file as a source: frames in order, backwards, or one by number, with the planes they were decoded from."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.sidedata.sidedata import SideData

from vidremove.closing import Closing
from vidremove.errors import InputError
from vidremove.media.colour import colour_of, name_colours
from vidremove.media.index import scan
from vidremove.media.orient import Orientation, from_matrix
from vidremove.media.planes import FrameCopier, layout_of, read_gray, read_rgb, read_small
from vidremove.media.reader import Reader
from vidremove.media.scrub import Scrubber
from vidremove.media.seek import agreeing_decord
from vidremove.types import Frame, MediaInfo

_CHUNK_BYTES = 200 << 20  # of decoded planes held while reading backwards
_PROOF = 4  # frames after short jumps read by PyAV before decord is tried; they are the proof


class VideoSource(Closing):
    """One video stream. Every pass opens the file anew, so that passes do not disturb each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = scan(path)
        self._notes = list(self.index.notes)
        self._missing: set[int] = set()  # frames that could not be decoded, so far
        self._scrubber: tuple[Reader, Scrubber] | None = None  # open together
        self._random: Callable[[int], np.ndarray | None] | None = None
        self._proof: list[tuple[int, np.ndarray]] | None = []  # None once decord was asked to agree
        self._describe()

    def _describe(self) -> None:
        with Reader(self.path, self.index, "SLICE") as reader:
            first = next(reader.frames_from(0), None)
            if first is None:
                raise InputError(f"{self.path}: no frame of it can be decoded.")
            frame = first[1]
            self.stored_size = (frame.height, frame.width)
            self.pix_fmt, self.work_format = frame.format.name, working_format(frame.format)
            tags = reader.stream.codec_context
            self.aspect = reader.stream.sample_aspect_ratio or tags.sample_aspect_ratio
            primaries, transfer = tags.color_primaries, tags.color_trc
            self.colour, note = colour_of(tags.colorspace, tags.color_range, self.pix_fmt, self.stored_size)
        self._notes += [note] if note else []
        self.matrix = _display_matrix(frame)
        turned = from_matrix(self.matrix) if self.matrix else Orientation()
        if turned is None:
            self._notes.append("the rotation of the picture is no quarter turn: shown as stored, the tag is kept")
        self.orientation = turned or Orientation()
        layout = layout_of(self.work_format)
        if layout is None:
            raise InputError(f"{self.path}: pixel format {self.pix_fmt} is not supported.")
        self.layout = layout
        height, width = self.stored_size
        self.info = MediaInfo(
            self.path,
            "video",
            (width, height) if self.orientation.swaps_sides else (height, width),
            len(self.index.pts),
            self.index.time_base,
            self.index.rate,
            8 if layout.bits == 8 else 16,
            tuple(self._notes),
            name_colours(primaries, transfer, layout.bits),
        )

    @property
    def notes(self) -> list[str]:
        """Those of `info`, and what was found while decoding."""
        if not self._missing:
            return list(self._notes)
        first = min(self._missing)
        time_s = float(int(self.index.pts[first] - self.index.pts[0]) * self.index.time_base)
        count = f"{len(self._missing)} frames" if len(self._missing) > 1 else "1 frame"
        return [*self._notes, f"{count} cannot be decoded, from frame {first} ({time_s:.3f} s); a neighbour stands in"]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames [start, stop) in order. A frame that cannot be decoded is the one before it again, and noted."""
        with Reader(self.path, self.index) as reader:
            for index, native in self._steady(reader, start, self._stop(stop)):
                yield self._frame(index, native)

    def planes(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames [start, stop) to be written as they are: their pictures are left out, `image` is (0, 0, 3)."""
        none = np.zeros((0, 0, 3), np.uint8)
        with Reader(self.path, self.index) as reader:
            for index, native in self._steady(reader, start, self._stop(stop)):
                yield Frame(index, int(self.index.pts[index]), none, native)

    def grays(self) -> Iterator[np.ndarray]:
        """All frames in order as brightness alone, uint8 (H, W), upright; faster than their pictures."""
        with Reader(self.path, self.index) as reader:
            for _, native in self._steady(reader, 0, len(self.index.pts)):
                yield self.orientation.upright(read_gray(native, self.layout, self.colour))

    def glimpses(self, start: int = 0, stop: int | None = None, side: int = 192) -> Iterator[Frame]:
        """Frames [start, stop) in order, small pictures of near enough colours, no planes; several times faster."""
        with Reader(self.path, self.index) as reader:
            for index, native in self._steady(reader, start, self._stop(stop)):
                yield Frame(index, int(self.index.pts[index]), self.orientation.upright(read_small(native, side)))

    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames [start, stop) last to first, decoded in runs that fit into a bounded memory."""
        end = self._stop(stop)
        with Reader(self.path, self.index) as reader:
            while end > start:
                begin = self._run_start(start, end)
                run = list(self._steady(reader, begin, end))
                while run:
                    yield self._frame(*run.pop())
                end = begin

    def at(self, index: int) -> Frame:
        """Frame `index`, exactly, by seeking or from what was decoded before; one at a time.

        Jumps to frames near behind an I-frame are read by decord (no planes) once it has proved to agree.

        Raises: InputError if there is no such frame.
        """
        if not 0 <= index < self.info.frames:
            raise InputError(f"{self.path}: no frame {index}; it has {self.info.frames} (0 to {self.info.frames - 1}).")
        if self._scrubber is None:
            self._scrubber = self._open_scrubber()
        scrubber = self._scrubber[1]
        short = scrubber.is_short_jump(index)
        image = self._read_random(index) if short else None
        if image is not None:
            return Frame(index, int(self.index.pts[index]), image)
        frame = self._frame(index, scrubber.at(index))
        if short and self._proof is not None:
            self._proof.append((index, frame.image))
        return frame

    def _read_random(self, index: int) -> np.ndarray | None:
        """The picture as decord reads it; None where that is missing, differs or fails, and then for good."""
        if self._proof is not None and len(self._proof) >= _PROOF:
            self._random, self._proof = agreeing_decord(self.path, self.info, self._proof), None
        image = None if self._random is None else self._random(index)
        if image is None:
            self._random = None
        return image

    def _open_scrubber(self) -> tuple[Reader, Scrubber]:
        reader = Reader(self.path, self.index, thrifty=True)
        height, width = self.stored_size
        size = height * width * (3 if self.layout.bits == 8 else 6)
        return reader, Scrubber(lambda start: self._steady(reader, start, self.info.frames), self.index.keyframes, size)

    def index_at(self, time_s: float | Fraction) -> int:
        """The frame shown `time_s` seconds after the first one; the number of frames for a time past the end."""
        if time_s < 0:
            raise InputError(f"{self.path}: time {float(time_s):g} s is before the start.")
        time = int(self.index.pts[0]) + Fraction(time_s) / self.index.time_base
        if time >= int(self.index.pts[-1]) + (self.index.last_duration or 1 / (self.index.rate * self.index.time_base)):
            return self.info.frames
        return max(0, int(np.searchsorted(self.index.pts, float(time) + 1e-6, side="right")) - 1)

    def close(self) -> None:
        """Close the file that `at` keeps open."""
        if self._scrubber is not None:
            self._scrubber[0].close()
        self._scrubber = self._random = None

    def _stop(self, stop: int | None) -> int:
        return len(self.index.pts) if stop is None else min(stop, len(self.index.pts))

    def _run_start(self, start: int, end: int) -> int:
        """First frame of the run that ends before `end`: its I-frame, or nearer where the GOP is too large."""
        keys = self.index.keyframes
        key = int(keys[max(0, int(np.searchsorted(keys, end)) - 1)]) if len(keys) else 0
        height, width = self.stored_size
        most = max(1, _CHUNK_BYTES // (height * width * 3 * (1 if self.layout.bits == 8 else 2)))
        return max(start, min(key, end - 1), end - most)

    def _frame(self, index: int, native: av.VideoFrame) -> Frame:
        image = self.orientation.upright(read_rgb(native, self.layout, self.colour))
        return Frame(index, int(self.index.pts[index]), image, native)

    def _steady(self, reader: Reader, start: int, stop: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Frames [start, stop), every number once, in the working format.

        One that cannot be decoded is the nearest before it again; at the start of a run it may be the one after.
        """
        expected, last = start, None
        for index, decoded in reader.frames_from(start):
            if index >= start:
                native = self._checked(index, decoded)
                while expected < min(index, stop):
                    yield expected, self._stand_in(expected, last or decoded)
                    expected += 1
                if index == expected < stop:
                    yield index, native
                    expected += 1
                if expected >= stop:
                    return
            last = decoded
        while last is not None and expected < stop:
            yield expected, self._stand_in(expected, last)
            expected += 1
        if expected < stop:
            raise InputError(f"{self.path}: frames {expected} to {stop - 1} cannot be decoded, nor any before them.")

    def _checked(self, index: int, native: av.VideoFrame) -> av.VideoFrame:
        if (native.height, native.width) != self.stored_size:
            height, width = self.stored_size
            raise InputError(
                f"{self.path}: frame {index} is {native.width}x{native.height}, the first is {width}x{height};"
                " bring the clip to one size first."
            )
        if native.format.name != self.work_format:
            native = native.reformat(format=self.work_format)
        native.pts, native.time_base = int(self.index.pts[index]), self.index.time_base
        return native

    def _stand_in(self, index: int, native: av.VideoFrame) -> av.VideoFrame:
        self._missing.add(index)
        return self._checked(index, FrameCopier()(native))


def _display_matrix(frame: av.VideoFrame) -> tuple[int, ...] | None:
    data = frame.side_data.get("DISPLAYMATRIX")
    return None if not isinstance(data, SideData) else tuple(np.frombuffer(memoryview(data), "<i4").tolist())


def working_format(pixels: av.VideoFormat) -> str:
    """The pixel format that frames are worked on in: the stream's, or the nearest whose planes can be written."""
    name = pixels.name
    if layout_of(name) is not None:
        return name
    bits = max(c.bits for c in pixels.components)
    if pixels.is_rgb or pixels.has_palette:
        alpha = any(c.is_alpha for c in pixels.components) or pixels.has_palette
        return ("bgra" if alpha else "rgb24") if bits <= 8 else ("rgba64le" if alpha else "rgb48le")
    if len(pixels.components) < 3:
        return "gray" if bits <= 8 else "gray16le"
    luma, chroma = pixels.components[0], pixels.components[1]
    half_wide, half_high = chroma.width < luma.width, chroma.height < luma.height
    grid = "420" if half_wide and half_high else "422" if half_wide else "444"
    return f"yuv{grid}p" + {8: "", 9: "9le", 10: "10le", 12: "12le", 14: "14le"}.get(bits, "16le")

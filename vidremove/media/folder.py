"""A folder of frames, or one picture, as a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from natsort import natsorted, ns

from vidremove.closing import Closing
from vidremove.errors import InputError
from vidremove.images import fit_side, to_uint8
from vidremove.media import stills
from vidremove.types import Frame, Kind, MediaInfo

DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class Still:
    """Frame.native of a picture file: where its pixels are to be had again."""

    header: stills.Header


class FolderSource(Closing):
    """Pictures in natural order of their names; memory does not grow with their number beyond the names."""

    def __init__(self, path: Path, files: list[Path], rate: Fraction | None = None, kind: Kind = "folder") -> None:
        self.path, self.files = path, files
        first = stills.read_header(files[0])
        bits, animated = first.bits, first.frames > 1
        for file in files[1:]:
            header = stills.read_header(file)
            if header.size != first.size:
                (height, width), (high, wide) = header.size, first.size
                raise InputError(
                    f"{file}: is {width}x{height}, {files[0].name} is {wide}x{high}; all frames need one size."
                )
            bits, animated = max(bits, header.bits), animated or header.frames > 1
        self.notes = ["a file holds several pictures; the first of each is used"] if animated else []
        self.notes += _gaps(files) if kind == "folder" else []
        step = rate or DEFAULT_RATE
        self.info = MediaInfo(path, kind, first.size, len(files), 1 / step, step, bits, tuple(self.notes))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames [start, stop) in order."""
        yield from (self.at(index) for index in range(*slice(start, stop).indices(len(self.files))))

    def glimpses(self, start: int = 0, stop: int | None = None, side: int = 192) -> Iterator[Frame]:
        """Frames [start, stop) in order, made small: no side of their 8-bit pictures is longer than `side` pixels."""
        for frame in self.frames(start, stop):
            yield Frame(frame.index, frame.pts, fit_side(to_uint8(frame.image), side))

    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames [start, stop) last to first."""
        yield from (self.at(index) for index in reversed(range(*slice(start, stop).indices(len(self.files)))))

    def at(self, index: int) -> Frame:
        """Frame `index`.

        Raises: InputError if there is no such frame, or its file is damaged or has changed its size.
        """
        if not 0 <= index < len(self.files):
            raise InputError(f"{self.path}: no frame {index}; it has {len(self.files)} (0 to {len(self.files) - 1}).")
        header = stills.read_header(self.files[index])
        if header.size != self.info.size:
            raise InputError(f"{header.path}: has changed its size since the start.")
        image = header.orientation.upright(stills.to_rgb(stills.read_stored(header)))
        if self.info.bits == 16 and header.bits == 8:
            image = image.astype("uint16") * 257
        return Frame(index, index, image, Still(header))

    def index_at(self, time_s: float | Fraction) -> int:
        """The frame shown at `time_s` seconds; the number of frames for a time past the end."""
        if time_s < 0:
            raise InputError(f"{self.path}: time {float(time_s):g} s is before the start.")
        return min(int(Fraction(time_s) * self.info.rate + Fraction(1, 10**6)), len(self.files))

    def close(self) -> None:
        """Nothing stays open between frames."""


def list_pictures(folder: Path) -> list[Path]:
    """Picture files of a folder in natural order; hidden files and folders are passed over.

    Raises: InputError for a folder that cannot be read or holds none.
    """
    try:
        entries = [p for p in folder.iterdir() if not p.name.startswith(".") and p.suffix.lower() in stills.SUFFIXES]
        files = [p for p in entries if p.is_file()]
    except OSError as error:
        raise InputError(f"{folder}: may not be read ({error.strerror}).") from error
    if not files:
        raise InputError(f"{folder}: holds no pictures; needed files ending in {', '.join(stills.SUFFIXES)}.")
    return list(natsorted(files, key=lambda p: p.name, alg=ns.IGNORECASE))


def _gaps(files: list[Path]) -> list[str]:
    """A note where the numbers in the names leave some out."""
    numbers = []
    for file in files:
        digits = "".join(c if c.isdigit() and c.isascii() else " " for c in file.stem).split()
        if not digits or len(digits[-1]) > 15:
            return []
        numbers.append(int(digits[-1]))
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing <= 0 or len(set(numbers)) < len(numbers):
        return []
    after = next(a for a, b in pairwise(numbers) if b != a + 1)
    return [f"{missing} number(s) are missing between the names, first after {after}; the rest is taken as it comes"]

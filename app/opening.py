"""Open what is to be worked on: by path, from an upload, or the sample; frames by number, kept while they are near."""

import os
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vidremove.demo import draw_demo
from vidremove.errors import InputError
from vidremove.images import to_uint8
from vidremove.media import Source, open_source
from vidremove.media.video import VideoSource
from vidremove.types import MediaInfo

from .hosting import Hosting
from .texts import unquote
from .workspace import home_folder

CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".wmv")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
SAMPLE = "sample.mp4"
_SAMPLE_SECONDS = 3.0
_CHUNK = 1 << 20  # bytes of an upload held at once while it is copied
_KEPT_BYTES = 256 << 20  # of frames kept after they were shown
_LEAST_FREE = 1 << 30  # bytes of the disk that the uploads of others leave free
_FOR_MYSELF = Hosting()
_drawing = threading.Lock()  # the sample is drawn once


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a prompt found on its frame."""

    mask: np.ndarray  # bool (H, W)
    score: float  # 0..1
    complaint: str = ""  # why the mask is empty, in one sentence


@dataclass(slots=True, eq=False)
class Medium:
    """An open source and what has been looked at in it."""

    source: Source
    name: str  # as it is called on the page
    given: str  # as the command line would be told
    found: dict[Hashable, Found] = field(default_factory=dict)
    finder: Any = None  # vidremove.finding.Finder: what was looked at round the frames that were pointed at
    scan: Any = None  # app.scanning.Scan: the look through it in the background
    _kept: "OrderedDict[int, np.ndarray]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def info(self) -> MediaInfo:
        return self.source.info

    def at(self, index: int) -> np.ndarray:
        """Frame `index`, exactly: uint8 (H, W, 3), RGB; not to be written into. Raises: InputError."""
        with self._lock:
            if index not in self._kept:
                self._kept[index] = to_uint8(self.source.at(index).image)
            self._kept.move_to_end(index)
            most = max(2, _KEPT_BYTES // self._kept[index].nbytes)
            while len(self._kept) > most:
                self._kept.popitem(last=False)
            return self._kept[index]

    def close(self) -> None:
        """Close the file, and end the look through it; frames that are kept stay."""
        if self.scan is not None:
            self.scan.stop()
        with self._lock:
            self.source.close()


def open_path(text: str, hosting: Hosting = _FOR_MYSELF) -> Medium:
    """Open a file or folder that this computer has, if it may be opened. Raises: InputError, one sentence."""
    path = unquote(text)
    if not path or "\0" in path:
        raise InputError("no path was given: write where the clip, the picture or the folder of frames is.")
    whole = hosting.allow(Path(path).expanduser() if not hosting.shared else Path(path))
    medium = _open(whole, whole.name or str(whole), path if hosting.shared else str(whole), hosting)
    if medium.info.kind == "folder":
        medium.name = "/".join(whole.parts[-2:])  # many are called "frames"
    return medium


def open_upload(stream: BinaryIO, name: str, folder: Path, hosting: Hosting = _FOR_MYSELF) -> Medium:
    """Copy an upload into `folder` and open it; its name decides the suffix among known ones and nothing else.

    Raises: InputError for a file that is none of ours, is too large or cannot be read; nothing is left of it then.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in CLIPS + PICTURES:
        known = ", ".join(CLIPS + PICTURES)
        raise InputError(f"{name}: files ending in {suffix or 'nothing'} are not opened; needed {known}.")
    kept, shown = folder / f"source{suffix}", Path(name.replace("\\", "/")).name
    try:
        _copy(stream, kept, name, hosting)
        return _open(kept, shown, f"./{shown}" if shown.startswith("-") else shown, hosting)
    except OSError as error:
        kept.unlink(missing_ok=True)
        raise InputError(f"{name}: cannot be kept ({error.strerror}); free some space.") from error
    except InputError:
        kept.unlink(missing_ok=True)
        raise


def open_sample(folder: Path) -> Medium:
    """Open a copy of the clip that the program draws itself; drawn once for all, in about ten seconds.

    Raises: InputError, OutputError where it cannot be kept.
    """
    kept, drawn = folder / f"source{Path(SAMPLE).suffix}", home_folder() / SAMPLE
    try:
        with _drawing:
            if not drawn.is_file():
                draft = drawn.with_name(f".{secrets.token_hex(4)}.mp4")
                draw_demo(draft, _SAMPLE_SECONDS)
                os.replace(draft, drawn)
        shutil.copyfile(drawn, kept)
    except OSError as error:
        raise InputError(f"{drawn}: the sample cannot be kept ({error.strerror}); free some space.") from error
    return Medium(open_source(kept), SAMPLE, SAMPLE)


def open_kept(path: Path, name: str, given: str, folder: Path, hosting: Hosting) -> Medium:
    """Open what a project in `folder` is about again, if it may still be opened. Raises: InputError."""
    try:
        allowed = hosting.allow(path, folder)
    except InputError as error:
        raise InputError(str(error).replace(str(path), name)) from error
    return _open(allowed, name, given, hosting)


def _open(path: Path, name: str, given: str, hosting: Hosting) -> Medium:
    """Open a source, and see that it is not too large. Raises: InputError that names it as the visitor does."""
    try:
        if hosting.shared and path.is_dir():
            hosting.check_links(path)
        source = open_source(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), name)) from error
    try:
        hosting.check(source.info, name)
    except InputError:
        source.close()
        raise
    return Medium(source, name, given)


def _copy(stream: BinaryIO, kept: Path, name: str, hosting: Hosting) -> None:
    """Copy in pieces, as far as the limit for uploads goes and the disk has room."""
    left = hosting.upload_mb << 20
    with kept.open("wb") as file:
        while piece := stream.read(_CHUNK):
            left -= len(piece)
            if left < 0:
                raise InputError(f"{name}: is larger than {hosting.upload_mb} MB; larger ones are not taken here.")
            if hosting.shared and shutil.disk_usage(kept.parent).free < _LEAST_FREE:
                raise InputError(f"{name}: the server has no room for it; try again later.")
            file.write(piece)


def describe(info: MediaInfo) -> str:
    """Size, length, rate and what is special about the colours, in one line."""
    height, width = info.size
    parts = [f"{width} × {height}"]
    if info.frames > 1:
        seconds = float(info.frames / info.rate) if info.rate else 0.0
        parts += [f"{info.frames} frames", f"{float(info.rate):.4g} fps", f"{seconds:.1f} s"]
    colours = info.colours or (f"{info.bits} bits" if info.bits > 8 else "")
    return " · ".join([*parts, colours] if colours else parts)


def oddities(medium: Medium) -> list[tuple[str, str]]:
    """What is odd about it: each in a word or two, and as a sentence."""
    source = medium.source
    notes = list(source.notes)
    if isinstance(source, VideoSource) and not source.orientation.is_upright:
        notes.append("turned: the clip says how it is to be held, and is shown and written that way")
    return [(note.split(":")[0].split(" (")[0], note) for note in notes]

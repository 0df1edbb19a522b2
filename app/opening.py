"""Open what is to be worked on: by path, from an upload, or the sample; frames by number, kept while they are near."""

import shutil
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vidremove.demo import draw_demo
from vidremove.errors import InputError
from vidremove.images import to_uint8
from vidremove.media import Source, open_source
from vidremove.types import MediaInfo

from .scratch import Scratch

CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".wmv")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
SAMPLE = "sample.mp4"
_SAMPLE_SECONDS = 3.0
_CHUNK = 1 << 20  # bytes of an upload held at once while it is copied
_KEPT_BYTES = 256 << 20  # of frames kept after they were shown


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
        """Close the file; frames that are kept stay."""
        with self._lock:
            self.source.close()


def open_path(text: str) -> Medium:
    """Open a file or folder that this computer has. Raises: InputError, one sentence."""
    path = text.strip().strip("'\"")
    if not path or "\0" in path:
        raise InputError("no path was given: write where the clip, the picture or the folder of frames is.")
    whole = Path(path).expanduser()
    return Medium(open_source(whole), whole.name or str(whole), str(whole))


def open_upload(stream: BinaryIO, name: str, folder: Path) -> Medium:
    """Copy an upload into `folder` and open it; its name decides the suffix among known ones and nothing else.

    Raises: InputError for a file that is none of ours or cannot be read; nothing is left of it then.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in CLIPS + PICTURES:
        known = ", ".join(CLIPS + PICTURES)
        raise InputError(f"{name}: files ending in {suffix or 'nothing'} are not opened; needed {known}.")
    kept = _free_path(folder, "upload", suffix)
    try:
        with kept.open("wb") as file:
            shutil.copyfileobj(stream, file, _CHUNK)
        source = open_source(kept)
    except OSError as error:
        kept.unlink(missing_ok=True)
        raise InputError(f"{name}: cannot be kept ({error.strerror}); free some space.") from error
    except InputError as error:
        kept.unlink(missing_ok=True)
        raise InputError(str(error).replace(str(kept), name)) from error
    shown = Path(name.replace("\\", "/")).name
    return Medium(source, shown, f"./{shown}" if shown.startswith("-") else shown)


def open_sample(folder: Path) -> Medium:
    """Open the clip that the program draws itself; drawn once for all, in about ten seconds."""
    kept = _free_path(folder, "upload", ".mp4")
    shutil.copyfile(_sample().path / SAMPLE, kept)
    return Medium(open_source(kept), SAMPLE, SAMPLE)


@cache
def _sample() -> Scratch:
    """The folder with the clip, kept as long as the program runs."""
    scratch = Scratch()
    draw_demo(scratch.path / SAMPLE, _SAMPLE_SECONDS)
    return scratch


def _free_path(folder: Path, stem: str, suffix: str) -> Path:
    """A path in `folder` that nothing has yet."""
    number = 1
    while (folder / f"{stem}-{number}{suffix}").exists():
        number += 1
    return folder / f"{stem}-{number}{suffix}"


def describe(info: MediaInfo) -> str:
    """Size, length and rate in one line."""
    height, width = info.size
    parts = [f"{width} × {height}"]
    if info.kind != "photo":
        seconds = float(info.frames / info.rate) if info.rate else 0.0
        parts += [f"{info.frames} frames", f"{float(info.rate):.4g} fps", f"{seconds:.1f} s"]
    return " · ".join([*parts, f"{info.bits} bits"] if info.bits > 8 else parts)

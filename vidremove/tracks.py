"""A track: the masks of each object of a clip in a folder of its own, to look at, correct and remove with.

A folder NAME.track holds track.json, see track_file.py, and one MaskStore file for each object. The files of masks are
never written again once track.json names them, so that the folder is one whole track at any moment: a correction writes
new ones and replaces track.json last.
"""

import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from vidremove.closing import Closing
from vidremove.errors import InputError, OutputError
from vidremove.masks import MaskStore
from vidremove.media.faults import writing
from vidremove.media.target import StagedFolder, check_target
from vidremove.stages.objects import ObjectStores, find_losses, tell_losses, tell_silent
from vidremove.track_file import MOST_BYTES, NAME, Header, is_store_name, read_header, write_header
from vidremove.types import Key, MediaInfo, Shot

SUFFIX = ".track"
_TRIES = 5  # at opening a track while it is corrected
_committing = threading.Lock()


def is_track_name(path: str | Path) -> bool:
    """Whether the name says that a track is to be written."""
    return Path(path).suffix.lower() == SUFFIX


def is_track(path: str | Path) -> bool:
    """Whether it is a track, or should be one by its name."""
    return is_track_name(path) or (Path(path) / NAME).is_file()


class Track(Closing):
    """A track that is open for reading; whatever becomes of the folder, it stays as it was. Threads may share it."""

    def __init__(self, path: Path, header: Header, stores: Mapping[str, MaskStore]) -> None:
        """Use `Track.open`."""
        self.path, self.header, self._stores = path, header, stores
        self._tables = {name: _checked(store, header) for name, store in stores.items()}

    @classmethod
    def open(cls, path: str | Path) -> "Track":
        """Open a track that exists.

        Raises: InputError if it is none or is damaged; the masks themselves are only looked at when they are read.
        """
        path = Path(path)
        header = _read_header(path)
        for _ in range(_TRIES):
            with ExitStack() as stack:
                try:
                    stores = {name: stack.enter_context(_open(path / file)) for name, file in header.stores.items()}
                except FileNotFoundError as error:
                    before, header = header, _read_header(path)
                    if header == before:
                        raise InputError(f"{path}: masks of the track are missing ({error.filename}).") from error
                    continue
                track = cls(path, header, stores)
                stack.pop_all()
                return track
        raise InputError(f"{path}: is being changed all the time.")

    @property
    def frames(self) -> int:
        """Frames of the source."""
        return self.header.frames

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the source."""
        return self.header.size

    @property
    def objects(self) -> tuple[str, ...]:
        """Names, in the order of the first frames that they were prompted on."""
        return tuple(self.header.stores)

    @property
    def shots(self) -> tuple[Shot, ...]:
        """Shots of the frames that were worked on."""
        return self.header.shots

    @property
    def keys(self) -> tuple[Key, ...]:
        """The frames that were prompted, with what was found there."""
        return self.header.keys

    @property
    def keyframes(self) -> dict[str, tuple[int, ...]]:
        """By object: the frames that were prompted, or on which a phrase was found, in their order."""
        return {name: tuple(key.frame for key in self.keys if key.object == name) for name in self.objects}

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know: clicks apart, frames where an object was lost, shots that nothing speaks of."""
        notes: list[str] = []
        for shot in self.shots:
            here = [key for key in self.keys if shot.start <= key.frame < shot.stop]
            notes += [note for key in here for note in key.notes]
            for name in dict.fromkeys(key.object for key in here):
                losses = find_losses(self.areas(name)[shot.start : shot.stop], shot)
                notes += tell_losses(name, losses, shot)
        return (*notes, *tell_silent(self.shots, self.keys))

    def mask(self, index: int, object: str | None = None) -> np.ndarray:
        """The mask of an object, or the union of all: bool (H, W), a new array.

        Raises: InputError if what is stored is damaged; KeyError for an unknown object, IndexError past the end.
        """
        if object is not None:
            return self._stores[object].get(index)
        mask = np.zeros(self.size, np.bool_)
        for name, store in self._stores.items():
            if self._tables[name]["area"][index]:
                mask |= store.get(index)
        return mask

    def confidence(self, index: int, object: str | None = None) -> float:
        """Confidence 0..1 of the mask of an object, or the lowest of those that are there; 0 where nothing is."""
        if object is not None:
            return float(self._tables[object]["confidence"][index])
        there = [table[index] for table in self._tables.values() if table["area"][index] or table["confidence"][index]]
        return min((float(each["confidence"]) for each in there), default=0.0)

    def area(self, index: int, object: str | None = None) -> int:
        """Pixels that are True; for the union they are counted, else looked up."""
        if object is not None:
            return int(self._tables[object]["area"][index])
        return int(np.count_nonzero(self.mask(index)))

    def areas(self, object: str) -> np.ndarray:
        """Pixels of the mask of an object in every frame: uint32 (frames,)."""
        return self._tables[object]["area"]

    def confidences(self, object: str) -> np.ndarray:
        """Confidence of the mask of an object in every frame: float32 (frames,)."""
        return self._tables[object]["confidence"]

    def boxes(self, object: str) -> np.ndarray:
        """Smallest box round the mask of an object in every frame: int64 (frames, 4), y0, y1, x0, x1, half open; 0."""
        table = self._tables[object]
        return np.stack([table[side].astype(np.int64) for side in ("y0", "y1", "x0", "x1")], axis=1)

    def check_fits(self, info: MediaInfo) -> None:
        """Refuse a source that the track was not made from. Raises: InputError."""
        if (self.frames, self.size) != (info.frames, info.size):
            (height, width), (high, wide) = self.size, info.size
            raise InputError(
                f"{self.path}: is the track of {self.frames} frames of {width}x{height}; "
                f"{info.path} has {info.frames} of {wide}x{high}."
            )

    def close(self) -> None:
        """Close the files."""
        for store in self._stores.values():
            store.close()


class TrackSink:
    """A new track: `stores` takes the masks; `finish` and then leaving the `with` block give the folder its name."""

    def __init__(self, target: str | Path, info: MediaInfo, *, overwrite: bool = False) -> None:
        self.target, self._info = Path(target), info
        check_target(self.target, info.path, overwrite)
        self._staged = StagedFolder(self.target, _is_ours, overwrite=overwrite, what="part of a track")
        self.stores = ObjectStores(self._staged.path, info.frames, info.size)

    def finish(self, shots: tuple[Shot, ...], keys: tuple[Key, ...]) -> None:
        """Write what the track is. Raises: OutputError when the disk is full."""
        header = Header(self._info.frames, self._info.size, shots, self.stores.files, _ordered(keys, self.stores.names))
        with writing(self.target):
            _write(self._staged.path / NAME, header)

    def __enter__(self) -> "TrackSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stores.close()
            if kind is None:
                self._staged.commit()
        finally:
            self._staged.discard()


@contextmanager
def revise(track: Track, changed: list[str]) -> Iterator["Revision"]:
    """Write new masks for some objects beside a track; `Revision.commit` puts them in.

    Args:
        changed: objects whose masks begin as they are; new ones begin empty.
    Raises: OutputError.
    """
    staged = StagedFolder(track.path, _is_ours, overwrite=True, what="part of a track")
    try:
        with ObjectStores(staged.path, track.frames, track.size) as stores:
            for name in changed:
                if name in track.header.stores:
                    stores.copy(name, track.path / track.header.stores[name])
            yield Revision(track, staged.path, stores)
    finally:
        staged.discard()


class Revision:
    """New masks of some objects of a track, in `stores`."""

    def __init__(self, track: Track, folder: Path, stores: ObjectStores) -> None:
        """Use `revise`."""
        self.track, self.stores, self._folder = track, stores, folder

    def commit(self, keys: tuple[Key, ...]) -> None:
        """Make the masks, and new keyframes beside or instead of the old ones, part of the track at one stroke.

        Raises: OutputError if somebody else changed the track since it was opened, or when the disk is full.
        """
        self.stores.close()
        old, path, files = self.track.header, self.track.path, self.stores.files
        merged = {(key.object, key.frame): key for key in (*old.keys, *keys)}
        stores = {**old.stores, **files}
        header = Header(old.frames, old.size, old.shots, stores, _ordered(tuple(merged.values()), list(stores)))
        with _committing:
            if _read_header(path) != old:
                raise OutputError(f"{path}: was changed by somebody else meanwhile; correct it again.")
            try:
                _write(self._folder / NAME, header)
                for file in files.values():
                    os.rename(self._folder / file, path / file)
                os.replace(self._folder / NAME, path / NAME)
            except OSError as error:
                raise OutputError(f"{path}: cannot be changed ({error.strerror}); it is as it was.") from error
            with suppress(OSError):
                for entry in [*path.iterdir()]:
                    if is_store_name(entry.name) and entry.name not in stores.values():
                        entry.unlink()


def _ordered(keys: tuple[Key, ...], names: list[str]) -> tuple[Key, ...]:
    return tuple(sorted(keys, key=lambda key: (names.index(key.object), key.frame)))


def _write(path: Path, header: Header) -> None:
    """Write the file, and see to it that it and the masks beside it are on the disk."""
    path.write_bytes(write_header(header))
    for file in path.parent.iterdir():
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())


def _read_header(path: Path) -> Header:
    try:
        with (path / NAME).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: is no track: there is no {path / NAME}.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a track ({error}).") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path / NAME}: is larger than {MOST_BYTES >> 20} MB; that is no track.")
    return read_header(data, str(path / NAME))


def _open(path: Path) -> MaskStore:
    """Open masks for reading. Raises: InputError; FileNotFoundError if they are gone."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise InputError(f"{path}: is no file of masks.")
    try:
        return MaskStore.open(path, writable=False)
    except PermissionError as error:
        raise InputError(f"{path}: may not be read.") from error


def _checked(store: MaskStore, header: Header) -> np.ndarray:
    """What is known of all masks of a store. Raises: InputError if they are not those of the track."""
    if (store.frames, store.size) != (header.frames, header.size):
        raise InputError(f"{store.path}: holds {store.frames} masks of {store.size}, which do not fit the track.")
    return store.table()


def _is_ours(path: Path) -> bool:
    known = path.name == NAME or is_store_name(path.name)
    return known and path.is_file() and not path.is_symlink()

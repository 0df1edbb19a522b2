"""The masks of each object of a source, a MaskStore each, in one folder."""

import shutil
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import numpy as np

from vidremove.closing import Closing
from vidremove.errors import OutputError
from vidremove.masks import MaskStore
from vidremove.types import Key, Shot

_TOLD = 8  # stretches of frames that a note names


class ObjectStores(Closing):
    """The stores by object, in the order in which they were first asked for; closed when the block is left."""

    def __init__(self, folder: Path, frames: int, size: tuple[int, int]) -> None:
        self._folder, self._frames, self._size = folder, frames, size
        self._stores: dict[str, MaskStore] = {}
        self._stack = ExitStack()

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def __getitem__(self, name: str) -> MaskStore:
        """The store of an object; a new one where it has none. Raises: OutputError when the disk is full."""
        if name not in self._stores:
            self._add(name, MaskStore(self._new_path(), self._frames, self._size))
        return self._stores[name]

    def copy(self, name: str, path: Path) -> None:
        """Let the masks of an object begin as those of another store. Raises: OutputError when the disk is full."""
        new = self._new_path()
        try:
            shutil.copyfile(path, new)
        except OSError as error:
            raise OutputError(f"{path}: its masks cannot be copied ({error.strerror}).") from error
        self._add(name, MaskStore.open(new))

    @property
    def names(self) -> list[str]:
        """The objects."""
        return list(self._stores)

    @property
    def files(self) -> dict[str, str]:
        """The names of the files in the folder, by object."""
        return {name: store.path.name for name, store in self._stores.items()}

    def united(self, index: int) -> tuple[np.ndarray, float] | None:
        """The union of all masks of a frame, bool (H, W), and their lowest confidence; None where there are none."""
        known = [one for one in self._stores.values() if one.confidence(index) > 0 or one.area(index)]
        if not known:
            return None
        mask: np.ndarray = np.logical_or.reduce([one.get(index) for one in known])
        return mask, min(one.confidence(index) for one in known)

    def losses(self, name: str, shot: Shot) -> list[tuple[int, int]]:
        """Stretches [start, stop) of a shot in which the object is not seen."""
        store = self[name]
        return find_losses([store.area(index) for index in range(shot.start, shot.stop)], shot)

    def _new_path(self) -> Path:
        return self._folder / f"{uuid.uuid4().hex}.masks"

    def _add(self, name: str, store: MaskStore) -> None:
        self._stores[name] = self._stack.enter_context(store)


def find_losses(areas: Iterable[int], shot: Shot) -> list[tuple[int, int]]:
    """Stretches [start, stop) without an object, from its areas in the frames of a shot."""
    losses, index = [], shot.start
    for gone, group in groupby(areas, key=lambda area: area == 0):
        stop = index + len(list(group))
        if gone:
            losses.append((index, stop))
        index = stop
    return losses


def tell_losses(name: str, losses: Sequence[tuple[int, int]], shot: Shot) -> list[str]:
    """A note on each stretch of a shot in which an object is not seen."""
    found = ["" if stop == shot.stop else f", found again at {stop}" for _, stop in losses]
    stretches = zip(losses, found, strict=True)
    return [f"{name}: not seen in frames {start} to {stop - 1}{again}" for (start, stop), again in stretches]


def tell_silent(shots: Iterable[Shot], keys: Iterable[Key]) -> list[str]:
    """A note on the frames of shots that no prompt speaks of, if there are such."""
    silent: list[list[int]] = []
    spoken = [key.frame for key in keys]
    for shot in shots:
        if any(shot.start <= frame < shot.stop for frame in spoken):
            continue
        if silent and silent[-1][1] == shot.start:
            silent[-1][1] = shot.stop
        else:
            silent.append([shot.start, shot.stop])
    if not silent:
        return []
    told = [f"{start} to {stop - 1}" if stop - start > 1 else f"{start}" for start, stop in silent[:_TOLD]]
    more = [f"{len(silent) - _TOLD} more stretches"] if len(silent) > _TOLD else []
    return [f"frames {', '.join(told + more)} are in shots that no prompt speaks of: nothing was tracked there"]

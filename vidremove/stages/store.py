"""Frames of a shot kept on disk, so that what was seen hundreds of frames away can still fill a hole."""

from pathlib import Path

import numpy as np

from vidremove.errors import OutputError
from vidremove.images import to_gray
from vidremove.stages.view import View, shrink
from vidremove.types import Frame

_SHOTS = 8  # times the frames of one shot that all shots together may keep


class BackgroundStore:
    """At most `limit` frames a shot, evenly spread: when full, every second one goes and the spacing doubles.

    All shots together keep at most eight times as many; beyond, the fullest is thinned, and of many shots with a frame
    each the oldest is let go.
    """

    def __init__(self, folder: Path, limit: int, spacing: int) -> None:
        self._folder, self._limit, self._first_spacing = folder, limit, spacing
        self._kept: dict[int, list[int]] = {}
        self._spacing: dict[int, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def offer(self, frame: Frame, view: View) -> None:
        """Keep the frame if its turn has come. Frames of one shot come in order."""
        kept = self._kept.setdefault(frame.shot, [])
        spacing = self._spacing.setdefault(frame.shot, self._first_spacing)
        if kept and frame.index - kept[-1] < spacing:
            return
        kept.append(frame.index)
        try:
            np.save(self._path(frame.index, "image"), view.image)
            np.save(self._path(frame.index, "hole"), np.packbits(view.hole))
            np.save(self._path(frame.index, "small"), view.small)
        except OSError as error:
            raise OutputError(
                f"{self._folder}: no room for what is kept of the background ({error}). "
                "Name a larger folder with TMPDIR, or keep less: --set fill.store_frames=8"
            ) from error
        if len(kept) > self._limit:
            self._spacing[frame.shot] = 2 * spacing
            self._thin(frame.shot)
        while sum(map(len, self._kept.values())) > _SHOTS * self._limit:
            fullest = max(self._kept, key=lambda shot: len(self._kept[shot]))
            if len(self._kept[fullest]) >= 2:
                self._thin(fullest)
            else:
                oldest = next(iter(self._kept))
                self._remove(self._kept.pop(oldest)[0])

    def _thin(self, shot: int) -> None:
        for index in self._kept[shot][1::2]:
            self._remove(index)
        self._kept[shot] = self._kept[shot][::2]

    def indexes(self, shot: int) -> list[int]:
        """Which frames of the shot are kept, in order."""
        return self._kept.get(shot, [])

    def load(self, index: int, like: View) -> View:
        """The kept frame, its image mapped from disk; sizes as in `like`."""
        image = np.load(self._path(index, "image"), mmap_mode="r")
        bits = np.load(self._path(index, "hole"))
        hole = np.unpackbits(bits, count=like.hole.size).reshape(like.hole.shape).view(np.bool_)
        small = np.load(self._path(index, "small"))
        covered = np.where(shrink(hole.astype(np.float32), like.factor) > 0, np.uint8(255), np.uint8(0))
        return View(index, image, hole, like.factor, small, to_gray(small), covered)

    def _path(self, index: int, what: str) -> Path:
        return self._folder / f"{index:08d}.{what}.npy"

    def _remove(self, index: int) -> None:
        for what in ("image", "hole", "small"):
            self._path(index, what).unlink(missing_ok=True)

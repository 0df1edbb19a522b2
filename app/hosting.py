"""For whom the page is served, and what they may open: told by `vidremove app` through the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from vidremove.errors import InputError
from vidremove.types import MediaInfo

SOURCE = "VIDREMOVE_APP_SOURCE"  # opened first
ROOT = "VIDREMOVE_APP_ROOT"  # folder that paths are confined to
SHARED = "VIDREMOVE_APP_SHARED"  # "1": served to others than the one who started it
UPLOAD_MB = "VIDREMOVE_APP_UPLOAD_MB"
_DEFAULT_UPLOAD_MB = 4000


@dataclass(frozen=True, slots=True)
class Hosting:
    """What visitors may do. For oneself alone there are only the limits of the engine."""

    source: str = ""
    root: Path | None = None
    shared: bool = False
    upload_mb: int = _DEFAULT_UPLOAD_MB
    most_pixels: int = 0  # of a frame; 0: no limit of ours
    most_frames: int = 0
    most_runs: int = 4  # at a time

    @classmethod
    def told(cls) -> "Hosting":
        """As the launcher told it."""
        root, megabytes = os.environ.get(ROOT, ""), os.environ.get(UPLOAD_MB, "")
        shared = os.environ.get(SHARED) == "1"
        return cls(
            os.environ.get(SOURCE, ""),
            Path(root) if root else None,
            shared,
            int(megabytes) if megabytes.isdecimal() else _DEFAULT_UPLOAD_MB,
            40_000_000 if shared else 0,  # 8K and a bit more
            20_000 if shared else 0,  # 11 minutes at 30 frames a second
            2 if shared else 4,
        )

    @property
    def by_path(self) -> bool:
        """Whether paths may be opened at all."""
        return not self.shared or self.root is not None

    def allow(self, path: Path, folder: Path | None = None) -> Path:
        """The path, if it may be opened; for others with its links followed.

        Args:
            folder: of the project, whose uploads may always be opened.
        Raises: InputError, in the same words whether a file is out of bounds or not there.
        """
        if not self.shared or (self.source and path == Path(self.source)):
            return path
        if folder is not None and _is_in(path, folder):
            return path
        if self.root is None:
            raise InputError("files of the server cannot be opened here: upload the clip or the photo.")
        whole = self.root / path
        if not _is_in(whole, self.root):
            raise InputError(f"{path}: there is no such file or folder among those that are served here.")
        return whole.resolve()

    def check_links(self, folder: Path) -> None:
        """See that no file in a folder of frames is a link out of bounds. Raises: InputError."""
        for file in folder.iterdir():
            if file.is_symlink():
                self.allow(file)

    def check(self, info: MediaInfo, name: str) -> None:
        """See that a medium is not too large for a page that is served to others. Raises: InputError."""
        height, width = info.size
        if self.most_pixels and height * width > self.most_pixels:
            raise InputError(
                f"{name}: is {width} × {height}; more than {self.most_pixels // 1_000_000} megapixels are not opened."
            )
        if self.most_frames and info.frames > self.most_frames:
            raise InputError(
                f"{name}: has {info.frames} frames; more than {self.most_frames} are not opened here: cut it."
            )


def _is_in(path: Path, folder: Path) -> bool:
    """Whether something is there, and in a folder when all links are followed."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle, before Python 3.13
        return False

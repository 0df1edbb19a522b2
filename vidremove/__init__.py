"""Remove an object from a clip, a folder of frames or a photo."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vidremove.config import Config, load_config
from vidremove.errors import Cancelled, VidremoveError
from vidremove.registry import list_plugins
from vidremove.types import Progress, Prompt, Result

if TYPE_CHECKING:
    from vidremove.correction import correct
    from vidremove.doubts import Doubt, doubtful
    from vidremove.one_frame import preview, segment
    from vidremove.pipeline import fill, remove, track
    from vidremove.project import Project, load_project, save_project
    from vidremove.tracks import Track

__all__ = [
    "Cancelled",
    "Config",
    "Doubt",
    "Progress",
    "Project",
    "Prompt",
    "Result",
    "Track",
    "VidremoveError",
    "correct",
    "doubtful",
    "fill",
    "list_plugins",
    "load_config",
    "load_project",
    "preview",
    "remove",
    "save_project",
    "segment",
    "track",
]
_LATER = {  # by module: what is imported when it is first asked for
    "correction": ("correct",),
    "doubts": ("Doubt", "doubtful"),
    "one_frame": ("preview", "segment"),
    "pipeline": ("fill", "remove", "track"),
    "project": ("Project", "load_project", "save_project"),
    "tracks": ("Track",),
}


def __getattr__(name: str) -> Any:
    """Import the verbs, and with them OpenCV and PyAV, when one is first asked for."""
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(f"vidremove.{module}"), name)
    raise AttributeError(f"module 'vidremove' has no attribute {name!r}")

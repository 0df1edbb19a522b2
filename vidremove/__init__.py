"""Remove an object from a clip, a folder of frames or a photo."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vidremove.config import Config, load_config
from vidremove.errors import Cancelled, VidremoveError
from vidremove.registry import list_plugins
from vidremove.types import Progress, Prompt, Result

if TYPE_CHECKING:
    from vidremove.one_frame import preview, segment
    from vidremove.pipeline import fill, remove, track
    from vidremove.project import Project, load_project, save_project

__all__ = [
    "Cancelled",
    "Config",
    "Progress",
    "Project",
    "Prompt",
    "Result",
    "VidremoveError",
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


def __getattr__(name: str) -> Any:
    """Import the verbs, and with them OpenCV and PyAV, when one is first asked for."""
    if name in ("preview", "segment"):
        return getattr(import_module("vidremove.one_frame"), name)
    if name in ("Project", "load_project", "save_project"):
        return getattr(import_module("vidremove.project"), name)
    if name in __all__:
        return getattr(import_module("vidremove.pipeline"), name)
    raise AttributeError(f"module 'vidremove' has no attribute {name!r}")

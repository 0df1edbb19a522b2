"""Remove an object from a clip, a folder of frames or a photo."""

from vidremove.config import Config, load_config
from vidremove.errors import Cancelled, VidremoveError
from vidremove.pipeline import fill, preview, remove, segment, track
from vidremove.registry import list_plugins
from vidremove.types import Progress, Prompt, Result

__all__ = [
    "Cancelled",
    "Config",
    "Progress",
    "Prompt",
    "Result",
    "VidremoveError",
    "fill",
    "list_plugins",
    "load_config",
    "preview",
    "remove",
    "segment",
    "track",
]

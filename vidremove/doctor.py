"""What this machine has and what each choice will use."""

import os
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from vidremove.config import TrackConfig
from vidremove.media import list_encoders
from vidremove.registry import list_plugins
from vidremove.segmenters.choice import points_segmenter
from vidremove.weights import find, kept_file, list_weights

PACKAGES = (
    "torch",
    "transformers",
    "av",
    "decord",
    "opencv-python-headless",
    "opencv-python",
    "numpy",
    "scipy",
    "streamlit",
)


def examine() -> dict[str, dict[str, str]]:
    """Machine, packages, codecs and choices, as sections of name and finding."""
    return {
        "machine": _machine(),
        "packages": {name: _version(name) for name in PACKAGES},
        "encoders": {name: "yes" if there else "no" for name, there in list_encoders().items()},
        "weights": {status.published.name: status.state for status in list_weights()},
        "choices": _choices(),
    }


def _machine() -> dict[str, str]:
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "device": _device(),
    }


def _device() -> str:
    try:
        torch = import_module("torch")
    except ImportError as error:
        return f"cpu (torch cannot be imported: {error})"
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name(0)})"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _text_choice() -> str:
    name = TrackConfig().text_weights
    if kept_file(find(name)).is_file():
        return "the segmenter 'lavt'; its weights are here"
    return f"the segmenter 'lavt'; its weights are not here: vidremove weights get {name}"


def _choices() -> dict[str, str]:
    return {
        "click, box": f"the segmenter {points_segmenter()!r}",
        "text": _text_choice(),
        "mask": "taken as it is",
        "fill": "the true background; patch where no frame shows it; needs no weights",
        "segmenters": ", ".join(list_plugins("segmenter")),
        "inpainters": ", ".join(list_plugins("inpainter")),
    }

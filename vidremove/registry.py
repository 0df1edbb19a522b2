"""Plug-ins by name. A new one is one file and one line here; it is imported when it is asked for."""

from importlib import import_module
from typing import Any

from vidremove.errors import PluginError

PLUGINS: dict[str, dict[str, str]] = {
    "segmenter": {
        "embedded": "vidremove.segmenters.embedded:Embedded",
        "lavt": "vidremove.segmenters.lavt:Lavt",
        "transfiner": "vidremove.segmenters.transfiner:Transfiner",
    },
    "flow": {
        "dis": "vidremove.flows.dis:Dis",
    },
    "inpainter": {
        "lama": "vidremove.inpainters.lama:Lama",
        "mat": "vidremove.inpainters.mat:Mat",
        "patch": "vidremove.inpainters.patch:Patch",
        "telea": "vidremove.inpainters.telea:Telea",
    },
}

NETWORKS = {"lama", "lavt", "mat", "transfiner"}  # plug-ins with weights, of the same name; they take a `device`


def list_plugins(kind: str) -> list[str]:
    """Names of the plug-ins of one kind ("segmenter", "flow" or "inpainter"), sorted."""
    if kind not in PLUGINS:
        raise PluginError(f"no plug-ins of kind {kind!r}. Known: {', '.join(sorted(PLUGINS))}.")
    return sorted(PLUGINS[kind])


def load_plugin(kind: str, name: str, **options: Any) -> Any:
    """Import the plug-in and make one with these options.

    Raises: PluginError if no plug-in of that kind has this name.
    """
    known = list_plugins(kind)
    if name not in known:
        raise PluginError(f"unknown {kind} {name!r}. Known: {', '.join(known)}.")
    module, _, attribute = PLUGINS[kind][name].partition(":")
    return getattr(import_module(module), attribute)(**options)

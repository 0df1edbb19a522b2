"""Which plug-ins the settings name, and with which options each is made."""

from collections.abc import Sequence
from typing import Any

from vidremove.config import Config
from vidremove.registry import NETWORKS, load_plugin
from vidremove.segmenters.choice import Choice, points_segmenter
from vidremove.types import Prompt

BOTH = ("lama", "mat")  # inpainters whose results `fill.inpainter = "both"` shows beside each other


def name_inpainters(config: Config) -> tuple[str, ...]:
    """The inpainters whose results are wanted, from left to right."""
    return BOTH if config.fill.inpainter == "both" else (config.fill.inpainter,)


def make_inpainters(config: Config) -> list[Any]:
    """One of each of `name_inpainters`.

    Raises: PluginError for an unknown name or missing weights.
    """
    return [make_plugin("inpainter", name, config) for name in name_inpainters(config)]


def make_plugin(kind: str, name: str, config: Config) -> Any:
    """The plug-in, a network on the device, in the precision and with the weights of the settings.

    Raises: PluginError for an unknown name or missing weights.
    """
    options = {"device": config.device, "precision": config.precision} if name in NETWORKS else {}
    weights = {"lavt": config.track.text_weights, "transfiner": config.track.point_weights}
    if name in weights:
        options["weights"] = weights[name]
    return load_plugin(kind, name, **options)


def name_weights(config: Config, prompts: Sequence[Prompt]) -> list[str]:
    """The weights without which a removal with these prompts cannot begin, here or not; see vidremove/weights.py."""
    names = [name for name in name_inpainters(config) if name in NETWORKS]
    own = {"lavt": config.track.text_weights, "transfiner": config.track.point_weights}
    asked = config.track.segmenter if config.track.segmenter != "auto" else "lavt"
    if asked in own and any(prompt.text or config.track.segmenter != "auto" for prompt in prompts):
        names.append(own[asked])
    return list(dict.fromkeys(names))


def make_segmenter(config: Config, prompts: Sequence[Prompt]) -> Any:
    """The segmenter that was named; by default LAVT for phrases, Mask Transfiner for points if its weights are here.

    Raises: PluginError for an unknown name or missing weights.
    """
    name = config.track.segmenter
    if name != "auto":
        return make_plugin("segmenter", name, config)
    return Choice(
        prompts,
        for_text=lambda: make_plugin("segmenter", "lavt", config),
        for_points=lambda: make_plugin("segmenter", points_segmenter(config.track.point_weights), config),
    )

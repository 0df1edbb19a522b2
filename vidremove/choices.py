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
    weights = _segmenter_weights(config)
    if name in weights:
        options["weights"] = weights[name]
    return load_plugin(kind, name, **options)


def name_segmenter(config: Config, prompt: Prompt) -> str:
    """The segmenter that a prompt goes to: the one that was named; by default LAVT for phrases, see `points_segmenter`.

    Raises: PluginError if there are no weights of the name that the settings give.
    """
    if config.track.segmenter != "auto":
        return config.track.segmenter
    return "lavt" if prompt.text else points_segmenter(config.track.point_weights)


def name_weights(config: Config, prompts: Sequence[Prompt], fill: bool = True) -> list[str]:
    """The weights that are needed to find what prompts say and, unless not `fill`, to fill; here or not."""
    names = [name for name in name_inpainters(config) if fill and name in NETWORKS]
    of_segmenters = _segmenter_weights(config)
    asked = [name_segmenter(config, prompt) for prompt in prompts]
    names += [of_segmenters[name] for name in asked if name in of_segmenters]
    return list(dict.fromkeys(names))


def _segmenter_weights(config: Config) -> dict[str, str]:
    return {"lavt": config.track.text_weights, "transfiner": config.track.point_weights}


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

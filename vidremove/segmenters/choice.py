"""One segmenter for all prompts: phrases go to one, points and boxes to another, each made when first needed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vidremove.types import Prompt
from vidremove.weights import find, kept_file

Make = Callable[[], Any]


class Choice:
    """Asks the segmenter that understands the prompt."""

    def __init__(self, prompts: Sequence[Prompt], for_text: Make, for_points: Make) -> None:
        """Make what `prompts` will need, so that a missing one is told before any work.

        Args:
            prompts: all that will be asked.
            for_text, for_points: make the segmenters for phrases and for points and boxes.
        """
        texts = [bool(prompt.text) for prompt in prompts if prompt.text or _points(prompt)]
        self._text = for_text() if any(texts) else None
        self._points = for_points() if not all(texts) else None

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
        """Mask bool (H, W) and score 0..1 of the prompt on `images[at]`; see segmenters/embedded.py."""
        chosen = self.chosen(prompt)
        if chosen is None:
            raise ValueError("a prompt of a kind that was not announced")
        mask, score = chosen(images, at, prompt)
        return mask, float(score)

    def chosen(self, prompt: Prompt) -> Any:
        """The segmenter that this prompt goes to."""
        return self._text if prompt.text else self._points


def points_segmenter(weights: str = "transfiner") -> str:
    """The segmenter for points and boxes: Mask Transfiner if these weights of it are here, else the embedded one.

    Raises: PluginError if there are no weights of this name.
    """
    return "transfiner" if kept_file(find(weights)).is_file() else "embedded"


def _points(prompt: Prompt) -> bool:
    return bool(prompt.clicks or prompt.not_clicks or prompt.box)

"""Ask a segmenter that knows objects again on later frames, so that the carried mask does not wear out.

The answer replaces the carried mask only where both plainly mean the same object; else the carried one stays.
"""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from vidremove.errors import InputError
from vidremove.images import bounding_box, to_uint8
from vidremove.stages.keyframes import Segmenter, chosen_for
from vidremove.types import Prompt

_SAME = 0.5  # overlap (intersection over union) of an answer with the carried mask, to be taken for the same object
_SAME_AGAIN = 0.25  # the same right after a loss, when the carried mask is rough
_PART = 0.05  # of the carried mask; what an answer leaves out in one piece, of an object that was joined from several
_DOUBT = 0.45  # confidence below which the segmenter is asked at once
_REST = 8  # frames after an answer before doubt asks again


class Resegmenter:
    """Decides when to ask, asks, and matches the answer. One for each pass over a shot, in either direction."""

    def __init__(self, segmenter: Segmenter, prompts: Mapping[str, Prompt], every: int) -> None:
        """Take what was said of each object.

        Args:
            segmenter: the one that made the first masks. Only one with `knows_objects` is asked again.
            prompts: by object; those that give nothing but a mask are left alone.
            every: frames between two questions; 0: never ask.
        """
        self._segmenter, self._every = segmenter, every
        self._prompts = {name: prompt for name, prompt in prompts.items() if every and may_ask(segmenter, prompt)}
        self._asked: dict[str, int] = {}  # frame of the last answer, or of the keyframe
        self._lost: dict[str, bool] = {}

    def start(self, name: str, index: int) -> None:
        """Note a keyframe of the object."""
        self._asked[name], self._lost[name] = index, False

    def __call__(
        self, name: str, index: int, image: np.ndarray, mask: np.ndarray, confidence: float
    ) -> tuple[np.ndarray, float] | None:
        """Look at one frame, in the order of carrying.

        Args:
            name: of the object.
            index: of the frame.
            image: uint8 or uint16 (H, W, 3), RGB.
            mask: bool (H, W), carried to this frame along the flow.
            confidence: of that mask, 0..1.
        Returns: the segmenter's mask of the same object, bool (H, W), and its score 0..1; None where the carried mask
            is to stay.
        Source: ours.
        """
        prompt = self._prompts.get(name)
        came_back = self._lost.get(name, False) and bool(mask.any())
        self._lost[name] = not mask.any()
        if prompt is None or not mask.any():
            return None
        age = abs(index - self._asked.setdefault(name, index))
        if not (came_back or age >= self._every or (confidence < _DOUBT and age >= _REST)):
            return None
        self._asked[name] = index
        try:
            found, score = self._segmenter(to_uint8(image)[None], 0, _asked_again(prompt, index, mask))
        except InputError:  # nothing of the kind is there
            return None
        same = overlap(found, mask) >= (_SAME_AGAIN if came_back else _SAME)
        if same and len({*prompt.clicks}) > 1 and _largest_part(mask & ~found) > _PART * np.count_nonzero(mask):
            return None  # several things were joined by clicks, and this is not all of them
        return (found, float(score)) if same else None


def may_ask(segmenter: Segmenter, prompt: Prompt) -> bool:
    """Whether the prompt goes to a segmenter that knows objects, and says more than a mask."""
    asked = chosen_for(segmenter, prompt)
    said = bool(prompt.text or prompt.clicks or prompt.box)
    return said and bool(getattr(asked, "knows_objects", False))


def _asked_again(prompt: Prompt, index: int, mask: np.ndarray) -> Prompt:
    """The same words; points and boxes are those of the carried mask, since the object has moved."""
    if prompt.text:
        return replace(prompt, frame=index, clicks=(), not_clicks=(), box=None, mask=None)
    y0, y1, x0, x1 = bounding_box(mask) or (0, mask.shape[0], 0, mask.shape[1])
    return Prompt(index, prompt.object, (inner_point(mask),), box=(float(x0), float(y0), float(x1), float(y1)))


def inner_point(mask: np.ndarray) -> tuple[float, float]:
    """The pixel (x, y) of a bool (H, W) mask, not empty, that is farthest from its edge."""
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x) - 1, float(y) - 1


def _largest_part(mask: np.ndarray) -> int:
    """Pixels of the largest part of a bool (H, W) mask, once its rim of one pixel is taken off."""
    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(inner, connectivity=4)
    return int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two bool masks of one shape; 0 where both are empty."""
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 0.0

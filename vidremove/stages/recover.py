"""Find a lost object again by its colours, its descriptors and its motion; rather not at all than wrongly."""

from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.appearance import colour_cells, colour_histogram, log_odds, nearest_exemplars
from vidremove.camera import UNKNOWN
from vidremove.images import bounding_box, grow
from vidremove.stages.observe import Observation

_EXEMPLARS = 150  # descriptors kept of the object, and as many of what is not the object
_SMALLEST, _LARGEST = 0.25, 3.0  # plausible areas, shares of the usual area
_RATE = 0.02  # at which the usual area follows
_LEAST = 60  # pixels of the working size: less shows too little to be told from anything else
_SEPARATION = 0.5  # share of the way from the best impostor to the object itself that a find must reach
_FLOOR = 0.5  # likeness that is always needed
_SHARE = 0.75  # of the object's own likeness on the keyframe, which a find must reach as well
_CHANGED, _SPEED = 30, 0.7  # difference from the background, and pixels a frame against the camera, that count
_MOVING = 0.35  # share of a find that must be seen to move or to differ from the background
_CERTAIN = 0.85  # likeness at which an object may stand still


@dataclass(frozen=True, slots=True, eq=False)
class Find:
    """A place that looks like the object."""

    mask: np.ndarray  # bool (h, w), working size; rough
    likeness: float  # 0..1


class Memory:
    """What is remembered of an object from its keyframe, to find it again.

    It is tried on the keyframe first: what else there looks like the object sets how alike a find must be, and an
    object that does not stand out from its own surroundings is never searched for.
    """

    def __init__(self, seen: Observation, mask: np.ndarray) -> None:
        self._first = self._usual = float(mask.sum())  # areas, pixels
        lab = seen.lab
        cells = colour_cells(lab)
        self._colours = colour_histogram(cells[mask])
        self._others = colour_histogram(cells[~grow(mask, 3)])
        height, width = seen.descriptors.shape[:2]
        share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        self._inside = _sample(seen.descriptors[share > 0.9])
        self._outside = _sample(seen.descriptors[~grow(share > 0, 3)])
        self._needed = self._try(seen, mask) if min(len(self._inside), len(self._outside)) >= 5 else 2.0

    @property
    def usable(self) -> bool:
        """Whether the object stands out enough on its keyframe."""
        return self._needed <= 1

    def note_area(self, area: int) -> None:
        """Follow the object's area slowly: an object that is leaving shows ever less of itself, yet is no smaller."""
        self._usual += _RATE * (area - self._usual)

    def find(self, seen: Observation) -> Find | None:
        """Look for the object in the whole frame.

        Args:
            seen: the frame at working size.
        Returns: the one place that looks like it, has a plausible size, and moves against the camera or differs from
            the background (or is so alike that it need not); None without clear evidence.
        Source: ours.
        """
        if not self.usable:
            return None
        found = [find for find in self._candidates(seen) if find.likeness >= self._needed]
        found = [find for find in found if find.likeness >= _CERTAIN or _moves(seen, find.mask)]
        if not found:
            return None
        found.sort(key=lambda find: find.likeness, reverse=True)
        if len(found) > 1 and found[1].likeness > 0.9 * found[0].likeness:
            return None  # two of the kind: which of them it is cannot be told
        return found[0]

    def _try(self, seen: Observation, mask: np.ndarray) -> float:
        """Likeness that a find needs, from the keyframe; above 1 where the object itself would not be found."""
        own, other = 0.0, 0.0
        for find in self._candidates(seen):
            common = float((find.mask & mask).sum()) / float((find.mask | mask).sum())
            if common > 0.4:
                own = max(own, find.likeness)
            elif not (find.mask & mask).any():
                other = max(other, find.likeness)
        if own <= max(other, _FLOOR):
            return 2.0
        return max(_FLOOR, _SHARE * own, other + _SEPARATION * (own - other))

    def _candidates(self, seen: Observation) -> list[Find]:
        odds = self._odds(seen)
        size = seen.lab.shape[:2]
        count, labels, stats, _ = cv2.connectedComponentsWithStats((odds > 0).view(np.uint8), connectivity=4)
        scale = size[0] * size[1] / odds.size
        smallest = max(_SMALLEST * min(self._first, self._usual), _LEAST)
        largest = _LARGEST * max(self._first, self._usual)
        found = []
        for part in range(1, count):
            if smallest <= stats[part, cv2.CC_STAT_AREA] * scale <= largest:
                rough = (
                    cv2.resize((labels == part).astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
                )
                found.append(Find(rough, self._likeness(seen, rough, odds[labels == part])))
        return found

    def _odds(self, seen: Observation) -> np.ndarray:
        """Log odds at a quarter of the working size: float32 (h // 4, w // 4)."""
        descriptors = np.ascontiguousarray(seen.descriptors[::2, ::2])
        height, width = descriptors.shape[:2]
        lab = cv2.resize(seen.lab, (width, height), interpolation=cv2.INTER_AREA)
        table = log_odds(self._colours, self._others, 1e-3, 3)
        odds = table[colour_cells(lab)] + 1.5 * nearest_exemplars(descriptors, self._inside, self._outside)
        return cv2.GaussianBlur(odds - 0.5, (0, 0), 1.0)

    def _likeness(self, seen: Observation, mask: np.ndarray, odds: np.ndarray) -> float:
        """How well the colours of a place agree with the object's, and how clearly they are not its surroundings'."""
        box = bounding_box(mask)
        if box is None:
            return 0.0
        y0, y1, x0, x1 = box
        own = colour_histogram(colour_cells(seen.lab[y0:y1, x0:x1])[mask[y0:y1, x0:x1]])
        common = float(np.minimum(own, self._colours).sum())
        return 0.6 * common + 0.4 * float(np.clip(odds.mean() / 2, 0, 1))


def _moves(seen: Observation, mask: np.ndarray) -> bool:
    """Whether enough of a place moves against the camera or differs from the registered background."""
    box = bounding_box(mask)
    if box is None:
        return False
    inside = mask[box[0] : box[1], box[2] : box[3]]
    difference = seen.difference(box)[inside]
    changed = (difference > _CHANGED) & (difference < UNKNOWN)
    fast = np.linalg.norm(seen.residual(box), axis=2)[inside] > _SPEED
    return float((changed | fast).mean()) > _MOVING


def _sample(descriptors: np.ndarray) -> np.ndarray:
    return descriptors[np.linspace(0, len(descriptors) - 1, min(_EXEMPLARS, len(descriptors))).astype(int)]

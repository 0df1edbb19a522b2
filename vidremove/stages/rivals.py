"""Other things that look like the object: noticed while they are apart from it, then held apart when they touch."""

from operator import itemgetter

import cv2
import numpy as np

from vidremove.images import Box, bounding_box, grow
from vidremove.stages.observe import Observation

_SEEN = 2  # frames on which a thing must have been seen apart from the object
_MOST = 10  # frames counted
_AGAINST = 8.0  # log odds against a rival's pixels, above what all cues can say for them
_FRONT = 1.0  # log odds for a pixel in a rival's place that looks otherwise: something stands in front of it
_GAP = 0.1  # distance from the object that counts as apart, share of the object's size
_SMALL, _LEAST = 0.02, 16  # smallest rival: share of the object's area, and pixels
_RIM = 2  # pixels round a rival that go to the nearer of the two
_SAME = 20  # difference of a pixel from the rival's look, sum over the channels, that means nothing
_REACH = 2  # pixels the shift is searched round the flow
_COST, _ODD = 0.3, 60  # a pixel of distance from the flow costs this much likeness; differences count up to this
_HELD = 0.3  # share of a rival that must still look like the object, or it is forgotten


class Rivals:
    """What looks like the object but was seen apart from it, so it cannot be the object when they meet.

    A rival is shifted as a whole by its own motion, the flow's or its last one, whichever finds it again: where the
    object passes in front of it, flow is not to be trusted. Its look is kept from when it stood alone; where the
    picture no longer shows it, it is hidden.
    Source: ours, after Videnovic et al. 2025, DAM4SAM (a memory of distractors).
    """

    def __init__(self, image: np.ndarray) -> None:
        self._look = image  # uint8 (h, w, 3), what the rivals look like, in their places
        self._age = np.zeros(image.shape[:2], np.float32)  # frames on which each pixel's rival was seen apart
        self._shown = np.zeros(image.shape[:2], np.bool_)  # pixels of rivals with nothing in front of them
        self._speed = np.zeros((*image.shape[:2], 2), np.float32)  # (x, y), pixels a frame, in their places

    def carry(self, seen: Observation) -> None:
        """Bring the rivals to the next frame."""
        if seen.flow_ahead is None or not self._age.any():
            self._shown = np.zeros_like(self._shown)
            return
        age, look, speed = np.zeros_like(self._age), seen.image.copy(), np.zeros_like(self._speed)
        count, labels = cv2.connectedComponents((self._age > 0).view(np.uint8), connectivity=8)
        for index in range(1, count):
            part = labels == index
            shown = part & self._shown
            if int(shown.sum()) >= _LEAST:
                starts = np.median(seen.flow_ahead[shown], axis=0), np.median(self._speed[shown], axis=0)
                _, shift = min((self._refine(seen.image, part, start) for start in starts), key=itemgetter(0))
                speed[self._move(part, shift, age, look)] = shift
        self._age, self._look, self._speed = age, look, speed
        same = (_unlikeness(seen.image, look) < _SAME).astype(np.float32)
        self._shown = (age > 0) & (cv2.blur(same, (3, 3)) > 0.6)

    def _move(self, part: np.ndarray, shift: np.ndarray, age: np.ndarray, look: np.ndarray) -> np.ndarray:
        """Put a rival into its new place: bool (h, w), the place."""
        matrix, size = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32), part.shape[::-1]
        moved = cv2.warpAffine(np.where(part, self._age, 0), matrix, size)
        over = moved > age
        age[over] = moved[over]
        look[over] = cv2.warpAffine(self._look, matrix, size)[over]
        return np.asarray(over)

    def _refine(self, image: np.ndarray, part: np.ndarray, shift: np.ndarray) -> tuple[float, np.ndarray]:
        """The shift near the given one at which most of a rival's look is found again: its cost, float (2,), pixels."""
        box = bounding_box(part)
        if box is None:
            return np.inf, shift
        y0, y1, x0, x1 = box
        inside = part[y0:y1, x0:x1]
        around = _REACH + 1
        padded = cv2.copyMakeBorder(image, *[around + _far(shift)] * 4, cv2.BORDER_REPLICATE)
        origin = np.round(shift).astype(int) + around + _far(shift)
        best, found = np.inf, shift
        for dy in range(-_REACH, _REACH + 1):
            for dx in range(-_REACH, _REACH + 1):
                y, x = y0 + origin[1] + dy, x0 + origin[0] + dx
                there = padded[y : y + y1 - y0, x : x + x1 - x0]
                cost = _COST * (abs(dx) + abs(dy)) + _mean_difference(there, self._look[y0:y1, x0:x1], inside)
                if cost < best:
                    best, found = cost, shift if dx == dy == 0 else np.round(shift) + np.array([dx, dy])
        return best, found

    def odds(self, carried: np.ndarray, box: Box) -> np.ndarray:
        """What the rivals say of the pixels of a box: log odds, float32 (.., ..), negative = rival.

        Args:
            carried: bool (h, w), the object as flow carries it.
            box: part of the frame to look at.
        """
        y0, y1, x0, x1 = box
        place = self._age[y0:y1, x0:x1] > _SEEN - 0.5
        shown = place & self._shown[y0:y1, x0:x1]
        if not shown.any():
            return np.zeros(place.shape, np.float32)
        to_rival, to_object = _distance(shown), _distance(carried[y0:y1, x0:x1])
        rim = np.where(place | (to_rival > _RIM), 0, np.clip((to_object - to_rival) / 2, 0, 1))
        front = place & ~shown & grow(place, -2)
        return (_FRONT * front - _AGAINST * np.maximum(shown, rim)).astype(np.float32)

    def note(self, alike: np.ndarray, mask: np.ndarray, carried: np.ndarray, image: np.ndarray, box: Box) -> None:
        """Look for rivals on this frame, count how often they were seen, forget those that look otherwise by now.

        Args:
            alike: bool, of the box: pixels that by their looks and motion could be the object's.
            mask: bool (h, w), the object.
            carried: bool (h, w), the object as flow carried it.
            image: uint8 (h, w, 3).
            box: part of the frame that was looked at.
        """
        y0, y1, x0, x1 = box
        inner, shown, area = mask[y0:y1, x0:x1], self._shown[y0:y1, x0:x1], int(mask.sum())
        others = cv2.morphologyEx((alike & ~inner).view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        old = self._age[y0:y1, x0:x1]
        if not (others.any() or old.any()):
            self._age, self._shown = np.zeros_like(self._age), np.zeros_like(self._shown)
            return
        near = grow(inner, max(2, int(_GAP * np.sqrt(area))))
        age = np.where(inner & shown, np.float32(0), old)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(others.view(np.uint8), connectivity=8)
        touched = np.bincount(labels[near | carried[y0:y1, x0:x1]], minlength=count)
        apart = (touched == 0) & (stats[:, cv2.CC_STAT_AREA] >= max(_LEAST, _SMALL * area))
        for index in np.flatnonzero(apart[1:]) + 1:
            part = labels == index
            age[part] = min(float(old[part].max()) + 1, _MOST)
        age[_outdated(age > 0, others, near)] = 0
        self._age = np.zeros_like(self._age)
        self._age[y0:y1, x0:x1] = age
        fresh = np.zeros_like(mask)
        fresh[y0:y1, x0:x1] = (age > 0) & others
        appeared = fresh & ~self._shown
        if appeared.any():
            self._look = np.where(appeared[..., None], image, self._look)
        self._shown = fresh | (self._shown & (self._age > 0))


def _outdated(places: np.ndarray, others: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Rivals away from the object that hardly look like it any more: bool, as the given ones."""
    count, labels = cv2.connectedComponents(places.view(np.uint8), connectivity=8)
    sizes, alike, touching = (
        np.bincount(labels[part], minlength=count) for part in (np.ones_like(places), others, near)
    )
    gone = (touching == 0) & (alike < _HELD * sizes)
    gone[0] = False
    return np.asarray(gone[labels])


def _unlikeness(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Difference of each pixel from the range of a 3 x 3 neighbourhood of the other image, sum over the channels."""
    square = np.ones((3, 3), np.uint8)
    above, below = cv2.subtract(image, cv2.dilate(other, square)), cv2.subtract(cv2.erode(other, square), image)
    first, second, third = cv2.split(cv2.max(above, below))
    return np.asarray(cv2.add(cv2.add(first, second), third))  # held at 255


def _mean_difference(image: np.ndarray, other: np.ndarray, inside: np.ndarray) -> float:
    first, second, third = cv2.split(cv2.absdiff(image, other))
    return float(np.minimum(cv2.add(cv2.add(first, second), third)[inside], _ODD).mean())


def _far(shift: np.ndarray) -> int:
    return int(np.ceil(np.abs(shift).max())) + 1


def _distance(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 3)

"""Carry the mask of one object from frame to frame: what flow, colour, texture and motion say, settled along edges."""

from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.appearance import (
    MOST_LIKELY,
    colour_cells,
    colour_histogram,
    fill_pinholes,
    log_odds,
    nearest_exemplars,
    settle,
    signed_distance,
)
from vidremove.camera import UNKNOWN
from vidremove.images import Box, bounding_box, grow, identity_grid
from vidremove.stages.observe import Observation
from vidremove.stages.recover import Memory
from vidremove.stages.rivals import Rivals

_LOST = 16  # pixels of the working size, below which the object counts as gone
_DOUBT = 0.5  # share of its confidence that an object has when it was just found again
_REGAINED = 0.05  # of it is regained with every frame on which the object is held
_SURE = 0.7  # confidence above which the area is remembered
_CHANGED = 1.0  # log odds of a difference from the background that cannot be chance
_BLOCK = 12  # pixels a side, of the blocks in which that is judged
_OTHERS = 0.25  # share of the surroundings that may be other things that move
_STRAY = 0.1  # share of the surroundings that differ so, at which the registration is not trusted at all
_TRUSTED = 0.7  # share of that trust from which a difference alone says that a pixel has changed
_CLOSE = 0.1  # distance from the object's other parts, share of its size, at which a speck may belong to it


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each cue counts, in log odds; measured on real clips, see benchmarks/masks.py."""

    prior: float = 1.5  # the mask carried along the flow
    softness: float = 0.15  # width of its edge, share of the object's size
    colour: float = 0.7
    exemplar: float = 1.5  # descriptors against the keyframe
    difference: float = 1.0  # from the registered background
    registered: float = 0.3  # share by which the difference counts for more where the surroundings fit
    motion: float = 0.7  # against the camera's
    neighbours: float = 1.2  # agreement of pixels of one colour
    growth: float = 0.1  # against pixels far outside the carried mask, a pixel
    slack: float = 6.0  # pixels outside it that are free of that
    anchor: float = 0.5  # share of the keyframe in what is learnt of the difference
    rate: float = 0.15  # at which the models follow the object


class Carrier:
    """State of one object between frames, at working size. Made on a keyframe, then fed the frames in order."""

    def __init__(self, seen: Observation, mask: np.ndarray, weights: Weights | None = None, trust: float = 1.0) -> None:
        self.weights = weights or Weights()
        self.mask = mask  # bool (h, w)
        self.label = np.where(mask, 1.0, -1.0).astype(np.float32)  # expected label in [-1, 1]
        self.confidence = 1.0
        self._models: dict[str, np.ndarray] = {}
        box = bounding_box(mask, self._margin(), 2)
        if box is not None:
            self._learn(seen, mask, box, seen.difference(box))
        self._first = dict(self._models)
        self._exemplars = self._pick_exemplars(seen, mask)
        self._memory = Memory(seen, mask)
        self._rivals = Rivals(seen.image)
        self._trusted = trust  # lowered when the object was found again after a loss

    def advance(self, seen: Observation) -> None:
        """Bring `mask`, `label` and `confidence` to the next frame."""
        if seen.flow_back is None or seen.flow_ahead is None:
            return
        grid = identity_grid(*self.mask.shape) + seen.flow_back
        carried = cv2.remap(self.label, grid, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1)
        if int((carried > 0).sum()) < _LOST:
            carried = self._search(seen)
        box = bounding_box(carried > 0, self._margin(), 2)
        if box is None:
            self.label, self.mask, self.confidence = np.full_like(carried, -1), carried > 1, 0.0
            self._rivals = Rivals(seen.image)
            return
        y0, y1, x0, x1 = box
        self._rivals.carry(seen)
        known = seen.difference(box)
        prior = self._prior(seen, carried > 0, grid, box) + self._rivals.odds(carried > 0, box)
        cues, changed = self._cues(seen, carried > 0, known, prior, box)
        odds = prior + cues
        label = np.full_like(carried, -1)
        label[y0:y1, x0:x1] = settle(odds, seen.lab[y0:y1, x0:x1], self.weights.neighbours)
        self.mask = np.zeros(carried.shape, np.bool_)
        self.mask[y0:y1, x0:x1] = _tidy(
            label[y0:y1, x0:x1] > 0, carried[y0:y1, x0:x1] > 0, changed, _edge(carried.shape, box)
        )
        self._rivals.note(cues > 0, self.mask, carried > 0, seen.image, box)
        self.label = np.where(self.mask, np.maximum(label, 0.05), np.minimum(label, -0.05))
        self.confidence = self._trusted * float(np.abs(label[self.mask]).mean()) if self.mask.any() else 0.0
        self._trusted = min(1.0, self._trusted + _REGAINED)
        if int(self.mask.sum()) >= _LOST:
            self._learn(seen, self.mask, box, known, self.weights.rate)
        if self.confidence > _SURE:
            self._memory.note_area(int(self.mask.sum()))

    def _search(self, seen: Observation) -> np.ndarray:
        """Where the lost object is seen again: label in [-1, 1], float32 (h, w), -1 everywhere without a find."""
        find = self._memory.find(seen)
        if find is None:
            return np.full(self.mask.shape, -1, np.float32)
        self._models = dict(self._first)  # what was learnt while it got lost is not to be trusted
        self._trusted = _DOUBT
        self.mask = find.mask
        return np.where(find.mask, np.float32(1), np.float32(-1))

    def _margin(self) -> int:
        return int(np.clip(0.6 * np.sqrt(self.mask.sum()), 12, 60))

    def _prior(self, seen: Observation, carried: np.ndarray, grid: np.ndarray, box: Box) -> np.ndarray:
        """What the mask carried along the flow says: log odds of the box."""
        y0, y1, x0, x1 = box
        inside = carried[y0:y1, x0:x1]
        distance = signed_distance(inside)
        width = max(2.0, self.weights.softness * float(np.sqrt(inside.sum())))
        odds = self.weights.prior * np.tanh(distance / width) * self._trust(seen, grid, box)
        odds -= self.weights.growth * np.maximum(-distance - self.weights.slack, 0)
        return odds.astype(np.float32)

    def _cues(
        self, seen: Observation, carried: np.ndarray, known: np.ndarray, prior: np.ndarray, box: Box
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the picture says: log odds, and bool, pixels that differ from a background well known; both of the box.

        Where the surroundings fit the registered background, a difference from it counts for more, and against the
        object's own motion: flow loses thin limbs that move fast and takes them for still.
        """
        y0, y1, x0, x1 = box
        distance = signed_distance(carried[y0:y1, x0:x1])
        difference, motion = self._difference_odds(known), self._motion_odds(seen, distance, box)
        differs, far = difference > _CHANGED, distance < -self.weights.slack
        registered = _registered(differs, far)
        odds = difference * (1 + self.weights.registered * registered)
        odds += np.where(differs, np.maximum(motion, (1 - registered) * motion), motion)
        odds += self._colour_odds(seen, box)
        most = MOST_LIKELY * self.weights.exemplar
        undecided = (np.abs(odds) < most) | (np.abs(odds + prior) < most + 4 * self.weights.neighbours)
        odds += self._texture_odds(seen, undecided, box)
        return odds, differs & (registered > _TRUSTED)

    def _trust(self, seen: Observation, grid: np.ndarray, box: Box) -> np.ndarray:
        """How far the flow there and back agrees: float32 in [0.4, 1]."""
        if seen.flow_back is None or seen.flow_ahead is None:
            return np.ones((box[1] - box[0], box[3] - box[2]), np.float32)
        y0, y1, x0, x1 = box
        part = grid[y0:y1, x0:x1]
        back = cv2.remap(seen.flow_ahead, part, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = np.square(back + seen.flow_back[y0:y1, x0:x1]).sum(2)
        return np.maximum(np.exp(-error / 32), 0.4)

    def _colour_odds(self, seen: Observation, box: Box) -> np.ndarray:
        y0, y1, x0, x1 = box
        now, first = self._models, self._first
        table = log_odds(now["inside"], now["outside"], 2e-4, 9) + log_odds(first["inside"], first["outside"], 2e-4, 9)
        table = (0.5 * self.weights.colour * np.clip(table, -6, 6)).astype(np.float32)
        return table[colour_cells(seen.lab[y0:y1, x0:x1])]

    def _difference_odds(self, difference: np.ndarray) -> np.ndarray:
        table = np.zeros(256, np.float32)
        now, first = self._models, self._first
        learnt = (1 - self.weights.anchor) * log_odds(now["moved"], now["stayed"], 3e-3, 3)
        learnt = learnt + self.weights.anchor * log_odds(first["moved"], first["stayed"], 3e-3, 3)
        table[:UNKNOWN] = self.weights.difference * np.repeat(learnt, 4)[:UNKNOWN]
        return table[difference]

    def _motion_odds(self, seen: Observation, distance: np.ndarray, box: Box) -> np.ndarray:
        """Speed against the camera, by histograms of this frame inside and outside the carried mask."""
        speed = np.minimum((np.linalg.norm(seen.residual(box), axis=2) * 8).astype(np.int32), 63)
        core, rest = distance > 2, distance < -3
        if core.sum() < 20 or rest.sum() < 20:
            return np.zeros_like(distance)
        inside, outside = (_smooth_counts(speed[part], 64, 7) for part in (core, rest))
        return self.weights.motion * log_odds(inside, outside, 1e-2, 2)[speed]

    def _texture_odds(self, seen: Observation, undecided: np.ndarray, box: Box) -> np.ndarray:
        """Likeness to the keyframe, looked at only where it can turn the label of a pixel or of its neighbours."""
        y0, y1, x0, x1 = box
        half = y0 // 2, y1 // 2, x0 // 2, x1 // 2
        inside, outside = self._exemplars
        if min(len(inside), len(outside)) < 5:
            return np.zeros((y1 - y0, x1 - x0), np.float32)
        part = seen.descriptors[half[0] : half[1], half[2] : half[3]]
        height, width = part.shape[:2]
        needed = cv2.resize(undecided.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0
        needed = grow(needed, 1)  # the odds are interpolated
        odds = np.zeros((height, width), np.float32)
        odds[needed] = self.weights.exemplar * nearest_exemplars(part[needed][None], inside, outside)[0]
        return cv2.resize(odds, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)

    def _learn(self, seen: Observation, mask: np.ndarray, box: Box, difference: np.ndarray, rate: float = 1.0) -> None:
        """Move the colour and difference models towards this frame, of which a box was looked at."""
        y0, y1, x0, x1 = box
        inside, outside = grow(mask, -1)[y0:y1, x0:x1], ~grow(mask, 1)[y0:y1, x0:x1]
        if inside.sum() < 30:
            inside = mask[y0:y1, x0:x1]
        cells = colour_cells(seen.lab[y0:y1, x0:x1])
        known = difference < UNKNOWN
        fresh = {
            "inside": colour_histogram(cells[inside]),
            "outside": colour_histogram(cells[outside]),
            "moved": _smooth_counts(difference[inside & known] >> 2, 64, 5),
            "stayed": _smooth_counts(difference[outside & known] >> 2, 64, 5),
        }
        for name, value in fresh.items():
            self._models[name] = value if rate >= 1 else self._models[name] + rate * (value - self._models[name])

    def _pick_exemplars(self, seen: Observation, mask: np.ndarray, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
        height, width = seen.descriptors.shape[:2]
        share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        near = grow(share > 0.1, self._margin() // 2)
        chosen = []
        for part in (share > 0.9, near & (share < 0.1)):
            found = seen.descriptors[part]
            chosen.append(found[np.linspace(0, len(found) - 1, min(count, len(found))).astype(int)])
        return chosen[0], chosen[1]


def _smooth_counts(values: np.ndarray, size: int, width: int) -> np.ndarray:
    counts = np.convolve(np.bincount(values.ravel(), minlength=size), np.full(width, 1 / width), "same")
    return counts / max(float(counts.sum()), 1.0)


def _tidy(mask: np.ndarray, carried: np.ndarray, changed: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Drop specks, unless they are large, come from the carried mask, or lie close to it and changed; close pinholes.

    A part that reaches in from beyond where the object was looked for is another thing that comes near.

    Args:
        mask: bool (h, w), where the object was looked for; all others likewise.
        carried: the mask as flow carries it.
        changed: pixels that surely differ from the background.
        edge: pixels beyond which nothing was looked at.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if count > 2:
        areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
        held, differing = (np.bincount(labels[part], minlength=count) for part in (carried, changed))
        keep = (areas >= 0.05 * areas[1:].max()) | ((areas >= 8) & (held > 0.3 * areas))
        keep &= (held > 0) | ~np.isin(np.arange(count), labels[edge])
        keep[0] = False
        close = grow(keep[labels], max(2, int(_CLOSE * np.sqrt(areas[1:].max()))))
        keep |= (np.bincount(labels[close], minlength=count) > 0) & (areas >= _LOST) & (differing > 0.5 * areas)
        keep[0] = False
        mask = keep[labels]
    return fill_pinholes(mask)


def _registered(differs: np.ndarray, far: np.ndarray) -> float:
    """How well the registered background fits round the object, 0..1, from the share of pixels that differ from it.

    A bad registration leaves differences everywhere, another thing that moves only in its own place: the blocks that
    differ the most are left out.

    Args:
        differs: bool (h, w), pixels that surely differ.
        far: bool (h, w), pixels that are not the object's.
    """
    height, width = (max(1, side // _BLOCK) for side in far.shape)
    seen, stray = (
        cv2.resize(part.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA).ravel()
        for part in (far, far & differs)
    )
    order = np.argsort(stray / np.maximum(seen, 1e-6))
    seen, stray = seen[order], stray[order]
    kept = np.cumsum(seen) <= (1 - _OTHERS) * seen.sum()
    return float(np.clip(1 - stray[kept].sum() / seen[kept].sum() / _STRAY, 0, 1)) if seen[kept].any() else 0.0


def _edge(size: tuple[int, ...], box: Box) -> np.ndarray:
    """The rim of a box, less what lies at the edge of the picture, where things come into view: bool of the box."""
    y0, y1, x0, x1 = box
    edge = np.ones((y1 - y0, x1 - x0), np.bool_)
    edge[int(y0 > 0) : y1 - y0 - int(y1 < size[0]), int(x0 > 0) : x1 - x0 - int(x1 < size[1])] = False
    return edge

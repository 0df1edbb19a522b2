"""The segmenter that needs no weights: motion against the camera, colour models seeded by the prompt, edges."""

from collections.abc import Sequence

import cv2
import numpy as np

from vidremove.appearance import (
    colour_cells,
    colour_histogram,
    connected_at,
    fill_pinholes,
    log_odds,
    settle,
    signed_distance,
    stable_region,
)
from vidremove.camera import UNKNOWN
from vidremove.errors import InputError
from vidremove.flows.dis import Dis
from vidremove.images import grow
from vidremove.stages.observe import Observation, observe_one
from vidremove.types import Frame, Prompt

_AREA = 432 * 240  # pixels of the working size
_ROUNDS = 5
_SEED = 4.0  # radius of the disc that a click marks, pixels of the working size


class Embedded:
    """Mask from clicks, boxes or a rough mask, by motion and colour.

    What moves against the camera is found by its motion; what stands still only by its colours and edges, which is
    much less certain. Text needs a network.
    Source: Rother et al. 2004, GrabCut (the alternation of colour model and labelling); ours (the motion evidence).
    """

    reach = 30  # frames wanted on either side
    side = 480  # longest side of an image it makes use of

    def __init__(self) -> None:
        self._flow = Dis()

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
        """Make the mask of one object on one frame.

        Args:
            images: uint8 (T, H, W, 3), RGB, consecutive frames of one shot; T may be 1.
            at: which of them the prompt is for.
            prompt: clicks, not_clicks, box or mask, in pixels of these images.
        Returns: bool (H, W), and a score 0..1: how well motion and colour part the object from its surroundings.
        Raises: InputError if the prompt has nothing but text, or is outside the image.
        """
        return self.find(self.look(images, at), prompt, images.shape[1:3])

    def look(self, images: Sequence[np.ndarray] | np.ndarray, at: int) -> Observation:
        """What the images show whatever the prompt: the motion at `images[at]`; arguments as for a call.

        Raises: InputError if there is no such image.
        """
        if not 0 <= at < len(images):
            raise InputError(f"frame {at} of {len(images)}: the prompted frame is not among the images.")
        first = max(0, at - self.reach)
        frames = [Frame(index, index, image) for index, image in enumerate(images)][first : at + self.reach + 1]
        return observe_one(frames, at - first, self._flow, _AREA)

    def find(self, seen: Observation, prompt: Prompt, size: tuple[int, int]) -> tuple[np.ndarray, float]:
        """The second half of a call: the mask bool (H, W) and its score, from what `look` gave.

        Args:
            prompt: in pixels of the images that were looked at.
            size: (H, W) of them.
        """
        if prompt.mask is None and prompt.box is None and not prompt.clicks:
            raise InputError("the embedded segmenter needs a click, a box or a mask; words need a network's weights.")
        case = _Case(seen, prompt, size)
        mask = case.solve()
        score = case.score(mask)
        if mask.shape != size:
            mask = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
        return mask, score


class _Case:
    """One prompt on one observation, at working size."""

    def __init__(self, seen: Observation, prompt: Prompt, size: tuple[int, int]) -> None:
        self.seen = seen
        height, width = self.shape = seen.image.shape[:2]
        sy, sx = height / size[0], width / size[1]
        self.clicks = [self._place(x * sx, y * sy) for x, y in prompt.clicks]
        self.not_clicks = [self._place(x * sx, y * sy) for x, y in prompt.not_clicks]
        self.allowed = np.ones(self.shape, np.bool_)
        if prompt.box is not None:
            x0, y0, x1, y1 = prompt.box
            self.allowed[:] = False
            rows = slice(int(np.clip(y0 * sy, 0, height - 1)), int(np.ceil(np.clip(y1 * sy, 1, height))))
            columns = slice(int(np.clip(x0 * sx, 0, width - 1)), int(np.ceil(np.clip(x1 * sx, 1, width))))
            self.allowed[rows, columns] = True
        self.boxed = prompt.box is not None
        self.rough = None
        if prompt.mask is not None:
            self.rough = cv2.resize(prompt.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
        self.cells = colour_cells(seen.lab)
        self.motion = self._motion()
        self.seeds = self._seeds()

    def _place(self, x: float, y: float) -> tuple[int, int]:
        height, width = self.shape
        if not (-1 <= x <= width and -1 <= y <= height):
            raise InputError(f"the click at {x:.0f},{y:.0f} is outside the image ({width}x{height}).")
        return int(np.clip(round(x), 0, width - 1)), int(np.clip(round(y), 0, height - 1))

    def _motion(self) -> np.ndarray:
        """Log odds that a pixel does not follow the camera: float32 (h, w).

        Flow smears motion beyond the object's edge; there the registered background fits, so the residual counts in
        full only where the difference supports it.
        """
        height, width = self.shape
        box = (0, height, 0, width)
        difference, speed = self.seen.difference(box), np.linalg.norm(self.seen.residual(box), axis=2)
        known = difference < UNKNOWN
        usual = max(float(np.percentile(difference[known], 70)), 6.0) if known.any() else 255.0
        changed = np.where(known, np.clip((difference / usual - 1.5) * 0.8, -1, 2), 0).astype(np.float32)
        fast = np.clip((speed / max(2 * float(np.median(speed)), 0.25) - 1.5) * 0.8, -1.2, 2)
        support = np.clip(cv2.blur((changed > 0.3).astype(np.float32), (9, 9)) / 0.35, 0.15, 1)
        if not known.any() and not speed.any():
            return np.zeros(self.shape, np.float32)
        return np.where(fast > 0, fast * support, fast).astype(np.float32) + cv2.blur(changed, (3, 3))

    def _seeds(self) -> np.ndarray:
        """Log odds that the prompt itself sets, fading with the distance from a click."""
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]]
        odds = np.zeros(self.shape, np.float32)
        for points, sign in ((self.clicks, 1), (self.not_clicks, -1)):
            for x, y in points:
                odds += sign * 4 * np.exp(-(np.square(rows - y) + np.square(columns - x)) / _SEED**2)
        odds[~self.allowed] = -20
        return odds

    def solve(self) -> np.ndarray:
        mask = self._choose(self._settle(self.motion + self.seeds - 0.3 + (1.0 if self.boxed else 0.0)))
        if self.rough is not None:
            mask = self.rough
        elif mask.sum() < max(30, 2 * int((self.seeds > 0.3).sum())):  # nothing moves there: just the prompt's mark
            mask = self._start()
        for _ in range(_ROUNDS):
            if not mask.any():
                break
            mask = self._choose(self._settle(self._odds(mask)))
        return fill_pinholes(mask & self.allowed)

    def _start(self) -> np.ndarray:
        """Where to learn the first colours when nothing moves: the inner part of the box, or regions at the clicks."""
        if self.boxed:
            return signed_distance(self.allowed) > 0.15 * np.sqrt(self.allowed.sum())
        disc = self.seeds > 1
        regions = [stable_region(self.seen.lab, disc, x, y) for x, y in self.clicks]
        return np.logical_or.reduce([disc, *regions]) & ~(self.seeds < -1)

    def _odds(self, mask: np.ndarray) -> np.ndarray:
        size = int(np.clip(0.5 * np.sqrt(mask.sum()), 10, 60))
        around = grow(mask, size) & ~grow(mask, 2)
        if self.boxed:
            around |= grow(self.allowed, size) & ~self.allowed
        table = log_odds(colour_histogram(self.cells[mask]), colour_histogram(self.cells[around]), 5e-4, 2.5)
        far = np.clip(signed_distance(grow(mask, 4)), -60, 0) / 12
        prior = 0.0 if self.rough is None else np.tanh(signed_distance(self.rough) / 4) * 1.5
        return (0.6 * self.motion + 0.8 * table[self.cells] + far + self.seeds + prior - 0.1).astype(np.float32)

    def _settle(self, odds: np.ndarray) -> np.ndarray:
        return settle(odds.astype(np.float32), self.seen.lab, 1.2) > 0

    def _choose(self, mask: np.ndarray) -> np.ndarray:
        """The connected parts that the prompt points at."""
        if not self.clicks:
            return mask & self.allowed
        parts = [connected_at(mask, x, y, 12) for x, y in self.clicks]
        return np.logical_or.reduce(parts) & self.allowed

    def score(self, mask: np.ndarray) -> float:
        """How well motion and colour part the mask from a ring around it: 0..1."""
        if not mask.any():
            return 0.0
        ring = grow(mask, 12) & ~grow(mask, 2)
        if not ring.any():
            return 0.5
        inside, outside = colour_histogram(self.cells[mask]), colour_histogram(self.cells[ring])
        colour = 1 - float(np.minimum(inside, outside).sum())
        motion = float(np.clip(self.motion[mask].mean() - self.motion[ring].mean(), 0, 2)) / 2
        return round(float(np.clip(0.5 * colour + 0.5 * motion, 0, 1)), 3)

"""The eight ways a picture can lie on its side, from EXIF or from a video's display matrix, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FROM_EXIF = {1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (3, False), 7: (3, True)}
_FROM_EXIF[8] = (1, False)
_FROM_MATRIX = {  # signs of a, b, c, d in x' = a x + c y, y' = b x + d y; y points down
    (1, 0, 0, 1): (0, False),
    (0, 1, -1, 0): (3, False),
    (-1, 0, 0, -1): (2, False),
    (0, -1, 1, 0): (1, False),
    (-1, 0, 0, 1): (0, True),
    (1, 0, 0, -1): (2, True),
    (0, 1, 1, 0): (1, True),
    (0, -1, -1, 0): (3, True),
}


@dataclass(frozen=True, slots=True)
class Orientation:
    """How stored rows and columns become the upright picture: mirrored left-right first, then turned."""

    turns: int = 0  # quarter turns counter-clockwise
    mirror: bool = False

    @property
    def swaps_sides(self) -> bool:
        return self.turns % 2 == 1

    @property
    def is_upright(self) -> bool:
        return not self.turns and not self.mirror

    def upright(self, stored: np.ndarray) -> np.ndarray:
        """(H, W, ...) as stored to (H', W', ...) as shown; contiguous, the same array where nothing turns."""
        if self.is_upright:
            return stored
        return np.ascontiguousarray(np.rot90(stored[:, ::-1] if self.mirror else stored, self.turns))

    def stored(self, upright: np.ndarray) -> np.ndarray:
        """The inverse of `upright`."""
        if self.is_upright:
            return upright
        turned = np.rot90(upright, -self.turns)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirror else turned)


def from_exif(code: int) -> Orientation:
    """EXIF tag 0x0112; codes out of 1..8 mean upright, as viewers take them."""
    return Orientation(*_FROM_EXIF.get(code, (0, False)))


def from_matrix(matrix: Sequence[int]) -> Orientation | None:
    """A display matrix (9 numbers, rows a b u, c d v, x y w); None if it is not one of the eight."""
    a, b, _, c, d = matrix[:5]
    unit = max(abs(a), abs(b), abs(c), abs(d), 1)
    found = _FROM_MATRIX.get((round(a / unit), round(b / unit), round(c / unit), round(d / unit)))
    return None if found is None else Orientation(*found)

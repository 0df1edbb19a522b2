"""Even out colours across the seams of a copied fill, in the gradient domain."""

from dataclasses import dataclass

import numpy as np

from vidremove.images import Box, bounding_box

_SCREEN = 1e-3  # pulls the correction to 0 some 30 pixels away from a seam
_TRUST = 50.0  # grey levels; a larger step at a seam is rather a true edge than a shift in brightness
_STEPS = 12  # conjugate gradient steps on each grid
_LARGE = 2500  # cells of a grid from which on the steps are dear; smaller ones get three times as many
_SMALLEST = 4  # cells a side of the coarsest grid


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """A sum of squares over a grid of cells: of each cell's value, and of the steps between neighbours."""

    own: np.ndarray  # float32 (h, w), weight of each cell's value
    right: np.ndarray  # float32 (h, w - 1), weight of the step to the next cell
    down: np.ndarray  # float32 (h - 1, w)

    def apply(self, value: np.ndarray) -> np.ndarray:
        """The matrix of the normal equations times `value`, (C, h, w)."""
        result = self.own * value
        step = value[..., 1:] - value[..., :-1]
        step *= self.right
        result[..., 1:] += step
        result[..., :-1] -= step
        step = value[..., 1:, :] - value[..., :-1, :]
        step *= self.down
        result[..., 1:, :] += step
        result[..., :-1, :] -= step
        return result

    def halve(self) -> "_Grid":
        """The same sum for values that are equal within blocks of 2 x 2 cells."""
        height, width = self.own.shape
        right, down = self.right[:, 1::2], self.down[1::2]
        across = np.add.reduceat(right, np.arange(0, height, 2), axis=0)
        along = np.add.reduceat(down, np.arange(0, width, 2), axis=1)
        return _Grid(_sum_blocks(self.own), across, along)


def blend_seams(image: np.ndarray, hole: np.ndarray, source: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Copy by `offsets` and add a smooth correction that closes the steps at the seams.

    Args:
        image: uint8 (H, W, 3).
        hole: bool (H, W), True = fill, n pixels.
        source: bool (H, W), True = known and may be copied.
        offsets: int (n, 2), (dy, dx) of the hole pixels in reading order, each to a source pixel.
    Returns: uint8 (n, 3), the fill.
    Source: Perez et al. 2003, Poisson image editing, section 2; screened and with steps weighted by size: ours.
    """
    box = bounding_box(hole, 1)
    if box is None:
        return np.zeros((0, 3), np.uint8)
    part = np.s_[box[0] : box[1], box[2] : box[3]]
    inner = hole[part]
    field = np.zeros((*inner.shape, 2), np.int32)
    field[inner] = offsets
    own = np.where(inner, np.float32(_SCREEN), np.float32(1))
    pull = np.zeros((3, *inner.shape), np.float32)
    weights = []
    for dy, dx in ((0, 1), (1, 0)):
        height, width = inner.shape[0] - dy, inner.shape[1] - dx
        here, there = np.s_[:height, :width], np.s_[dy:, dx:]
        weight = (inner[here] & inner[there]).astype(np.float32)
        for rim, inside in ((here, there), (there, here)):
            own[inside] += inner[inside] & source[part][rim]
        y, x, step = _steps(image, source, field, box, inner, dy, dx)
        trust = 1 / (1 + (np.abs(step).mean(axis=0) / _TRUST) ** 4)
        both = inner[y, x] & inner[y + dy, x + dx]
        weight[y[both], x[both]] = trust[both]
        for row, column, other, sign in ((y, x, (y + dy, x + dx), 1), (y + dy, x + dx, (y, x), -1)):
            rim = ~inner[other]
            own[row[rim], column[rim]] += trust[rim] - 1
            pull[:, row, column] += sign * trust * step
        weights.append(weight)
    fix = _solve(_Grid(own, *weights), pull * inner)[:, inner].T
    y, x = np.nonzero(inner)
    copied = image[y + box[0] + offsets[:, 0], x + box[2] + offsets[:, 1]]
    return np.asarray(np.clip(np.rint(copied + fix), 0, 255).astype(np.uint8))


def _steps(
    image: np.ndarray, source: np.ndarray, field: np.ndarray, box: Box, inner: np.ndarray, dy: int, dx: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells p of the box that differ in offset from q = p + (dy, dx), and what the correction must drop by there.

    Returns: y, x int (m,) in the box, and steps float32 (3, m).
    """
    height, width = inner.shape[0] - dy, inner.shape[1] - dx
    known = source[box[0] : box[1], box[2] : box[3]] | inner
    differ = (field[:height, :width] != field[dy:, dx:]).any(axis=2)
    differ &= known[:height, :width] & known[dy:, dx:] & (inner[:height, :width] | inner[dy:, dx:])
    y, x = np.nonzero(differ)
    a, b = field[y, x].T, field[y + dy, x + dx].T
    at = np.stack([y + box[0], x + box[2]])
    to = np.array([[dy], [dx]])
    p_a, q_b = image[tuple(at + a)].T, image[tuple(at + to + b)].T
    p_b, p_good = _look(image, source, at + b)
    q_a, q_good = _look(image, source, at + to + a)
    total = np.where(p_good, p_b.astype(np.float32) - p_a, 0) + np.where(q_good, q_b.astype(np.float32) - q_a, 0)
    count = p_good.astype(np.float32) + q_good
    direct = q_b.astype(np.float32) - p_a
    return y, x, np.where(count > 0, total / np.maximum(count, 1), direct).astype(np.float32)


def _look(image: np.ndarray, source: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = source.shape
    inside = (at[0] >= 0) & (at[0] < height) & (at[1] >= 0) & (at[1] < width)
    y, x = np.where(inside, at, 0)
    return image[y, x].T, inside & source[y, x]


def _sum_blocks(plane: np.ndarray) -> np.ndarray:
    """Sums of blocks of 2 x 2 cells, (..., h, w); an odd last row or column makes smaller blocks."""
    rows = np.add.reduceat(plane, np.arange(0, plane.shape[-2], 2), axis=-2)
    return np.asarray(np.add.reduceat(rows, np.arange(0, plane.shape[-1], 2), axis=-1))


def _solve(grid: _Grid, pull: np.ndarray) -> np.ndarray:
    """Values (3, h, w) at which the sum of squares is least; starts from the answer on blocks of 2 x 2 cells."""
    height, width = grid.own.shape
    if max(height, width) <= _SMALLEST:
        start = np.zeros_like(pull)
    else:
        coarse = _solve(grid.halve(), _sum_blocks(pull))
        start = coarse.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    return _conjugate_gradients(grid, pull, start, _STEPS if grid.own.size > _LARGE else 3 * _STEPS)


def _conjugate_gradients(grid: _Grid, pull: np.ndarray, answer: np.ndarray, steps: int) -> np.ndarray:
    rest = pull - grid.apply(answer)
    direction, size = rest, _squares(rest)
    for _ in range(steps):
        image = grid.apply(direction)
        scale = size / np.maximum(np.einsum("chw,chw->c", direction, image)[:, None, None], 1e-12)
        answer = answer + scale * direction
        rest = rest - scale * image
        previous, size = size, _squares(rest)
        direction = rest + size / np.maximum(previous, 1e-12) * direction
    return answer


def _squares(value: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("chw,chw->c", value, value)[:, None, None])

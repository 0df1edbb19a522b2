"""Even out colours across the seams of a copied fill, in the gradient domain."""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

_SCREEN = 1e-3  # pulls the correction to 0 some 30 pixels away from a seam
_TRUST = 20.0  # grey levels; a larger step at a seam is rather a true edge than a shift in brightness
_DIRECT = 2500  # unknowns that are solved directly
_STEPS = 20  # conjugate gradient steps on each finer grid


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
    width = hole.shape[1]
    flat = image.reshape(-1, 3).astype(np.float32)
    nodes = np.flatnonzero(hole)
    field = np.zeros((*hole.shape, 2), np.intp)
    field[hole] = offsets
    number = np.full(hole.size, -1)
    number[nodes] = np.arange(nodes.size)
    edges = [_edges(flat, hole, source, field, dy, dx) for dy, dx in ((0, 1), (1, 0))]
    first, second, steps = (np.concatenate(part) for part in zip(*edges, strict=True))
    matrix, right = _normal_equations(number[first], number[second], steps, nodes.size)
    fix = _solve(matrix, right, nodes // width, nodes % width)
    copied = flat[nodes + offsets @ np.array([width, 1])]
    return np.asarray(np.clip(np.rint(copied + fix), 0, 255).astype(np.uint8))


def _edges(
    flat: np.ndarray, hole: np.ndarray, source: np.ndarray, field: np.ndarray, dy: int, dx: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neighbours p and q = p + (dy, dx), flat, with a hole pixel among them, and how far apart the copies are there.

    The step is what the correction at p must exceed that at q by, float32 (m, 3): 0 within one copied piece.
    """
    height, width = hole.shape
    part = hole | source
    pairs = part[: height - dy, : width - dx] & part[dy:, dx:]
    pairs &= hole[: height - dy, : width - dx] | hole[dy:, dx:]
    y, x = np.nonzero(pairs)
    a, b = field[y, x], field[y + dy, x + dx]
    p_a, q_b = (y + a[:, 0]) * width + x + a[:, 1], (y + dy + b[:, 0]) * width + x + dx + b[:, 1]
    p_b, p_good = _look(source, y + b[:, 0], x + b[:, 1])
    q_a, q_good = _look(source, y + dy + a[:, 0], x + dx + a[:, 1])
    at_p, at_q = flat[p_b] - flat[p_a], flat[q_b] - flat[q_a]
    weight = np.stack([p_good, q_good]).astype(np.float32)[..., None]
    mean = (at_p * weight[0] + at_q * weight[1]) / np.maximum(weight.sum(axis=0), 1)
    steps = np.where(weight.any(axis=0), mean, flat[q_b] - flat[p_a])
    steps[(a == b).all(axis=1)] = 0
    return y * width + x, (y + dy) * width + x + dx, steps


def _look(source: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = source.shape
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    places = np.clip(y, 0, height - 1) * width + np.clip(x, 0, width - 1)
    return places, inside & source.ravel()[places]


def _normal_equations(
    first: np.ndarray, second: np.ndarray, steps: np.ndarray, count: int
) -> tuple[csr_matrix, np.ndarray]:
    """Least squares of correction[first] - correction[second] = step; -1 stands for a known pixel, corrected by 0."""
    weight = 1 / (1 + (np.abs(steps).mean(axis=1) / _TRUST) ** 4).astype(np.float64)
    pull = steps * weight[:, None]
    diagonal, right = np.full(count, _SCREEN), np.zeros((count, 3))
    for node, sign in ((first, 1), (second, -1)):
        inner = node >= 0
        diagonal += np.bincount(node[inner], weight[inner], minlength=count)
        for channel in range(3):
            right[:, channel] += sign * np.bincount(node[inner], pull[inner, channel], minlength=count)
    both = (first >= 0) & (second >= 0)
    rows = np.concatenate([first[both], second[both], np.arange(count)])
    columns = np.concatenate([second[both], first[both], np.arange(count)])
    values = np.concatenate([-weight[both], -weight[both], diagonal])
    return csr_matrix((values, (rows, columns)), shape=(count, count)), right


def _solve(matrix: csr_matrix, right: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Solve for 3 right sides; large systems start from the answer on blocks of 2 x 2 pixels."""
    if y.size <= _DIRECT:
        return np.stack([spsolve(matrix.tocsc(), side) for side in right.T], axis=1)
    keys = (y // 2) * (int(x.max()) // 2 + 1) + x // 2
    blocks, block = np.unique(keys, return_inverse=True)
    ones = np.ones(y.size)
    spread = csr_matrix((ones, (np.arange(y.size), block)), shape=(y.size, blocks.size))
    wide = int(x.max()) // 2 + 1
    coarse = _solve(csr_matrix(spread.T @ matrix @ spread), spread.T @ right, blocks // wide, blocks % wide)
    return _conjugate_gradients(matrix, right, spread @ coarse)


def _conjugate_gradients(matrix: csr_matrix, right: np.ndarray, answer: np.ndarray) -> np.ndarray:
    rest = right - matrix @ answer
    direction, size = rest, (rest * rest).sum(axis=0)
    for _ in range(_STEPS):
        image = matrix @ direction
        scale = size / np.maximum((direction * image).sum(axis=0), 1e-12)
        answer = answer + scale * direction
        rest = rest - scale * image
        previous, size = size, (rest * rest).sum(axis=0)
        direction = rest + size / np.maximum(previous, 1e-12) * direction
    return answer

"""Which of some offsets each hole pixel is copied by, so that the seams between them are least visible."""

from dataclasses import dataclass

import cv2
import numpy as np

from vidremove.images import Box, bounding_box
from vidremove.inpainters.messages import Graph

_MISFIT = 80.0  # cost of a known edge pixel for which an offset has nothing to compare
_FORBIDDEN = np.float32(1e5)
_DISTANCE = 0.005  # cost of copying from a pixel away; twice that from above or below
_GUIDE = 0.1  # weight of the expected mean colour
_FAR_OFF = 60.0  # grey levels beyond which it does not matter
_MOST = 18  # offsets that are weighed against each other
_FAVOURITES = 5  # offsets that each pixel proposes
_ROUNDS = 5  # of messages at the coarsest level
_FINE_ROUNDS = 3  # at finer levels, where little moves
_CHOICES = 4  # pieces that a pixel near a seam may change to at a finer level, its own among them
_STEPS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]  # zero first: it wins ties
_BETTER = 0.01  # grey levels by which a piece must fit better to be moved
_CONTEXT = 5  # pixels a side of the window in which a copy is compared with the known pixels beside the hole


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One resolution of the picture round a hole."""

    image: np.ndarray  # float32 (H, W, 3): luma and two colour differences, zero where not source
    features: np.ndarray  # float32 (5, H * W): image and its two slopes of luma
    hole: np.ndarray  # bool (H, W)
    source: np.ndarray  # bool (H, W), may be copied
    box: Box  # the hole and two pixels round it
    nodes: np.ndarray  # int (n,), flat positions of the hole pixels


@dataclass(frozen=True, slots=True, eq=False)
class ShiftMap:
    """Pieces that the hole is copied in."""

    pieces: np.ndarray  # int (K, 2), (dy, dx)
    labels: np.ndarray  # int (n,), the piece of each hole pixel


def make_level(image: np.ndarray, hole: np.ndarray, source: np.ndarray) -> Level:
    """Slopes count only between known pixels."""
    features = np.zeros((5, *hole.shape), np.float32)
    cv2.split(image, list(features[:3]))
    luma = features[0]
    features[3, :, :-1] = 0.5 * (luma[:, 1:] - luma[:, :-1]) * (source[:, 1:] & source[:, :-1])
    features[4, :-1] = 0.5 * (luma[1:] - luma[:-1]) * (source[1:] & source[:-1])
    box = bounding_box(hole, 2) or (0, 0, 0, 0)
    return Level(image, features.reshape(5, -1), hole, source, box, np.flatnonzero(hole))


def _look(level: Level, nodes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions (L, k) that nodes (k,) are copied from by offsets (2, L, k or 1); whether that may be done."""
    height, width = level.hole.shape
    rows, columns = nodes // width + offsets[0], nodes % width + offsets[1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    places = np.where(inside, rows * width + columns, 0)
    return places, inside & level.source.ravel()[places]


def _node_costs(level: Level, nodes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """What each offset (2, L, k or 1) costs at each node (k,) by itself: float32 (L, k)."""
    costs = _rim_costs(level, nodes, offsets) + np.float32(_DISTANCE) * (2 * np.abs(offsets[0]) + np.abs(offsets[1]))
    return np.where(_look(level, nodes, offsets)[1], costs, _FORBIDDEN).astype(np.float32)


def _rim_costs(level: Level, nodes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Mean difference between the known pixels round each node and what the offsets would put there, (L, k)."""
    width, reach = level.hole.shape[1], _CONTEXT // 2
    known = np.pad(level.source, reach)
    y, x = nodes // width, nodes % width
    total = np.zeros((offsets.shape[1], nodes.size), np.float32)
    count = np.zeros(nodes.size, np.float32)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            at = np.flatnonzero(known[y + dy + reach, x + dx + reach])
            ring = nodes[at] + dy * width + dx
            places, good = _look(level, ring, offsets if offsets.shape[2] == 1 else offsets[..., at])
            error = _length([plane[places] - plane[ring] for plane in level.features[:3]])
            total[:, at] += np.where(good, error, np.float32(_MISFIT))
            count[at] += 1
    return np.asarray(total * (np.minimum(count / _CONTEXT, 2) / np.maximum(count, 1)))


def _guide_costs(level: Level, places: np.ndarray) -> np.ndarray:
    """How far the mean colour round each source lies from what the edge of the hole leads one to expect, (K, n).

    Expected is the mean of the smoothed colours along the edge, each weighted by 1 / distance cubed.
    """
    width = level.hole.shape[1]
    share = level.source.astype(np.float32)
    window = (_CONTEXT, _CONTEXT)
    smooth = cv2.blur(level.image, window) / np.maximum(cv2.blur(share, window), 1e-6)[..., None]
    flat = smooth.reshape(-1, 3)
    ring = np.flatnonzero(
        level.source & cv2.dilate(level.hole.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    )
    if not ring.size:
        return np.zeros(places.shape, np.float32)
    y, x = level.nodes // width, level.nodes % width
    squared = np.square(y[:, None] - ring // width) + np.square(x[:, None] - ring % width)
    weights = (squared**-1.5).astype(np.float32)
    expected = (weights @ flat[ring]) / weights.sum(axis=1)[:, None]
    far = _length([plane[places] - mean for plane, mean in zip(flat.T, expected.T, strict=True)])
    return np.asarray(np.float32(_GUIDE) * np.minimum(far, np.float32(_FAR_OFF)))


def _pairs(nodes: np.ndarray, width: int) -> np.ndarray:
    """Pairs of nodes that touch, int (m, 2): first to the left of or above the second; `nodes` rise."""
    pairs = []
    for step, begins in ((1, nodes % width < width - 1), (width, np.ones(nodes.size, np.bool_))):
        at = np.minimum(np.searchsorted(nodes, nodes + step), nodes.size - 1)
        first = np.flatnonzero((nodes[at] == nodes + step) & begins)
        pairs.append(np.stack([first, at[first]], axis=1))
    return np.concatenate(pairs)


def _seam_costs(level: Level, nodes: np.ndarray, offsets: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Cost of each pair by the offsets (2, L, k or 1) of both nodes, float32 (L, L, m).

    The seam between nodes p and q with offsets a and b costs |I(p+a) - I(p+b)| + |I(q+a) - I(q+b)|; where one of
    these cannot be read, |I(p+a) - I(q+b)| stands in its place. Source: Kwatra et al. 2003, Graphcut textures, 3.1.
    """
    p, q = pairs.T
    own, usable = _look(level, nodes, offsets)
    here, there = own[:, p], own[:, q]
    if offsets.shape[2] == 1:
        between = _distances(level, own, own)
        seam_p, seam_q, p_good, q_good = between[..., p], between[..., q], usable[:, p], usable[:, q]
    else:
        p_at_b, p_good = _look(level, nodes[p], offsets[..., q])
        q_at_a, q_good = _look(level, nodes[q], offsets[..., p])
        seam_p, seam_q = _distances(level, here, p_at_b), _distances(level, q_at_a, there)
    lost = np.flatnonzero(~(p_good.all(axis=0) & q_good.all(axis=0)))
    direct = _distances(level, here[:, lost], there[:, lost])
    seam_p[..., lost] = np.where(p_good[:, lost], seam_p[..., lost], direct)
    seam_q[..., lost] = np.where(q_good[:, None, lost], seam_q[..., lost], direct)
    seam_p += seam_q
    if offsets.shape[2] == 1:
        seam_p[range(len(seam_p)), range(len(seam_p))] = 0  # one piece has no seam, whatever cannot be read
    return seam_p


def _distances(level: Level, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Between what stands at all positions (L, m) and all (L, m) of the same column: float32 (L, L, m)."""
    total = np.zeros((len(one), *other.shape), np.float32)
    for plane in level.features:
        step = plane[one][:, None] - plane[other]
        step *= step
        total += step
    return np.sqrt(total, out=total)


def _length(steps: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.sqrt(sum(step * step for step in steps)))


def choose_offsets(level: Level, offsets: np.ndarray) -> ShiftMap:
    """The offset each hole pixel is copied by; every pixel must be covered by one of `offsets`, int (K, 2)."""
    choices = offsets.T[..., None]
    costs = _node_costs(level, level.nodes, choices)
    costs += _guide_costs(level, _look(level, level.nodes, choices)[0])
    kept = _promising(costs)
    offsets, choices, costs = offsets[kept], choices[:, kept], costs[kept]
    width = level.hole.shape[1]
    pairs = _pairs(level.nodes, width)
    wave = level.nodes // width + level.nodes % width
    graph = Graph(costs, pairs, _seam_costs(level, level.nodes, choices, pairs), wave - wave.min())
    return ShiftMap(offsets, graph.solve(_ROUNDS))


def _promising(costs: np.ndarray) -> np.ndarray:
    """The offsets that are among the cheapest at the most nodes, and the cheapest where none of them may be used."""
    cheapest = np.argpartition(costs, min(_FAVOURITES, len(costs)) - 1, axis=0)[:_FAVOURITES]
    wanted = np.bincount(cheapest.ravel(), minlength=len(costs))
    kept = np.argsort(-wanted, kind="stable")[:_MOST]
    bare = (costs[kept] >= _FORBIDDEN).all(axis=0)
    return np.union1d(kept, costs[:, bare].argmin(axis=0))


def refine(level: Level, coarse: Level, shifts: ShiftMap, band: int) -> ShiftMap:
    """Move the seams of a coarser level's choice, and the pieces by a pixel where they then fit better.

    Args:
        level: the finer level.
        coarse: the level that `shifts` belongs to, half the size.
        shifts: its choice.
        band: pixels on each side of a seam that may change piece.
    """
    used, small = np.unique(shifts.labels, return_inverse=True)
    width = level.hole.shape[1]
    plane = np.zeros(coarse.hole.shape, np.intp)
    plane[coarse.hole] = small.reshape(-1)
    labels = plane[level.nodes // width // 2, level.nodes % width // 2]
    pieces = _nudge(level, 2 * shifts.pieces[used], labels)
    around, choices = _choices(level, labels, band)
    if around.size:
        nodes = level.nodes[around]
        offsets = np.moveaxis(pieces[choices], 2, 0)
        pairs = _pairs(nodes, width)
        wave = (nodes // width + nodes % width) % 2
        graph = Graph(_node_costs(level, nodes, offsets), pairs, _seam_costs(level, nodes, offsets, pairs), wave)
        labels[around] = choices[graph.solve(_FINE_ROUNDS), np.arange(around.size)]
    return ShiftMap(pieces, labels)


def _choices(level: Level, labels: np.ndarray, band: int) -> tuple[np.ndarray, np.ndarray]:
    """Hole pixels near a seam, as indexes (k,), and the pieces (L, k) that each may be copied by, its own first.

    The outermost of them keep theirs.
    """
    part = np.s_[level.box[0] : level.box[1], level.box[2] : level.box[3]]
    hole = level.hole[part]
    plane = np.full(hole.shape, -1, np.int32)
    plane[hole] = labels
    seams = np.zeros(hole.shape, np.uint8)
    for one, other, mark in (
        (plane[:, 1:], plane[:, :-1], (seams[:, 1:], seams[:, :-1])),
        (plane[1:], plane[:-1], (seams[1:], seams[:-1])),
    ):
        meet = (one != other) & (one >= 0) & (other >= 0)
        for side in mark:
            side |= meet
    movable = cv2.dilate(seams, np.ones((2 * band + 1, 2 * band + 1), np.uint8))[hole] > 0
    around = np.flatnonzero(cv2.dilate(seams, np.ones((2 * band + 3, 2 * band + 3), np.uint8))[hole] > 0)
    own = labels[around]
    padded = np.pad(plane, band, constant_values=-1)
    y, x = (index[around] + band for index in np.nonzero(hole))
    reach = [(dy, dx) for dy in (-band, 0, band) for dx in (-band, 0, band) if dy or dx]
    near = np.stack([padded[y + dy, x + dx] for dy, dx in reach])
    near = np.sort(np.where((near < 0) | ~movable[around], own, near), axis=0)
    near[1:] = np.where(near[1:] == near[:-1], own, near[1:])
    order = np.argsort(near == own, axis=0, kind="stable")[: _CHOICES - 1]
    return around, np.concatenate([own[None], np.take_along_axis(near, order, axis=0)])


def _nudge(level: Level, pieces: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Each piece's offset, changed by at most a pixel, where what it would put on the pixels round it fits better."""
    width, (top, bottom, left, right) = level.hole.shape[1], level.box
    part = np.s_[top:bottom, left:right]
    inner, moved = level.hole[part], pieces.copy()
    known = (inner | level.source[part]).view(np.uint8)
    grid = np.arange(level.hole.size).reshape(level.hole.shape)[part]
    colours = level.features[:3]  # the slopes beside the hole are not known
    now = colours[:, grid]
    now[:, inner] = colours[:, level.nodes + pieces[labels] @ np.array([width, 1])]
    plane = np.full(inner.shape, -1, np.int32)
    plane[inner] = labels
    for label in np.argsort(-np.bincount(labels, minlength=len(pieces)), kind="stable"):
        own = (plane == label).view(np.uint8)
        mine, ring = grid[own > 0], (cv2.dilate(own, np.ones((5, 5), np.uint8)) > own) & (known > 0)
        beside, around = now[:, ring], grid[ring]
        steps = (pieces[label] + _STEPS).T[..., None]
        fits = np.logical_and.reduce(_look(level, mine, steps)[1], axis=1)
        places, good = _look(level, around, steps)
        error = _length(list(colours[:, places] - beside[:, None])) * good
        mean = np.where(fits, error.sum(axis=1) / np.maximum(good.sum(axis=1), 1), np.inf)
        mean[0] -= _BETTER if fits[0] else 0
        moved[label] = pieces[label] + _STEPS[int(mean.argmin())]
        now[:, own > 0] = colours[:, mine + moved[label] @ np.array([width, 1])]
    return moved

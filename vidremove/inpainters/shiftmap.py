"""Which of some offsets each hole pixel is copied by, so that the seams between them are least visible."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.sparse import csr_array, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from vidremove.inpainters.offsets import find_better, shifted

_SCALE = 64  # capacities are whole numbers: energy x 64
_MISFIT = 80.0  # cost of a known edge pixel for which an offset has nothing to compare
_FORBIDDEN = np.float32(1e6)
_DISTANCE = 0.005  # cost of copying from a pixel away; twice that from above or below
_GUIDE = 0.1  # weight of the expected mean colour
_FAR_OFF = 60.0  # grey levels beyond which it does not matter
_BETTER = 20  # offsets offered in the second round
_SWEEPS = 3  # over the offsets: all of them, then those in use
_STEPS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]  # zero first: it wins ties
_CONTEXT = 5  # pixels a side of the window in which a copy is compared with the known pixels beside the hole


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One resolution of the picture round a hole."""

    image: np.ndarray  # float32 (H, W, 3): luma and two colour differences
    features: np.ndarray  # float32 (H, W, 5): image and its two slopes of luma
    hole: np.ndarray  # bool (H, W)
    source: np.ndarray  # bool (H, W), may be copied
    nodes: np.ndarray  # int (n,), flat positions of the hole pixels


def make_level(image: np.ndarray, hole: np.ndarray, source: np.ndarray) -> Level:
    """Slopes count only between known pixels."""
    known = ~hole
    slopes = np.zeros((*hole.shape, 2), np.float32)
    luma = image[..., 0]
    slopes[:, :-1, 0] = (luma[:, 1:] - luma[:, :-1]) * (known[:, 1:] & known[:, :-1])
    slopes[:-1, :, 1] = (luma[1:] - luma[:-1]) * (known[1:] & known[:-1])
    return Level(image, np.dstack([image, slopes * 0.5]), hole, source, np.flatnonzero(hole))


class Copies:
    """What every offset would copy to every node, and what it costs there.

    `values` float32 (K, n, 5), `usable` bool (K, n), `costs` float32 (K, n).
    """

    def __init__(self, level: Level, offsets: np.ndarray) -> None:
        self.offsets = offsets
        height, width = level.hole.shape
        y, x = level.nodes // width, level.nodes % width
        self.places, inside = shifted(y, x, offsets, (height, width))
        self.usable = inside & level.source.ravel()[self.places]
        self.values = level.features.reshape(height * width, -1)[self.places]
        self.costs = _edge_costs(level, offsets) + _DISTANCE * (np.abs(offsets) @ [2, 1])[:, None]
        self.costs = np.where(self.usable, self.costs, _FORBIDDEN).astype(np.float32)


def _edge_costs(level: Level, offsets: np.ndarray) -> np.ndarray:
    """Mean difference between the known pixels beside each node and what the offset would put there, (K, n)."""
    height, width = level.hole.shape
    window = np.ones((_CONTEXT, _CONTEXT), np.uint8)
    ring = np.flatnonzero(level.source & cv2.dilate(level.hole.view(np.uint8), window).view(np.bool_))
    places, inside = shifted(ring // width, ring % width, offsets, (height, width))
    flat = level.image.reshape(height * width, 3)  # the slopes beside the hole are not known
    difference = flat[places] - flat[ring]
    misfit = np.sqrt(np.einsum("kni,kni->kn", difference, difference))
    misfit = np.where(inside & level.source.ravel()[places], misfit, np.float32(_MISFIT))
    beside = np.zeros((height, width), np.float32)
    beside.ravel()[ring] = 1
    count: np.ndarray = cv2.boxFilter(beside, -1, (_CONTEXT, _CONTEXT), normalize=False, borderType=cv2.BORDER_CONSTANT)
    share = (np.minimum(count / _CONTEXT, 2) / np.maximum(count, 1)).ravel()[level.nodes]
    costs = np.empty((len(offsets), level.nodes.size), np.float32)
    plane = np.zeros((height, width), np.float32)
    for index, row in enumerate(misfit):
        plane.ravel()[ring] = row
        total = cv2.boxFilter(plane, -1, (_CONTEXT, _CONTEXT), normalize=False, borderType=cv2.BORDER_CONSTANT)
        costs[index] = total.ravel()[level.nodes] * share
    return costs


def _guide_costs(level: Level, places: np.ndarray) -> np.ndarray:
    """How far the mean colour round each source lies from what the edge of the hole leads one to expect, (K, n).

    Expected is the mean of the smoothed colours along the edge, each weighted by 1 / distance cubed.
    """
    width = level.hole.shape[1]
    share = level.source.astype(np.float32)
    window = (_CONTEXT, _CONTEXT)
    smooth = cv2.blur(level.image * share[..., None], window) / np.maximum(cv2.blur(share, window), 1e-6)[..., None]
    flat = smooth.reshape(-1, 3)
    ring = np.flatnonzero(
        level.source & cv2.dilate(level.hole.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    )
    if not ring.size:
        return np.zeros(places.shape, np.float32)
    y, x = level.nodes // width, level.nodes % width
    squared = np.square(y[:, None] - ring // width) + np.square(x[:, None] - ring % width)
    weights = (squared**-1.5).astype(np.float32)
    expected = np.einsum("nr,rc->nc", weights, flat[ring]) / weights.sum(axis=1)[:, None]
    difference = flat[places] - expected
    far = np.sqrt(np.einsum("knc,knc->kn", difference, difference))
    return np.asarray(_GUIDE * np.minimum(far, _FAR_OFF))


def neighbours(level: Level) -> np.ndarray:
    """Pairs of nodes that touch, int (m, 2): first to the left of or above the second."""
    number = np.full(level.hole.shape, -1)
    number.ravel()[level.nodes] = np.arange(level.nodes.size)
    pairs = []
    for first, second in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:])):
        both = (first >= 0) & (second >= 0)
        pairs.append(np.stack([first[both], second[both]], axis=1))
    return np.concatenate(pairs)


class Labelling:
    """One offset a node, improved by alpha expansion.

    The seam between nodes p and q with offsets a and b costs |I(p+a) - I(p+b)| + |I(q+a) - I(q+b)|; where one of
    these cannot be read, |I(p+a) - I(q+b)| stands in its place.
    Source: Boykov, Veksler and Zabih 2001, Fast approximate energy minimization via graph cuts, section 5; the
        seam cost Kwatra et al. 2003, Graphcut textures, section 3.1.
    """

    def __init__(self, copies: Copies, pairs: np.ndarray, labels: np.ndarray) -> None:
        self.copies, self.labels = copies, labels
        self.first, self.second = pairs[:, 0], pairs[:, 1]
        self._refresh()

    def _refresh(self) -> None:
        at, p, q = self.labels, self.first, self.second
        values, usable = self.copies.values, self.copies.usable
        self._own = values[at, np.arange(at.size)]
        self._p_at_q, self._p_at_q_ok = values[at[p], q], usable[at[p], q]
        self._q_at_p, self._q_at_p_ok = values[at[q], p], usable[at[q], p]
        here, there = self._own[p], self._own[q]
        direct = _length(here - there)
        now = np.where(self._q_at_p_ok, _length(here - self._q_at_p), direct)
        now += np.where(self._p_at_q_ok, _length(there - self._p_at_q), direct)
        self._now = np.where(at[p] == at[q], 0, now)

    def expand(self, label: int | np.intp, allowed: np.ndarray | None = None) -> bool:
        """Give `label` to the set of nodes that lowers the energy most; True if any node changed."""
        free = self.copies.usable[label] & (self.labels != label)
        if allowed is not None:
            free &= allowed
        if not free.any():
            return False
        p, q, costs = self.first, self.second, self.copies.costs
        q_takes, p_takes = self._seams_with(label)
        gain = (costs[label] - costs[self.labels, np.arange(free.size)]).astype(np.float64)
        p_only, q_only, both = free[p] & ~free[q], free[q] & ~free[p], free[p] & free[q]
        _add(gain, p[p_only], (p_takes - self._now)[p_only])
        _add(gain, q[q_only], (q_takes - self._now)[q_only])
        _add(gain, p[both], (p_takes - self._now)[both])
        _add(gain, q[both], -p_takes[both])
        links = np.maximum(q_takes + p_takes - self._now, 0)[both]
        taken = _cut(gain, free, p[both], q[both], links)
        if not taken.any():
            return False
        self.labels = np.where(taken, label, self.labels)
        self._refresh()
        return True

    def _seams_with(self, label: int | np.intp) -> tuple[np.ndarray, np.ndarray]:
        """Cost of each pair if q alone, or p alone, takes the label."""
        values, usable = self.copies.values[label], self.copies.usable[label]
        p, q = self.first, self.second
        here, there = self._own[p], self._own[q]
        direct = _length(here - values[q])
        q_takes = np.where(usable[p], _length(here - values[p]), direct)
        q_takes += np.where(self._p_at_q_ok, _length(self._p_at_q - values[q]), direct)
        direct = _length(values[p] - there)
        p_takes = np.where(self._q_at_p_ok, _length(self._q_at_p - values[p]), direct)
        p_takes += np.where(usable[q], _length(there - values[q]), direct)
        same_p, same_q = self.labels[p] == label, self.labels[q] == label
        return np.where(same_p, 0, q_takes), np.where(same_q, 0, p_takes)


def _length(difference: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("ni,ni->n", difference, difference)))


def _add(total: np.ndarray, places: np.ndarray, amounts: np.ndarray) -> None:
    total += np.bincount(places, amounts, minlength=total.size)


def _cut(gain: np.ndarray, free: np.ndarray, p: np.ndarray, q: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Nodes on the sink side of the least cut: they take the new label. bool (n,).

    A node whose price is more than all that its neighbours could save by it stays out, before anything is cut.
    """
    free = free.copy()
    while True:
        out = free & (gain >= np.bincount(p, links, minlength=free.size))
        if not out.any():
            break
        free &= ~out
        kept, lost = free[p] & free[q], out[p] & free[q]
        _add(gain, q[lost], links[lost])
        p, q, links = p[kept], q[kept], links[kept]
    if not free.any() or gain[free].min() >= 0:
        return np.zeros(free.size, np.bool_)
    count = int(free.sum())
    number = np.cumsum(free) - 1
    cost = np.rint(gain[free] * _SCALE).astype(np.int32)
    stay, go = np.flatnonzero(cost > 0), np.flatnonzero(cost < 0)
    rows = np.concatenate([number[p], np.full(stay.size, count), go])
    columns = np.concatenate([number[q], stay, np.full(go.size, count + 1)])
    weights = np.concatenate([np.rint(links * _SCALE).astype(np.int32), cost[stay], -cost[go]])
    capacity = csr_matrix((weights, (rows, columns)), shape=(count + 2, count + 2), dtype=np.int32)
    rest = csr_array(capacity - maximum_flow(capacity, count, count + 1).flow)
    rest.data = (rest.data > 0).astype(np.int8)
    rest.eliminate_zeros()
    reached = breadth_first_order(rest, count, return_predecessors=False)
    takes = np.ones(count + 2, np.bool_)
    takes[reached] = False
    taken = np.zeros(free.size, np.bool_)
    taken[free] = takes[:count]
    return taken


def choose_offsets(level: Level, offsets: np.ndarray) -> np.ndarray:
    """The offset each hole pixel is copied by, int (n, 2); every pixel must be covered by one of `offsets`.

    After a first choice, offsets that would suit its seams are looked for and offered too.
    """
    pairs = neighbours(level)
    first = _choose(level, offsets, pairs, None)
    seams = _seams(level, first, pairs)
    if not seams.any():
        return first
    image = level.image.copy()
    image[level.hole] = level.image.reshape(-1, 3)[level.nodes + first @ np.array([level.hole.shape[1], 1])]
    better = find_better(image, seams, level.hole | level.source, level.source, _BETTER)
    used, labels = np.unique(first, axis=0, return_inverse=True)
    return _choose(level, np.concatenate([used, better]), pairs, labels.reshape(-1))


def _choose(level: Level, offsets: np.ndarray, pairs: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Expand each offset in turn, then those in use, until nothing changes; starts from `labels` or the least costs."""
    copies = Copies(level, offsets)
    copies.costs += _guide_costs(level, copies.places)
    labelling = Labelling(copies, pairs, copies.costs.argmin(axis=0) if labels is None else labels)
    tried = np.arange(len(offsets))
    for _ in range(_SWEEPS):
        changed = [labelling.expand(label) for label in tried]
        if not any(changed):
            break
        tried = np.unique(labelling.labels)
    return np.asarray(offsets[labelling.labels])


def refine(level: Level, offsets: np.ndarray, band: int) -> np.ndarray:
    """Move the seams of an offset field from a coarser level, and the pieces by a pixel where they then fit better.

    Args:
        level: the finer level, n hole pixels.
        offsets: int (n, 2), doubled from the coarser level.
        band: pixels on each side of a seam that may change piece.
    Returns: int (n, 2).
    """
    pieces, labels = np.unique(offsets, axis=0, return_inverse=True)
    labels = labels.reshape(-1)
    pieces = _nudge(level, pieces, labels)
    seams = _seams(level, labels[:, None], neighbours(level))
    if not seams.any():
        return np.asarray(pieces[labels])
    window = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    movable = cv2.dilate(seams.view(np.uint8), window).ravel()[level.nodes] > 0
    around = cv2.dilate(seams.view(np.uint8), np.ones((2 * band + 3, 2 * band + 3), np.uint8)).ravel()[level.nodes] > 0
    part = replace(level, nodes=level.nodes[around])
    labelling = Labelling(Copies(part, pieces), neighbours(part), labels[around])
    plane = np.zeros(level.hole.shape, np.uint8)
    for label in range(len(pieces)):
        plane.ravel()[level.nodes] = labels == label
        labelling.expand(label, movable[around] & (cv2.dilate(plane, window).ravel()[part.nodes] > 0))
    labels[around] = labelling.labels
    return np.asarray(pieces[labels])


def _seams(level: Level, offsets: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Pixels where neighbours are copied differently, bool (H, W)."""
    meet = (offsets[pairs[:, 0]] != offsets[pairs[:, 1]]).any(axis=1)
    seams = np.zeros(level.hole.shape, np.bool_)
    seams.ravel()[level.nodes[pairs[meet]]] = True
    return seams


def _nudge(level: Level, pieces: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Each piece's offset, changed by at most a pixel, where what it would put on the pixels round it fits better."""
    height, width = level.hole.shape
    nodes, moved = level.nodes, pieces.copy()
    flat, source = level.features.reshape(height * width, -1), level.source.ravel()
    now = flat.copy()
    now[nodes] = flat[nodes + pieces[labels] @ np.array([width, 1])]
    part = level.source.copy().ravel()
    part[nodes] = True
    for label in np.argsort(-np.bincount(labels, minlength=len(pieces)), kind="stable"):
        mine = nodes[labels == label]
        own = np.zeros((height, width), np.uint8)
        own.ravel()[mine] = 1
        ring = np.flatnonzero((cv2.dilate(own, np.ones((5, 5), np.uint8)).ravel() > own.ravel()) & part)
        best = np.inf
        for step in _STEPS:
            trial = pieces[label : label + 1] + step
            places, inside = shifted(mine // width, mine % width, trial, (height, width))
            if not (inside & source[places]).all():
                continue
            at, inside = shifted(ring // width, ring % width, trial, (height, width))
            good = (inside & source[at])[0]
            error = _length(flat[at[0, good]] - now[ring[good]]).mean() if good.any() else 0.0
            if error < best - 0.01:
                best, moved[label] = error, trial[0]
        now[mine] = flat[mine + moved[label] @ np.array([width, 1])]
    return moved

"""A label for every node of a graph, so that the costs of the nodes and of the pairs between them are least."""

import numpy as np


class Graph:
    """Nodes in waves: the nodes of one wave touch only nodes of other waves and are computed together.

    Source: Kolmogorov 2006, Convergent tree-reweighted message passing for energy minimization, section 3.
    """

    def __init__(self, costs: np.ndarray, pairs: np.ndarray, tables: np.ndarray, wave: np.ndarray) -> None:
        """Sort nodes and pairs by wave.

        Args:
            costs: float32 (L, n), of each label at each node.
            pairs: int (m, 2), nodes that touch.
            tables: float32 (L, L, m), cost of each pair by the labels of its first and of its second node.
            wave: int (n,), differs between the two nodes of a pair.
        """
        self.order = np.argsort(wave, kind="stable")
        place = np.empty_like(self.order)
        place[self.order] = np.arange(wave.size)
        swap = wave[pairs[:, 0]] > wave[pairs[:, 1]]
        first, second = place[np.where(swap[:, None], pairs[:, ::-1], pairs)].T
        tables = np.where(swap, tables.transpose(1, 0, 2), tables)
        by_first = np.argsort(first, kind="stable")
        self.costs, self.first, self.second = costs[:, self.order], first[by_first], second[by_first]
        tables, ends = tables[..., by_first], wave[self.order]
        steps = np.arange(int(wave.max()) + 2)
        self.nodes_of = np.searchsorted(ends, steps)
        self.ahead, self.back = [], []
        arrive = ends[self.second]
        for step, start, stop in zip(
            steps[:-1], *(np.searchsorted(ends[self.first], steps[k : k - 1 or None]) for k in (0, 1)), strict=False
        ):
            ahead, back = np.arange(start, stop), np.flatnonzero(arrive == step)
            self.ahead.append((ahead, np.ascontiguousarray(tables[..., start:stop])))
            self.back.append((back, np.ascontiguousarray(tables[..., back].transpose(1, 0, 2))))
        self._link()

    def _link(self) -> None:
        """Messages: one to the second node of each pair, then one to each first node, then an empty one."""
        nodes, pairs = self.costs.shape[1], self.first.size
        self.messages = np.zeros((len(self.costs), 2 * pairs + 1), np.float32)
        receiver = np.concatenate([self.second, self.first])
        count = np.bincount(receiver, minlength=nodes)
        order = np.argsort(receiver, kind="stable")
        slot = np.arange(order.size) - (np.cumsum(count) - count)[receiver[order]]
        self.into = np.full((int(count.max(initial=1)), nodes), 2 * pairs)
        self.into[slot, receiver[order]] = order
        later = np.bincount(self.first, minlength=nodes)
        self.share = (1 / np.maximum(1, np.maximum(later, count - later))).astype(np.float32)

    def solve(self, rounds: int) -> np.ndarray:
        """Pass messages from the first wave to the last and back, then choose. Returns: int (n,)."""
        pairs = self.first.size
        for _ in range(rounds):
            for wave, (edges, tables) in enumerate(self.ahead):
                self._send(wave, self.first[edges], tables, pairs + edges, edges)
            for wave, (edges, tables) in reversed(list(enumerate(self.back))):
                self._send(wave, self.second[edges], tables, edges, pairs + edges)
        return self._decide()

    def _collect(self, wave: int, into: np.ndarray) -> np.ndarray:
        """Costs of the nodes of a wave and the messages they got, (L, k)."""
        part = slice(self.nodes_of[wave], self.nodes_of[wave + 1])
        total: np.ndarray = self.costs[:, part].copy()
        for row in into[:, part]:
            total += self.messages[:, row]
        return total

    def _send(self, wave: int, nodes: np.ndarray, tables: np.ndarray, answered: np.ndarray, sent: np.ndarray) -> None:
        """Send from `nodes` of a wave, a message a pair; `answered` are those that came the other way."""
        if not nodes.size:
            return
        start, stop = self.nodes_of[wave : wave + 2]
        belief = self._collect(wave, self.into) * self.share[start:stop]
        base = belief[:, nodes - start] - self.messages[:, answered]
        new = np.minimum.reduce(base[:, None] + tables, axis=0)
        self.messages[:, sent] = new - np.minimum.reduce(new, axis=0)

    def _decide(self) -> np.ndarray:
        """Choose wave by wave, with what was chosen before and the messages of those to come."""
        labels = np.zeros(self.costs.shape[1], np.intp)
        pairs = self.first.size
        later = np.where(self.into >= pairs, self.into, 2 * pairs)
        for wave, (edges, tables) in enumerate(self.back):
            start, stop = self.nodes_of[wave : wave + 2]
            total = self._collect(wave, later)
            given = tables[:, labels[self.first[edges]], np.arange(edges.size)]
            np.add.at(total.T, self.second[edges] - start, given.T)
            labels[start:stop] = total.argmin(axis=0)
        result = np.empty_like(labels)
        result[self.order] = labels
        return result

import itertools

import numpy as np
import pytest

from vidremove.inpainters.messages import Graph

PAIRS = np.array([(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)])  # 2 rows of 3 nodes
DIAGONAL, PARITY = np.array([0, 1, 2, 1, 2, 3]), np.array([0, 1, 0, 1, 0, 1])


def energy(costs: np.ndarray, pairs: np.ndarray, tables: np.ndarray, labels: np.ndarray) -> float:
    return float(
        costs[labels, np.arange(labels.size)].sum()
        + tables[labels[pairs[:, 0]], labels[pairs[:, 1]], np.arange(len(pairs))].sum()
    )


@pytest.mark.parametrize("wave", [DIAGONAL, PARITY])
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_nearly_the_best_there_are(wave: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.uniform(0, 10, (3, 6)).astype(np.float32)
    tables = rng.uniform(0, 6, (3, 3, len(PAIRS))).astype(np.float32)
    found = energy(costs, PAIRS, tables, Graph(costs, PAIRS, tables, wave).solve(20))
    best = min(energy(costs, PAIRS, tables, np.array(some)) for some in itertools.product(range(3), repeat=6))
    assert found <= 1.1 * best


@pytest.mark.parametrize("wave", [np.arange(7), np.arange(7) % 2, 6 - np.arange(7)])
def test_labels_of_a_chain_are_the_best_there_are(wave: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    pairs = np.stack([np.arange(6), np.arange(1, 7)], axis=1)
    costs = rng.uniform(0, 10, (4, 7)).astype(np.float32)
    tables = rng.uniform(0, 10, (4, 4, 6)).astype(np.float32)
    found = energy(costs, pairs, tables, Graph(costs, pairs, tables, wave).solve(20))
    best = min(energy(costs, pairs, tables, np.array(some)) for some in itertools.product(range(4), repeat=7))
    assert found == pytest.approx(best)


def test_nodes_without_neighbours_take_what_is_cheapest() -> None:
    costs = np.float32([[3, 1, 2], [1, 2, 2], [2, 3, 1]])
    nothing = np.zeros((0, 2), np.intp), np.zeros((3, 3, 0), np.float32)
    assert Graph(costs, *nothing, np.zeros(3, np.intp)).solve(2).tolist() == [1, 0, 2]

"""The cheapest pairs, against all there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from detector.tracking.assignment import assign


def total(costs: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    """With 1 for each row that gets none, which is what pairs are weighed against."""
    return sum(float(costs[pair]) for pair in pairs) + len(costs) - len(pairs)


def cheapest(costs: np.ndarray) -> float:
    """By trying every way, with a column of nobody's for each row."""
    rows, columns = costs.shape
    wide = np.concatenate([np.minimum(costs, 1), np.ones((rows, rows))], 1)
    ways = itertools.permutations(range(columns + rows), rows)
    return min(sum(wide[row, column] for row, column in enumerate(way)) for way in ways)


def test_by_hand():
    assert assign(np.array([[0.1, 0.2], [0.2, 0.9]])) == [(0, 1), (1, 0)]
    assert assign(np.array([[0.1, 0.9], [0.9, 1.0]])) == [(0, 0)], "two dear pairs for one cheap"
    assert assign(np.array([[0.5], [0.2], [0.3]])) == [(1, 0)]
    assert assign(np.array([[1.0, np.inf]])) == []
    assert assign(np.zeros((0, 3))) == assign(np.zeros((3, 0))) == []


@pytest.mark.parametrize("seed", range(40))
def test_no_way_is_cheaper(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 5, 2)
    costs = rng.random((rows, columns)) * 1.5
    if seed % 2:
        costs = np.round(costs * 4) / 4  # ties
    pairs = assign(costs)
    assert len({row for row, _ in pairs}) == len(pairs) == len({column for _, column in pairs})
    assert all(costs[pair] < 1 for pair in pairs)
    assert total(costs, pairs) == pytest.approx(cheapest(costs))


def test_many_against_scipy():
    scipy = pytest.importorskip("scipy.optimize")
    costs = np.random.default_rng(0).random((40, 60))
    rows, columns = scipy.linear_sum_assignment(costs)
    assert total(costs, assign(costs)) == pytest.approx(costs[rows, columns].sum())

"""Who belongs to whom: the pairs that together cost least."""

from __future__ import annotations

import numpy as np


def assign(costs: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (row, column) of costs [N, M], each row and column once at most, ordered by row.

    A pair that costs less than 1 may be; whoever gets none costs 1. So two dear pairs are not taken where one
    cheap pair leaves nobody dearer off.
    """
    if not costs.size:
        return []
    rows, columns = costs.shape
    costs = np.pad(np.minimum(costs, 1.0), ((0, 0), (0, max(rows - columns, 0))), constant_values=1.0)
    nearest = costs.argmin(1)
    wanted = nearest[costs.min(1) < 1]
    if len(np.unique(wanted)) < len(wanted):  # else each row has what it likes best
        nearest = _shortest_paths(costs)
    return [(row, column) for row, column in enumerate(nearest.tolist()) if costs[row, column] < 1]


def _shortest_paths(costs: np.ndarray) -> np.ndarray:
    """The column of each of N <= M rows: the Hungarian method, a shortest augmenting path for each row.

    A row with prices u and columns with prices v keep costs - u - v at 0 along the pairs and above it
    elsewhere (Jonker and Volgenant 1987).
    """
    count, columns = costs.shape
    u, v = np.zeros(count), np.zeros(columns)
    row_of = np.full(columns, -1)
    for start in range(count):
        least = np.full(columns, np.inf)  # the shortest way found to each column
        before = np.full(columns, -1)  # the column it comes from
        done = np.zeros(columns, bool)
        row, column, way = start, -1, 0.0
        while True:
            through = way + costs[row] - u[row] - v
            shorter = ~done & (through < least)
            least[shorter], before[shorter] = through[shorter], column
            column = int(np.where(done, np.inf, least).argmin())
            way = float(least[column])
            if row_of[column] < 0:
                break
            done[column] = True
            row = int(row_of[column])
        reached = np.flatnonzero(done)
        u[start] += way
        u[row_of[reached]] += way - least[reached]
        v[reached] -= way - least[reached]
        while column >= 0:  # along the path every pair moves one column on
            row_of[column] = start if before[column] < 0 else row_of[before[column]]
            column = int(before[column])
    chosen = np.empty(count, int)
    taken = np.flatnonzero(row_of >= 0)
    chosen[row_of[taken]] = taken
    return chosen

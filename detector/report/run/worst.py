"""Which mistakes are worth looking at: the surest false alarms, the misses that should have been easy.

Indices are into a pool's detections or truths. Of one frame no more than two are taken: ten pictures of the
same tree teach no more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from detector.evaluation.errors.kinds import KINDS, MISSED, Mistakes
from detector.evaluation.matching import Pool, match

A_FRAME = 2
CANDIDATES = 200
"""Misses whose contrast is measured; each means reading a frame."""


def surest_false_alarms(mistakes: Mistakes, kinds: Iterable[str], *, count: int) -> list[int]:
    """Detections that are mistakes of these kinds (of KINDS), highest score first, at most `count`."""
    found = mistakes.pool.found
    codes = [KINDS.index(kind) for kind in kinds]
    assert MISSED not in codes
    wrong = mistakes.found[np.isin(mistakes.kinds, codes) & ~mistakes.ignored]
    order = wrong[np.argsort(-found.scores[wrong], kind="stable")]
    return few_a_frame(order.tolist(), found.images, count)


def missed_truths(pool: Pool, *, limits: np.ndarray) -> np.ndarray:
    """[M] truths that no detection of at least its class's score, limits [K], found at IoU 0.5."""
    found = match(pool, [0.5]).truth[0]
    # What a threshold keeps is matched the same whether the rest is there or not.
    found = found[(found >= 0) & pool.found.reach(limits)]
    missed = ~pool.truths.crowd
    missed[found] = False
    return np.flatnonzero(missed)


def plainest_misses(
    pool: Pool, missed: np.ndarray, *, contrast: Callable[[int], float | None], count: int
) -> list[int]:
    """Of the CANDIDATES largest for their class, the `count` that stand out most from what is around them.

    contrast: of a truth; None where its frame cannot be read, which leaves it out.
    """
    sides = np.sqrt(pool.truths.areas)
    relative = np.ones(len(missed))
    for label in np.unique(pool.truths.labels[missed]):
        usual = np.median(sides[(pool.truths.labels == label) & ~pool.truths.crowd])
        own = pool.truths.labels[missed] == label
        relative[own] = sides[missed[own]] / usual
    largest = missed[np.argsort(-relative, kind="stable")][:CANDIDATES]
    measured = {int(truth): contrast(int(truth)) for truth in largest}
    known = {truth: abs(value) for truth, value in measured.items() if value is not None}
    return few_a_frame(sorted(known, key=lambda truth: -known[truth]), pool.truths.images, count)


def few_a_frame(ordered: Sequence[int], images: np.ndarray, count: int) -> list[int]:
    """The first `count` of `ordered` without a third one of a frame; images: of each index."""
    chosen: list[int] = []
    taken: dict[int, int] = {}
    for index in ordered:
        image = int(images[index])
        if taken.get(image, 0) < A_FRAME:
            taken[image] = taken.get(image, 0) + 1
            chosen.append(index)
        if len(chosen) == count:
            break
    return chosen

"""How far apart the arms of a study are, and whether that is more than luck.

Runs of the same seed and fold are pairs: what makes a fold hard is hard for every arm, and cancels in their
difference. Folds share most of their training frames, so their results are no independent draws, and the
plain t-test would find differences too often. Nadeau and Bengio (Inference for the Generalization Error,
Machine Learning 52, 2003) put 1/n + n_test/n_train in the place of 1/n in the variance of a mean, and
Bouckaert and Frank (PAKDD 2004) do so for folds that are repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.evaluation.uncertainty.bootstrap import LESS_IS_BETTER
from detector.tuning.results import Results

LEVEL = 0.05
"""p below which two arms are told apart; intervals hold 1 - LEVEL."""

_LESS = {*LESS_IS_BETTER, "calibration", "dAP", "false_alarms"}


def less_is_better(metric: str) -> bool:
    """Of a name as `Training.metric` takes it: MR-2, an error of the scores, or AP lost to a mistake."""
    return not _LESS.isdisjoint(metric.split("/"))


@dataclass(frozen=True)
class Mean:
    """Of `count` values. value: NaN of none. deviation (over n - 1) and error of the mean: NaN below two."""

    count: int
    value: float
    deviation: float
    error: float

    @property
    def half(self) -> float:
        """Half the width of its 95 % interval, by Student's t; NaN below two values."""
        from scipy import stats  # half a second to load, and most commands tell no p

        return float(stats.t.ppf(1 - LEVEL / 2, self.count - 1)) * self.error

    @property
    def p(self) -> float:
        """How often luck alone takes a mean at least as far from 0, to either side; NaN below two values."""
        if self.error == 0:
            return float(self.value == 0)
        from scipy import stats

        return 2 * float(stats.t.sf(abs(self.value) / self.error, self.count - 1))


@dataclass(frozen=True)
class Difference:
    """Of two arms, over the runs that they have in common. p: after Holm's correction over the arms."""

    mean: Mean
    p: float

    @property
    def told_apart(self) -> bool:
        """Whether it is more than luck; False where two runs or more are not there to tell."""
        return self.p < LEVEL


def mean_of(values: np.ndarray, *, folds: int = 0) -> Mean:
    """Of values [N], without the NaN among them. folds: into how many the frames were split, 0 for none."""
    found = values[~np.isnan(values)]
    count = len(found)
    if count < 2:
        return Mean(count, float(found[0]) if count else np.nan, np.nan, np.nan)
    shared = 1 / (folds - 1) if folds > 1 else 0.0  # n_test / n_train
    deviation = float(found.std(ddof=1))
    return Mean(count, float(found.mean()), deviation, deviation * float(np.sqrt(1 / count + shared)))


def means(results: Results, *, condition: str = "", folds: int = 0) -> dict[str, tuple[Mean, ...]]:
    """For each arm with runs under a condition, each metric's mean over them."""
    runs = {arm: results.of(arm, condition=condition) for arm in dict.fromkeys(results.arms)}
    return {arm: _by_metric(list(mine.values()), folds) for arm, mine in runs.items() if mine}


def differences(
    results: Results, reference: str, *, condition: str = "", folds: int = 0
) -> dict[str, tuple[Difference, ...]]:
    """For each other arm minus `reference`, each metric's; arms without a run in common are left out."""
    theirs = results.of(reference, condition=condition)
    found: dict[str, tuple[Mean, ...]] = {}
    for arm in dict.fromkeys(results.arms):
        mine = results.of(arm, condition=condition)
        apart = [mine[pair] - theirs[pair] for pair in mine if pair in theirs]
        if arm != reference and apart:
            found[arm] = _by_metric(apart, folds)
    corrected = [holm([mean.p for mean in column]) for column in zip(*found.values(), strict=True)]
    return {
        arm: tuple(Difference(mean, corrected[metric][place]) for metric, mean in enumerate(row))
        for place, (arm, row) in enumerate(found.items())
    }


def front(results: Results, metric: str, *, condition: str = "", folds: int = 0) -> tuple[str, ...]:
    """The arm with the best mean, then those that cannot be told from it; none where nothing was measured.

    The best was picked by what it scored, which is partly luck, so rather too few than too many are named.
    """
    place = results.metrics.index(metric)
    by_arm = means(results, condition=condition, folds=folds)
    sign = -1 if less_is_better(metric) else 1
    values = {arm: sign * row[place].value for arm, row in by_arm.items() if row[place].count}
    if not values:
        return ()
    best = max(values, key=values.__getitem__)
    apart = differences(results, best, condition=condition, folds=folds)
    level = (arm for arm in values if arm != best and not (arm in apart and apart[arm][place].told_apart))
    return (best, *level)


def holm(ps: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm, Scandinavian Journal of Statistics 6, 1979); NaN is no test.

    The smallest of m counts m times, the next m - 1 times, and so on, and none less than the one before it.
    """
    corrected = [np.nan] * len(ps)
    order = sorted((k for k in range(len(ps)) if not np.isnan(ps[k])), key=ps.__getitem__)
    before = 0.0
    for rank, k in enumerate(order):
        before = corrected[k] = max(before, min(1.0, (len(order) - rank) * ps[k]))
    return corrected


def _by_metric(rows: Sequence[np.ndarray], folds: int) -> tuple[Mean, ...]:
    """rows: [metrics] each."""
    return tuple(mean_of(column, folds=folds) for column in np.array(rows).T)

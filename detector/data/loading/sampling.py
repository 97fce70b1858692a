"""How often each picture is shown: more where its classes are rare, or a detector raised false alarms."""

from __future__ import annotations

import numpy as np

from detector.data.annotations import Annotations
from detector.errors import UserError

MOST_FOR_ALARMS = 4
"""Times that a picture with false alarms is shown next to one without. Where a few pictures have all of them,
these would fill half of each epoch and be learnt by heart."""


def repeat_factors(annotations: Annotations, *, rare_below: float) -> np.ndarray:
    """[N] float64, at least 1: how often each picture should be shown next to the others.

    A class in a share f of the pictures has factor max(1, sqrt(rare_below / f)); a picture takes the largest
    of its classes (Gupta et al., CVPR 2019, LVIS, "repeat factor sampling"). rare_below: share in [0, 1] of
    pictures under which a class counts as rare; 0 leaves every picture at 1.
    """
    if not 0 <= rare_below <= 1:
        raise UserError(f"data.rare_below={rare_below}: must be a share of the pictures, 0 to 1")
    present = np.zeros((len(annotations.records), len(annotations.classes)), bool)
    table = annotations.table
    present[table.images[~table.ignored], table.labels[~table.ignored]] = True
    share = present.mean(axis=0)
    factor = np.sqrt(np.divide(rare_below, share, out=np.ones_like(share), where=share > 0)).clip(min=1)
    return np.where(present, factor, 1.0).max(axis=1)


def alarm_factors(false_alarms: np.ndarray) -> np.ndarray:
    """[N] float64, 1 to MOST_FOR_ALARMS: how often each picture should be shown next to one without alarms.

    false_alarms [N]: how many each has. But for the limit, half of the showings are shared out among all and
    half by them: however many there are, each picture still comes at least half as often as it did.
    """
    mean = np.mean(false_alarms)
    return np.minimum(1 + false_alarms / mean, MOST_FOR_ALARMS) if mean else np.ones(len(false_alarms))


def systematic(factors: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """[N] int64 indices in random order, each about in proportion to its factor, N in all.

    Picture i appears floor or ceil of N factors[i] / sum(factors) times: an epoch keeps its length, and equal
    factors show every picture once.
    """
    count = len(factors)
    edges = np.cumsum(factors) * (count / np.sum(factors))
    marks = np.arange(count) + rng.random()
    chosen = np.searchsorted(edges, marks, side="right").clip(max=count - 1)
    return rng.permutation(chosen)

"""How often each picture is shown, for data sets with rare classes."""

from __future__ import annotations

import numpy as np

from detector.data.annotations import Annotations
from detector.errors import UserError


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

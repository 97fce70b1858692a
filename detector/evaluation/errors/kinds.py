"""What kind of mistake each detection is, and which truths were missed, by TIDE (Bolya et al., ECCV 2020).

Detections choose in turn, best first, the free truth of their class that they overlap most, by `foreground`
(IoU) at least. One that found nothing has the first kind that fits:

  localisation    overlaps a truth of its class by `background` to `foreground`
  classification  overlaps a truth of another class by `foreground` or more
  duplicate       overlaps a truth of its class by `foreground` or more, and a better detection found that
  background      overlaps no truth by more than `background`
  both            else: of the wrong class and badly placed

A truth that nothing found is missed, unless a mistake of the first two kinds was meant for it: the truth of
greatest overlap is the one that is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.evaluation.errors.images import ImageView, each_image, greedy
from detector.evaluation.matching import Pool

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
"""In the order of their codes."""

CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED = range(6)

HIT = -1
"""Code of a detection that found its truth."""

MAX_DETECTIONS = 100
"""Of an image, whatever their classes: TIDE's bound."""


@dataclass(frozen=True, eq=False)
class Mistakes:
    """D detections, images in the split's order and best first in each; N truths of the pool.

    found [D]: index into the pool's detections. kinds [D]: a code of KINDS or HIT.
    ignored [D] bool: found nothing but lies in a region to ignore, so it does not count against.
    mends [D]: the truth (index into the pool's) that it finds once its mistake is mended, -1 for none; only
    the best of several mistakes about one truth mends it.
    unfound [N] bool: truths that count and that no detection found. missed [N] bool: those of them that no
    detection was meant for either.
    foreground: the overlap of a hit.
    """

    pool: Pool
    foreground: float
    found: np.ndarray
    kinds: np.ndarray
    ignored: np.ndarray
    mends: np.ndarray
    unfound: np.ndarray
    missed: np.ndarray


def find_mistakes(pool: Pool, *, foreground: float = 0.5, background: float = 0.1) -> Mistakes:
    """Judge every detection. Raises ValueError unless 0 < background < foreground <= 1."""
    if not 0 < background < foreground <= 1:
        raise ValueError(
            f"overlaps {background} (background) and {foreground} (foreground) must rise in (0, 1]"
        )
    verdicts = [
        _judge(pool, view, foreground, background) for view in each_image(pool, max_detections=MAX_DETECTIONS)
    ] or [_NO_IMAGES]
    hits, mends = (
        np.concatenate([getattr(verdict, name) for verdict in verdicts]) for name in ("hits", "mends")
    )
    unfound = ~pool.truths.crowd
    unfound[hits] = False
    missed = unfound.copy()
    missed[mends[mends >= 0]] = False
    return Mistakes(
        pool=pool,
        foreground=foreground,
        found=np.concatenate([verdict.found for verdict in verdicts]),
        kinds=np.concatenate([verdict.kinds for verdict in verdicts]),
        ignored=np.concatenate([verdict.ignored for verdict in verdicts]),
        mends=mends,
        unfound=unfound,
        missed=missed,
    )


@dataclass(frozen=True, eq=False)
class _Verdict:
    """`Mistakes` of one image. hits: indices into the pool's truths."""

    found: np.ndarray
    kinds: np.ndarray
    ignored: np.ndarray
    mends: np.ndarray
    hits: np.ndarray


_NOTHING = np.zeros(0, dtype=np.int64)
_NO_IMAGES = _Verdict(_NOTHING, _NOTHING, _NOTHING.astype(bool), _NOTHING, _NOTHING)


def _judge(pool: Pool, view: ImageView, foreground: float, background: float) -> _Verdict:
    labels = pool.found.labels[view.found]
    same = labels[:, None] == pool.truths.labels[view.truths]
    match = greedy(np.where(same, view.overlap, 0.0), same, min_overlap=foreground)
    hit = match >= 0
    # More than `foreground`, where COCO takes as much for enough: so has tidecv.
    swallowed = (view.inside > foreground) & (labels[:, None] == pool.truths.labels[view.regions])
    kinds, mends = _kinds(view.overlap, same, match, foreground, background)
    return _Verdict(
        found=view.found,
        kinds=kinds,
        ignored=~hit & swallowed.any(axis=1),
        mends=np.where(mends >= 0, np.append(view.truths, -1)[mends], -1),
        hits=view.truths[match[hit]],
    )


def _kinds(
    overlap: np.ndarray, same: np.ndarray, match: np.ndarray, foreground: float, background: float
) -> tuple[np.ndarray, np.ndarray]:
    """kinds [D], and mends [D] as columns or -1, from overlap [D, N], same class [D, N] and match [D]."""
    hit = match >= 0
    mends = np.full(len(overlap), -1)
    if overlap.size == 0:
        return np.full(len(overlap), BACKGROUND), mends
    used = np.zeros(overlap.shape[1], dtype=bool)
    used[match[hit]] = True
    own, other = np.where(same, overlap, 0.0), np.where(same, 0.0, overlap)
    nearest = own.max(axis=1)
    misplaced = (background <= nearest) & (nearest <= foreground)
    confused = other.max(axis=1) >= foreground
    double = (own * used).max(axis=1) >= foreground
    alone = overlap.max(axis=1) <= background
    kinds = np.select(
        [hit, misplaced, confused, double, alone],
        [HIT, LOCALISATION, CLASSIFICATION, DUPLICATE, BACKGROUND],
        default=BOTH,
    )
    meant = np.where(misplaced, own.argmax(axis=1), other.argmax(axis=1))
    mendable = np.flatnonzero(~hit & (misplaced | confused) & ~used[meant])
    # Rows are best first, so the first about a truth is the best.
    truth, first = np.unique(meant[mendable], return_index=True)
    mends[mendable[first]] = truth
    return kinds, mends

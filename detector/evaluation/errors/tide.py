"""What AP each kind of mistake costs: TIDE (Bolya et al., ECCV 2020).

dAP of a kind is what AP gains once an oracle mends its mistakes: those that mend a truth become hits of its
class, the kind's other detections go, missed truths go. Beside these, dAP with every false positive gone and
with every unfound truth gone. Each is mended alone, so the gains do not add up.

Equal to the tidecv package 1.0.1, on purpose also where it differs from COCO: see docs/evaluation-errors.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detector.evaluation.errors.kinds import HIT, KINDS, MISSED, Mistakes

_RECALLS = np.arange(101) / 100


@dataclass(frozen=True, eq=False)
class Tide:
    """AP lost to each kind of mistake.

    classes: K names. foreground: the overlap of a hit. ap: mean over the classes of AP at that overlap.
    gains: KINDS -> dAP, not below 0. false_positives, false_negatives: dAP with all of them gone.
    All in [0, 1]; None without any truth.
    counts [6, K]: mistakes by kind and class, the detection's or the missed truth's, but for ignored ones.
    """

    classes: tuple[str, ...]
    foreground: float
    ap: float | None
    gains: dict[str, float | None]
    false_positives: float | None
    false_negatives: float | None
    counts: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json."""
        special = {"false_positives": self.false_positives, "false_negatives": self.false_negatives}
        return {
            "iou": self.foreground,
            "AP": self.ap,
            "dAP": {**self.gains, **special},
            "counts": dict(zip(KINDS, self.counts.sum(axis=1).tolist(), strict=True)),
            "per_class": {
                name: dict(zip(KINDS, column, strict=True))
                for name, column in zip(self.classes, self.counts.T.tolist(), strict=True)
            },
        }


def tide(mistakes: Mistakes, classes: tuple[str, ...]) -> Tide:
    """The breakdown. classes: K names in the order of the labels."""
    points = _points(mistakes)
    truths, unfound, missed = (
        np.bincount(mistakes.pool.truths.labels[chosen], minlength=len(classes))
        for chosen in (~mistakes.pool.truths.crowd, mistakes.unfound, mistakes.missed)
    )
    counts = _counts(points, missed)
    if not truths.any():
        return Tide(classes, mistakes.foreground, None, dict.fromkeys(KINDS), None, None, counts)
    points = points.rows(np.argsort(-points.scores, kind="stable"))
    ap = _mean_ap(points, truths)
    # tidecv puts mistakes before hits of the same score in all that it mends, though not in `ap`.
    points = points.rows(np.lexsort((points.hits, -points.scores)))
    mended = [_mean_ap(_mend(points, kind), truths) for kind in range(MISSED)]
    mended.append(_mean_ap(points, truths - missed))
    hits_first = points.rows(np.argsort(~points.hits, kind="stable"))
    return Tide(
        classes=classes,
        foreground=mistakes.foreground,
        ap=ap,
        gains={name: max(value - ap, 0.0) for name, value in zip(KINDS, mended, strict=True)},
        false_positives=_mean_ap(hits_first, truths) - ap,
        false_negatives=_mean_ap(points, truths - unfound) - ap,
        counts=counts,
    )


@dataclass(frozen=True, eq=False)
class _Points:
    """What AP needs of D detections. labels, scores, kinds [D]. counted [D] bool: not ignored.
    mended_labels [D]: of the truth that each mends, -1 for none."""

    labels: np.ndarray
    scores: np.ndarray
    kinds: np.ndarray
    counted: np.ndarray
    mended_labels: np.ndarray

    @property
    def hits(self) -> np.ndarray:
        """[D] bool."""
        return self.kinds == HIT

    def rows(self, chosen: np.ndarray) -> _Points:
        """Some of them, or all in another order."""
        return _Points(**{name: values[chosen] for name, values in vars(self).items()})


def _points(mistakes: Mistakes) -> _Points:
    found, truths = mistakes.pool.found, mistakes.pool.truths
    return _Points(
        labels=found.labels[mistakes.found],
        scores=found.scores[mistakes.found],
        kinds=mistakes.kinds,
        counted=~mistakes.ignored,
        mended_labels=np.append(truths.labels, -1)[mistakes.mends],
    )


def _counts(points: _Points, missed: np.ndarray) -> np.ndarray:
    """[6, K] mistakes by kind and class."""
    counts = np.zeros((len(KINDS), len(missed)), dtype=np.int64)
    wrong = points.rows(points.counted & ~points.hits)
    np.add.at(counts, (wrong.kinds, wrong.labels), 1)
    counts[MISSED] = missed
    return counts


def _mend(points: _Points, kind: int) -> _Points:
    """One kind's mistakes become hits of the truths they mend, also where they were ignored, or go."""
    mended = (points.kinds == kind) & (points.mended_labels >= 0)
    changed = replace(
        points,
        labels=np.where(mended, points.mended_labels, points.labels),
        kinds=np.where(mended, HIT, points.kinds),
        counted=points.counted | mended,
    )
    return changed.rows(changed.kinds != kind)


def _mean_ap(points: _Points, truths: np.ndarray) -> float:
    """Mean of AP over the classes that have truths or detections; 1 where none has, for nothing is wrong.

    A class without truths has AP 0. points: those of a class best first. truths: [K].
    """
    # As small as they can be: numpy then sorts by counting.
    labels = points.labels[points.counted].astype(np.min_scalar_type(len(truths)))
    order = np.argsort(labels, kind="stable")
    hits = points.hits[points.counted][order]
    cuts = np.searchsorted(labels[order], np.arange(len(truths) + 1))
    values = [
        _ap(hits[start:stop], count)
        for start, stop, count in zip(cuts[:-1], cuts[1:], truths.tolist(), strict=True)
        if stop > start or count
    ]
    return float(np.mean(values)) if values else 1.0


def _ap(hits: np.ndarray, truths: int) -> float:
    """Interpolated precision, mean over 101 recalls, of one class's detections, best first."""
    if truths == 0 or len(hits) == 0:
        return 0.0
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    # Recalls by division; of COCO's, from linspace, some lie higher by the last digit and are not reached.
    return float(np.append(precision, 0.0)[np.searchsorted(found / truths, _RECALLS)].mean())

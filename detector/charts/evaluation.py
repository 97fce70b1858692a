"""What an evaluation measured, as figures: on a run's page and, as pictures, in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from detector.charts import plots
from detector.charts.canvas import pixels_of
from detector.evaluation.coco import Metrics
from detector.evaluation.errors.confusion import most_confused
from detector.evaluation.errors.kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = 5
"""Classes that a figure shows, those with most truths, beside all together: more cannot be told apart."""

KIND_WORDS = {
    "background": "on nothing",
    "classification": "wrong class",
    "localisation": "badly placed",
    "missed": "not found",
    "duplicate": "reported twice",
    "both": "wrong class, badly placed",
}
"""TIDE's kinds as a reader may know them."""

_LIMITS = (0, 1.02)


def pictures(metrics: Metrics) -> dict[str, np.ndarray]:
    """Every figure below as a [H, W, 3] uint8 picture, by name."""
    figures = {
        "precision_recall": precision_recall_figure(metrics),
        "thresholds": f1_figure(metrics),
        "confusion": confusion_figure(metrics),
        "calibration": calibration_figure(metrics),
        "froc": froc_figure(metrics),
        "tide": tide_figure(metrics.diagnosis.tide.to_dict()),
    }
    return {name: pixels_of(figure) for name, figure in figures.items()}


def precision_recall_figure(metrics: Metrics) -> Figure:
    """Each class's precision against recall at IoU 0.5."""
    curves = metrics.curves
    reached = dict(zip(curves.classes, np.where(curves.precision > 0, curves.precision, np.nan), strict=True))
    return plots.curves(
        {name: (curves.recall, reached[name]) for name in _shown(metrics)},
        title="precision at each recall, IoU 0.5",
        x_label="recall: share of objects found",
        y_label="precision: share that is right",
        limits=_LIMITS,
    )


def f1_figure(metrics: Metrics) -> Figure:
    """F1 against the score threshold, the best of all marked."""
    thresholds = metrics.diagnosis.thresholds
    best = thresholds.overall.best
    return plots.curves(
        _by_class(
            metrics,
            thresholds.thresholds,
            {name: curve.f1 for name, curve in thresholds.per_class.items()},
            overall=thresholds.overall.f1,
        ),
        title="F1",
        x_label="score threshold",
        y_label="F1",
        limits=_LIMITS,
        mark=(best.score,) if best else (),
    )


def froc_figure(metrics: Metrics) -> Figure:
    """Recall against false alarms a frame."""
    found = metrics.diagnosis.froc
    return plots.curves(
        _by_class(metrics, found.grid, found.per_class, overall=found.overall),
        title="objects found",
        x_label="false alarms a frame",
        y_label="recall",
        scale="log x",
        limits=_LIMITS,
    )


def calibration_figure(metrics: Metrics) -> Figure:
    """The share of detections that is right against their score."""
    measured, ends = metrics.diagnosis.calibration, np.array((0.0, 1.0))
    return plots.curves(
        {"measured": (measured.scores, measured.precision), "as the score says": (ends, ends)},
        title="share that is right, by score",
        x_label="score",
        y_label="share right",
        limits=_LIMITS,
    )


def confusion_figure(metrics: Metrics) -> Figure:
    """How often each class is taken for which; of many classes those with most mistakes."""
    found = metrics.diagnosis.confusion
    names, matrix = most_confused(found.names, found.matrix)
    title = f"from score {found.confidence:.2f} on, IoU {found.overlap:g}"
    return plots.counts(matrix, names, title=title, x="predicted", y="truth")


def tide_figure(breakdown: Mapping[str, Any]) -> Figure:
    """AP50 to gain by mending each kind of mistake, of `Tide.to_dict`."""
    kinds, ap = kinds_by_cost(breakdown), breakdown["AP"]
    now = "no truth" if ap is None else f"of {ap:.3f} now"
    gains = np.array([breakdown["dAP"][kind] for kind in kinds], dtype=np.float64)
    return plots.bars(
        [KIND_WORDS[kind] for kind in kinds], {"gain": gains}, title=f"AP50 to gain, {now}", x_label="AP50"
    )


def kinds_by_cost(breakdown: Mapping[str, Any]) -> list[str]:
    """KINDS, the costliest first."""
    return sorted(KINDS, key=lambda kind: -(breakdown["dAP"][kind] or 0))


def _shown(metrics: Metrics) -> list[str]:
    """Names of the classes to draw, in the order of their labels."""
    most = sorted(metrics.truths, key=lambda name: -metrics.truths[name])[:LINES]
    return [name for name, count in metrics.truths.items() if count and name in most]


def _by_class(
    metrics: Metrics, x: np.ndarray, per_class: Mapping[str, np.ndarray], *, overall: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A line for each class to draw, and where these are several one for all classes together."""
    lines = {name: (x, per_class[name]) for name in _shown(metrics)}
    return lines if len(lines) < 2 else {**lines, "all": (x, overall)}

"""Whether scores can be trusted, and how many false alarms a wanted recall costs."""

from __future__ import annotations

import numpy as np

from detector.charts.evaluation import calibration_figure, froc_figure
from detector.evaluation.scores.calibration import Reliability
from detector.evaluation.scores.froc import RATES
from detector.evaluation.worst import worst
from detector.report.kit.page import Drawing, Row, Section, Table, Text
from detector.report.kit.words import whole_percent
from detector.report.run.record import RunRecord, left_out

_TRUSTED = 0.1
"""Mean distance of score and precision up to which scores may be read as probabilities; of few detections the
95 % interval of a share, at its widest, comes on top."""


def calibration(record: RunRecord) -> Section:
    """Reliability of the scores."""
    title = "What a score means"
    if record.evaluated is None:
        return left_out(title, "It needs the truth and the predictions.")
    metrics = record.evaluated.metrics
    measured = metrics.diagnosis.calibration
    if measured.error is None:
        return left_out(title, f"No detection has a score of {measured.confidence:g} or more.")
    counted = f"{measured.counts.sum()} detections with score {measured.confidence:g} or more."
    drawing = Drawing(calibration_figure(metrics), "precision against score", counted)
    return Section(title, (Text(_calibration_words(measured)), drawing))


def _calibration_words(measured: Reliability) -> str:
    assert measured.error is not None
    full = measured.counts > 0
    bias = float(np.average((measured.scores - measured.precision)[full], weights=measured.counts[full]))
    off = f"Scores are off by {whole_percent(measured.error)} on average (D-ECE {measured.error:.3f})"
    if measured.error + 0.98 / np.sqrt(measured.counts.sum()) <= _TRUSTED:
        return f"{off}: a score can be read as the chance that the detection is right."
    return f"{off}, mostly too {'high' if bias > 0 else 'low'}: don't read a score as a chance."


def false_alarms_at_recall(record: RunRecord) -> Section:
    """FROC: recall against false alarms per frame."""
    title = "Found, by false alarms"
    froc = record.numbers.get("froc")
    if not froc or froc["overall"]["mean_recall"] is None:
        return left_out(title, "It needs objects, and predictions that were measured.")
    rows = []
    every = {**froc["per_class"], "all": froc["overall"]}
    shown = worst({name: own["mean_recall"] for name, own in froc["per_class"].items()})
    for name, values in ((name, every[name]) for name in (*shown, "all")):
        cells = (whole_percent(values[f"recall_at_{rate:g}_fppi"]) for rate in RATES)
        rows.append((name, *cells))
    text = "Share of the objects found, at that many false alarms a frame."
    header = ("false alarms a frame", *(f"{rate:g}" for rate in RATES))
    table = Table(header, tuple(rows))
    if record.evaluated is None:
        return Section(title, (Text(text), table))
    drawing = Drawing(froc_figure(record.evaluated.metrics), "recall against false alarms a frame")
    return Section(title, (Text(text), Row((table, drawing))))

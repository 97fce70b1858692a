"""What the run is worth: the result in a few sentences, each class, and what a score threshold keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from detector.charts.evaluation import LINES, f1_figure, precision_recall_figure
from detector.evaluation.coco import Metrics
from detector.evaluation.scores.outcomes import Outcomes
from detector.evaluation.scores.thresholds import OperatingPoint
from detector.evaluation.uncertainty.headline import Headline
from detector.evaluation.worst import told as told_rest
from detector.evaluation.worst import worst
from detector.report.headline import (
    CHOSEN_HERE,
    false_alarms,
    in_percent,
    marks,
    per,
    results,
    verdict,
    with_interval,
)
from detector.report.kit.page import Block, Drawing, Level, Notice, Row, Section, Table, Text
from detector.report.kit.words import decimal, listed, whole_percent
from detector.report.run.failure import failure
from detector.report.run.mistakes import biggest_losses
from detector.report.run.record import RunRecord, left_out

_LEVELS: Mapping[str, Level] = {"failed": "error", "unknown": "warning", "good": "good", "fair": "note"}

_SCORES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)

_MEASURES = (
    ("AP", "AP, IoU 0.5 to 0.95"),
    ("AP50", "AP50"),
    ("AP75", "AP75"),
    ("AR100", "AR100, recall"),
    ("MR-2", "MR^-2, less is better"),
    ("JI", "JI, Jaccard index"),
)


def headline(record: RunRecord) -> Section:
    """The result in words, then the few numbers that others quote."""
    numbers = record.numbers
    problems = tuple(Notice("warning", "Incomplete", text) for text in record.problems)
    if not numbers:
        text = "The run has no metrics.json and no predictions that could be measured: was it stopped?"
        return Section("In short", (*problems, Notice("warning", "Not judged", text)))
    rows = tuple((text, decimal(numbers[name])) for name, text in _MEASURES if numbers.get(name) is not None)
    notices = (failure(record), biggest_losses(numbers))
    blocks: list[Block] = [notice for notice in notices if notice is not None]
    if record.headline is not None:
        blocks = [*_told(record.headline), *blocks, *_weakest(record.headline)]
    return Section("In short", (*problems, *blocks, Table(("measure", record.split), rows)))


def _told(told: Headline) -> Iterator[Notice]:
    """What a user wants to hear first, and how far it can be trusted."""
    lines, hints = (". ".join(line[0].upper() + line[1:] for line in part(told)) for part in (results, marks))
    title = verdict(told).removeprefix("Good: ")  # the level says it
    yield Notice(_LEVELS[told.verdict], title[0].upper() + title[1:], f"{lines}.", f"{hints}.")


def _weakest(told: Headline) -> Iterator[Notice]:
    """The classes of lowest and highest AP50, where their intervals are apart."""
    own = {name: figures.AP50 for name, figures in told.per_class.items()}
    highs = {name: ap.high for name, ap in own.items() if ap.high is not None}
    lows = {name: ap.low for name, ap in own.items() if ap.low is not None}
    worst, best = min(highs, key=highs.__getitem__, default=""), max(lows, key=lows.__getitem__, default="")
    if worst != best and highs[worst] < lows[best]:
        text = f"{worst}, AP50 {with_interval(own[worst])}; strongest: {best}, {with_interval(own[best])}."
        yield Notice("note", "Weakest class", text)


def classes(record: RunRecord) -> Section:
    """A row for each class and one for all."""
    title = "Classes"
    if not record.numbers:
        return left_out(title, "The run was not judged.")
    per_class: Mapping[str, Any] = record.numbers["per_class"]
    truths = {**{name: own["truths"] for name, own in per_class.items()}, "all": record.numbers["truths"]}
    shown = worst({name: own["AP"] for name, own in per_class.items()})
    rest = told_rest(len(shown), len(per_class), "AP")
    blocks: list[Block] = [_class_table(record, {name: truths[name] for name in (*shown, "all")})]
    blocks += [Text(f"{rest[0].upper()}{rest[1:]}.")] if rest else []
    absent = [name for name, count in truths.items() if count == 0 and name != "all"]
    if absent:
        blocks.append(Text(f"No objects: {listed(absent)}."))
    return Section(title, tuple(blocks))


def _class_table(record: RunRecord, truths: Mapping[str, int]) -> Table:
    told = record.headline
    if told is None:
        values = {**record.numbers["per_class"], "all": record.numbers}
        rows = [
            (name, str(count), *(decimal(values[name][metric]) for metric in ("AP50", "AP")))
            for name, count in truths.items()
        ]
        return Table(("class", "objects", "AP50", "AP"), tuple(rows))
    rows = []
    every = {**told.per_class, "all": told.overall}
    for name, figures in ((name, every[name]) for name in truths):
        score = told.thresholds.get(name)
        shares = (in_percent(figures.found), in_percent(figures.right), false_alarms(told, figures))
        cells = (with_interval(figures.AP50), decimal(score, 2), *shares)
        rows.append((name, str(truths[name]), *cells))
    header = ("class", "objects", "AP50", "from score", "found", "right", f"false alarms {per(told)}")
    caption = f"Scores {CHOSEN_HERE}." if told.chosen_here else ""
    return Table(header, tuple(rows), caption)


def score_threshold(record: RunRecord) -> Section:
    """Which score to keep detections from, and what more or less of it would mean."""
    title = "Score threshold"
    if record.evaluated is None:
        return left_out(title, "Curves need the truth and the predictions.")
    metrics = record.evaluated.metrics
    best = metrics.diagnosis.thresholds.overall.best
    if best is None:
        return left_out(title, "The split has no objects.")
    text = f"One score for all classes: F1 is best from {best.score:.2f} on, {CHOSEN_HERE}."
    figures = (
        Drawing(precision_recall_figure(metrics), "precision against recall of each class"),
        Drawing(f1_figure(metrics), "F1 against the score threshold", "Dashed: the best of all."),
    )
    points = _operating_points(metrics.diagnosis.outcomes, best)
    return Section(title, (Text(text + _more(metrics)), points, Row(figures)))


def _operating_points(counted: Outcomes, best: OperatingPoint) -> Table:
    rows = []
    for score in sorted({*_SCORES, best.score}):
        kept = counted.scores >= score
        right, truths = int(counted.hits[kept].sum()), int(counted.truths.sum())
        precision = whole_percent(right / kept.sum() if kept.any() else None)
        f1, false = 2 * right / (kept.sum() + truths), (kept.sum() - right) / counted.images
        name = f"{score:.2f}" + (" (best)" if score == best.score else "")
        rows.append((name, whole_percent(right / truths), precision, decimal(f1), decimal(false, 2)))
    return Table(("from score", "found", "right", "F1", "false alarms a frame"), tuple(rows))


def _more(metrics: Metrics) -> str:
    left = sum(count > 0 for count in metrics.truths.values()) - LINES
    return f" The figures show the {LINES} most frequent classes." if left > 0 else ""

"""What the run is worth: the result in a few sentences, each class, and what a score threshold keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detector.charts.evaluation import LINES, f1_figure, precision_recall_figure
from detector.evaluation.coco import Metrics
from detector.evaluation.scores.outcomes import Outcomes
from detector.evaluation.scores.thresholds import OperatingPoint
from detector.report.kit.page import Block, Drawing, Notice, Row, Section, Table, Text
from detector.report.kit.words import decimal, listed, whole_percent
from detector.report.run.mistakes import biggest_losses
from detector.report.run.record import RunRecord, left_out

FEW_TRUTHS = 50
"""Below it a class's numbers move by several hundredths with a handful of objects."""

_SCORES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)

_CLASS_MEASURES = ("AP", "AP50", "AP75", "AR100")

_MEASURES = (
    ("AP", "AP, mean over IoU 0.5 to 0.95"),
    ("AP50", "AP50, at IoU 0.5"),
    ("AP75", "AP75, at IoU 0.75"),
    ("AR100", "AR100, recall over IoU 0.5 to 0.95"),
    ("MR-2", "MR^-2, miss rate (less is better)"),
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
    explained = (
        "AP is between 0 and 1. On objects of a few pixels a box that is one pixel off already misses the "
        "higher overlaps, so AP50 says better whether objects are found at all, and AP how well they are "
        "boxed."
    )
    table = Table(("measure", record.split), rows)
    return Section("In short", (*problems, *_verdict(numbers), table, Text(explained)))


def _verdict(numbers: Mapping[str, Any]) -> tuple[Notice, ...]:
    """What a user wants to hear first: how good, from which score on, what is worst."""
    notices: list[Notice] = []
    best = (numbers.get("thresholds") or {}).get("overall")
    if best is not None and best["f1"] > 0:
        text = (
            f"it finds {whole_percent(best['recall'])} of the objects, and "
            f"{whole_percent(best['precision'])} of what it reports is right (F1 {decimal(best['f1'])})."
        )
        hint = f"Use it so: thermal-detector predict confidence={best['score']:.2f}"
        notices.append(Notice("good", f"From score {best['score']:.2f} on", text, hint))
    elif best is not None:
        notices.append(Notice("error", "Nothing was found", "No detection found an object at IoU 0.5."))
    losses = biggest_losses(numbers)
    if losses is not None:
        notices.append(losses)
    own = {name: values for name, values in numbers["per_class"].items() if values["AP50"] is not None}
    if len(own) > 1:
        worst = min(own, key=lambda name: own[name]["AP50"])
        top = max(own, key=lambda name: own[name]["AP50"])
        text = (
            f"{worst} (AP50 {decimal(own[worst]['AP50'])}, {own[worst]['truths']} objects); "
            f"strongest: {top} (AP50 {decimal(own[top]['AP50'])}, {own[top]['truths']} objects)."
        )
        notices.append(Notice("note", "Weakest class", text))
    return tuple(notices)


def classes(record: RunRecord) -> Section:
    """A row for each class and one for all."""
    title = "Classes"
    if not record.numbers:
        return left_out(title, "The run was not judged.")
    numbers = record.numbers
    points = numbers.get("thresholds") or {"overall": None, "per_class": {}}
    header = ("class", "objects", *_CLASS_MEASURES, "best F1", "from score", "precision", "recall")
    rows = [
        _class_row(name, own, points["per_class"].get(name)) for name, own in numbers["per_class"].items()
    ]
    rows.append(_class_row("all", numbers, points["overall"]))
    text = (
        "Precision and recall are those at the score of best F1, each class at its own. "
        "A class far below the others wants more training objects, or to be merged with the one it is "
        "taken for."
    )
    blocks: list[Block] = [Table(header, tuple(rows)), Text(text)]
    few = [
        f"{name} ({own['truths']})"
        for name, own in numbers["per_class"].items()
        if 0 < own["truths"] < FEW_TRUTHS
    ]
    if few:
        text = f"{listed(few)}: numbers of so few objects are rough; don't decide by them."
        blocks.append(Notice("note", "Few objects", text))
    absent = [name for name, own in numbers["per_class"].items() if own["truths"] == 0]
    if absent:
        blocks.append(Notice("note", "No objects", f"{listed(absent)}: nothing to measure in this split."))
    return Section(title, tuple(blocks))


def _class_row(name: str, own: Mapping[str, Any], point: Mapping[str, float] | None) -> tuple[str, ...]:
    metrics = (decimal(own[metric]) for metric in _CLASS_MEASURES)
    if point is None:
        return (name, str(own["truths"]), *metrics, *(decimal(None),) * 4)
    kept = (decimal(point["f1"]), decimal(point["score"], 2))
    shares = (whole_percent(point[key]) for key in ("precision", "recall"))
    return (name, str(own["truths"]), *metrics, *kept, *shares)


def score_threshold(record: RunRecord) -> Section:
    """Which score to keep detections from, and what more or less of it would mean."""
    title = "Score threshold"
    if record.evaluated is None:
        return left_out(title, "Curves need the truth and the predictions.")
    metrics = record.evaluated.metrics
    best = metrics.diagnosis.thresholds.overall.best
    if best is None:
        return left_out(title, "The split has no objects.")
    text = (
        f"F1, the balance of precision and recall, is best from score {best.score:.2f} on. Take a higher "
        "score where false alarms are the trouble, a lower one where misses are. The best was chosen on "
        f"this very split ({record.split}), so on others expect a little less."
    )
    figures = (
        Drawing(precision_recall_figure(metrics), "precision against recall of each class"),
        Drawing(f1_figure(metrics), "F1 against the score threshold", "Dashed: the best of all."),
    )
    points = _operating_points(metrics.diagnosis.outcomes, best)
    return Section(title, (Text(text), points, Row(figures), _more(metrics)))


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


def _more(metrics: Metrics) -> Text:
    left = sum(count > 0 for count in metrics.truths.values()) - LINES
    rest = f" The figures show the {LINES} most frequent classes." if left > 0 else ""
    return Text(
        "A curve that stays high far to the right is good; where it drops, further objects are only found "
        "at the price of many false alarms. A flat F1 forgives a threshold that is not quite right." + rest
    )

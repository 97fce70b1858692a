"""What kinds of mistakes cost most, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from detector.charts.evaluation import KIND_WORDS, kinds_by_cost, tide_figure
from detector.evaluation.errors.confusion import most_confused
from detector.evaluation.errors.stacked import KINDS as STACKED
from detector.evaluation.errors.stacked import stacked
from detector.evaluation.worst import worst
from detector.report.kit.page import Block, Drawing, Notice, Row, Section, Table, Text
from detector.report.kit.words import decimal, listed
from detector.report.run.record import RunRecord, left_out

WORTH_NAMING = 0.005
"""AP below which mending a kind of mistake would not be noticed."""

_ADVICE = {
    "background": "Unlabelled objects among the worst below? Label them; else add frames like these.",
    "classification": "Merge classes that look alike (data.remap), or label more of the rare one.",
    "localisation": "Check that labels are drawn to the pixel; small objects keep some of this.",
    "missed": "Add frames like the worst misses below, or more pixels.",
    "duplicate": "Lower postprocess.suppression.iou_threshold.",
    "both": "Mostly goes as the other kinds do.",
}


def biggest_losses(numbers: Mapping[str, Any]) -> Notice | None:
    """Which kinds of mistakes cost most AP, and what to do about the first; None where none does."""
    tide = numbers.get("tide")
    if not tide or tide["AP"] is None:
        return None
    gains = tide["dAP"]
    worst = [kind for kind in kinds_by_cost(tide) if gains[kind] >= WORTH_NAMING][:3]
    if not worst:
        return None
    named = ", ".join([f"{KIND_WORDS[kind]} ({decimal(gains[kind])})" for kind in worst])
    return Notice("note", "AP50 to gain", f"{named}.", _ADVICE[worst[0]])


def mistakes(record: RunRecord) -> Section:
    """TIDE's kinds of mistakes, then the confusion matrix."""
    title = "Kinds of mistakes"
    tide, confusion = record.numbers.get("tide"), record.numbers.get("confusion")
    if not tide or not confusion:
        return left_out(title, "The run's metrics.json does not tell, and it cannot be measured again.")
    if tide["AP"] is None:
        return left_out(title, "The split has no objects.")
    drawing = Drawing(tide_figure(tide), "bars: AP50 gained by mending each kind of mistake (TIDE)")
    side_by_side = Row((_kinds_table(tide), drawing))
    return Section(title, (side_by_side, *_stacked(record), *_confusion(confusion)))


def _stacked(record: RunRecord) -> Iterator[Block]:
    """How many reports are second boxes on an object."""
    if record.evaluated is None or record.headline is None:
        return
    found = stacked(record.evaluated.metrics.diagnosis.mistakes, limits=record.headline.limits)
    counts = dict(zip(STACKED, np.bincount(found.kinds, minlength=len(STACKED)).tolist(), strict=True))
    if not len(found.kinds):
        return
    hints = [
        ("another class", "postprocess.class_aware=false leaves one"),
        ("same class", "a lower postprocess.suppression.iou_threshold leaves one"),
    ]
    hint = "; ".join(f"{name}: {text}" for name, text in hints if counts[name])
    named = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    yield Notice("note", "Several boxes on one object", f"{named}.", hint)


def _kinds_table(tide: Mapping[str, Any]) -> Table:
    kinds = kinds_by_cost(tide)
    # The most mistakes first, where there are many classes.
    names = worst({name: -sum(own[kind] for kind in kinds) for name, own in tide["per_class"].items()})
    rows = [
        (
            KIND_WORDS[kind],
            str(tide["counts"][kind]),
            *(str(tide["per_class"][name][kind]) for name in names),
        )
        for kind in kinds
    ]
    return Table(("kind, at any score", "all", *names), tuple(rows))


def _confusion(confusion: Mapping[str, Any]) -> tuple[Block, ...]:
    names, matrix = most_confused(confusion["names"], np.array(confusion["matrix"]))
    classes = names[:-1]  # the last is background
    rows = [(name, *map(str, cells)) for name, cells in zip(classes, matrix[:-1].tolist(), strict=True)]
    rows.append(("nothing", *map(str, matrix[-1, :-1].tolist()), ""))
    caption = f"Truth by row, report by column, from score {confusion['least_score']:.2f} on."
    table = Table(("truth", *classes, "not found"), tuple(rows), caption)
    inner = matrix[:-1, :-1] * (1 - np.eye(len(classes), dtype=int))
    pairs = np.argsort(-inner, axis=None, kind="stable")[:3]
    named = [
        f"{classes[row]} as {classes[column]} ({inner[row, column]})"
        for row, column in zip(*np.unravel_index(pairs, inner.shape), strict=True)
        if inner[row, column]
    ]
    return (table, Text(f"Most often confused: {listed(named)}.")) if named else (table,)

"""What kinds of mistakes cost most, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector.charts.evaluation import kinds_by_cost, tide_figure
from detector.report.kit.page import Block, Drawing, Facts, Notice, Row, Section, Table, Text
from detector.report.kit.words import decimal, listed
from detector.report.run.record import RunRecord, left_out

WORTH_NAMING = 0.005
"""AP below which mending a kind of mistake would not be noticed."""

KIND_WORDS = {
    "background": "false alarms where nothing is",
    "classification": "the right place with the wrong class",
    "localisation": "boxes that fit too badly",
    "missed": "objects not found at all",
    "duplicate": "objects reported twice",
    "both": "wrong class and badly placed",
}
"""TIDE's kinds as a reader may know them."""

_ADVICE = {
    "background": "Look at the worst below. Are they objects that nobody annotated? Then mend the "
    "annotations; else show the detector more frames like these.",
    "classification": "See below which class is taken for which: classes that look alike at this "
    "resolution are better merged (data.remap), a rare one needs more objects.",
    "localisation": "Are the annotations themselves drawn to the pixel? On objects of a few pixels this "
    "error never goes away entirely; a larger frame or more weight on the box loss helps.",
    "missed": "Look at the worst misses below: too small, too little contrast, or at the border? More "
    "frames like these help, and frames of more pixels.",
    "duplicate": "Remove doubles more strictly: a lower postprocess.suppression.iou_threshold.",
    "both": "These are found where something is; they mostly go away as the other kinds do.",
}


def biggest_losses(numbers: Mapping[str, Any]) -> Notice | None:
    """Which kinds of mistakes cost most AP, and what to do about the first; None where it is not known."""
    tide = numbers.get("tide")
    if not tide or tide["AP"] is None:
        return None
    gains = tide["dAP"]
    worst = [kind for kind in kinds_by_cost(tide) if gains[kind] >= WORTH_NAMING][:3]
    if not worst:
        return Notice("good", "No kind of mistake costs much", "None is worth half a hundredth of AP50.")
    named = listed([f"{KIND_WORDS[kind]} ({decimal(gains[kind])})" for kind in worst])
    false, unfound = tide["dAP"]["false_positives"], tide["dAP"]["false_negatives"]
    more, less = "Wrong detections", "objects not found"
    if unfound > false:
        more, less = less.capitalize(), more.lower()
    costs = f"({decimal(max(false, unfound))} against {decimal(min(false, unfound))})"
    text = f"{named}. {more} cost more than {less} {costs}."
    return Notice("note", "Most AP50 is lost by", text, _ADVICE[worst[0]])


def mistakes(record: RunRecord) -> Section:
    """TIDE's kinds of mistakes, then the confusion matrix."""
    title = "Kinds of mistakes"
    tide, confusion = record.numbers.get("tide"), record.numbers.get("confusion")
    if not tide or not confusion:
        return left_out(title, "The run's metrics.json does not tell, and it cannot be measured again.")
    if tide["AP"] is None:
        return left_out(title, "The split has no objects.")
    text = (
        "The bar is what AP50 would gain if that kind of mistake were mended (TIDE). Each kind is mended "
        "alone, so they do not add up. Work on the longest bar first."
    )
    drawing = Drawing(tide_figure(tide), "bars: AP50 gained by mending each kind of mistake")
    side_by_side = Row((_kinds_table(tide), drawing))
    return Section(
        title, (Text(text), Facts(tuple(KIND_WORDS.items())), side_by_side, *_confusion(confusion))
    )


def _kinds_table(tide: Mapping[str, Any]) -> Table:
    kinds = kinds_by_cost(tide)
    names = list(tide["per_class"])
    rows = [
        (
            kind,
            str(tide["counts"][kind]),
            *(str(tide["per_class"][name][kind]) for name in names),
        )
        for kind in kinds
    ]
    caption = "How many mistakes of each kind, at every score, however low."
    return Table(("kind", "all", *names), tuple(rows), caption)


def _confusion(confusion: Mapping[str, Any]) -> tuple[Block, ...]:
    classes = confusion["names"][:-1]  # the last is background
    matrix = np.array(confusion["matrix"])
    rows = [(name, *map(str, cells)) for name, cells in zip(classes, matrix[:-1].tolist(), strict=True)]
    rows.append(("nothing", *map(str, matrix[-1, :-1].tolist()), ""))
    caption = (
        f"Truth by row, what it was reported as by column, from score {confusion['least_score']:.2f} on. "
        "Last row: false alarms; last column: objects not found."
    )
    table = Table(("truth", *classes, "not found"), tuple(rows), caption)
    inner = matrix[:-1, :-1] * (1 - np.eye(len(classes), dtype=int))
    if not inner.any():
        return (table, Text("No class is taken for another."))
    pairs = np.argsort(-inner, axis=None, kind="stable")[:3]
    named = [
        f"{classes[row]} as {classes[column]} ({inner[row, column]})"
        for row, column in zip(*np.unravel_index(pairs, inner.shape), strict=True)
        if inner[row, column]
    ]
    return (table, Text(f"Most often confused: {listed(named)}."))

"""Tables of every class and of what is taken for what, for sets of more classes than a page can show."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from detector.evaluation.coco import NAMES, Metrics
from detector.evaluation.worst import CLASSES, MOST

CONFUSION = "confusion.csv"


def write_tables(metrics: Metrics, folder: Path) -> None:
    """classes.csv, a row for each class, and confusion.csv, truth by row, where there are more than MOST."""
    if len(metrics.per_class) <= MOST:
        return
    rows: list[list[object]] = [["class", "truths", *NAMES]]
    for name, values in metrics.per_class.items():
        rows.append([name, metrics.truths[name], *(_rounded(values[metric]) for metric in NAMES)])
    write_rows(folder / CLASSES, rows)
    found = metrics.diagnosis.confusion
    table = zip(found.names, found.matrix.tolist(), strict=True)
    write_rows(folder / CONFUSION, [["truth", *found.names], *([name, *counts] for name, counts in table)])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def write_rows(file: Path, rows: Iterable[Sequence[object]]) -> None:
    """As CSV."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(rows)

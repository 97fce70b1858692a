"""Results by size and by overlap: which objects the detector does not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from detector.charts import plots
from detector.evaluation.uncertainty.interval import of_share
from detector.report.kit.page import Block, Drawing, Notice, Row, Section, Table, Text
from detector.report.kit.words import decimal, whole_percent
from detector.report.run.record import RunRecord, left_out

_NAMES = ("AP", "AP50", "AR100", "R50")

_NO_TRUTH = "The split has no objects."
_UNKNOWN = "The run's metrics.json does not tell, and it cannot be measured again."


def sizes(record: RunRecord) -> Section:
    """AP and recall by the objects' size."""
    title = "Small and large objects"
    bins = record.numbers.get("sizes")
    if not bins or not record.numbers["truths"]:
        return left_out(title, _NO_TRUTH if bins else _UNKNOWN)
    text = "Size: root of the box's area. R50: share found at any score."
    hint = "More pixels help small objects most: a longer lens, a nearer camera, enlarged frames."
    results = Row((_table("size (pixels)", bins), _figure(bins, "by size in pixels")))
    return Section(title, (Text(text), *_weakest("size", bins, unit=" pixels", hint=hint), results))


def overlaps(record: RunRecord) -> Section:
    """AP and recall by how much the objects overlap each other."""
    title = "Objects that overlap"
    numbers = record.numbers
    bins = numbers.get("overlap")
    if not bins or not numbers["truths"]:
        return left_out(title, _NO_TRUTH if bins else _UNKNOWN)
    own = {name: values for name, values in bins.items() if name != "all"}
    text = "Overlap: an object's largest IoU with another of its frame."
    hint = "Lost to suppression? thermal-detector compare_suppression tells."
    results = Row((_table("overlap (IoU)", own), _figure(own, "by overlap with others")))
    return Section(title, (Text(text), *_weakest("overlap", own, hint=hint), results, *_crowds(numbers)))


def _crowds(numbers: Mapping[str, Any]) -> Iterator[Block]:
    crowd = numbers.get("crowd_recall")
    if crowd is not None:
        yield Text(f"Found of those that clearly overlap another: {whole_percent(crowd)}.")


def _table(title: str, bins: Mapping[str, Any]) -> Table:
    rows = [
        (name, str(values["truths"]), *(decimal(values[metric]) for metric in _NAMES))
        for name, values in bins.items()
    ]
    return Table((title, "objects", *_NAMES), tuple(rows))


def _figure(bins: Mapping[str, Any], what: str) -> Drawing:
    measured = {name: values for name, values in bins.items() if values["truths"]}
    series = {
        metric: np.array([np.nan if own[metric] is None else own[metric] for own in measured.values()])
        for metric in ("AP50", "R50")
    }
    figure = plots.bars(list(measured), series, title=what, x_label="0 to 1, more is better", digits=2)
    return Drawing(figure, f"bars: AP50 and recall {what}")


def _weakest(what: str, bins: Mapping[str, Any], *, unit: str = "", hint: str = "") -> Iterator[Notice]:
    """Names the bin that is surely behind the best: an AP50 is no surer than a share of as many objects."""
    sure = {
        name: of_share(values["AP50"] * values["truths"], values["truths"])
        for name, values in bins.items()
        if values["truths"]
    }
    worst = min(sure, key=lambda name: sure[name].high, default="")
    best = max(sure, key=lambda name: sure[name].low, default="")
    if worst != best and sure[worst].high < sure[best].low:
        how = f"AP50 {decimal(bins[worst]['AP50'])}, against {decimal(bins[best]['AP50'])} of {best}."
        yield Notice("note", f"Weakest {what}", f"{worst}{unit}: {how}", hint)

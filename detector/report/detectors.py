"""Detectors side by side: which is better, by how much, and whether it is more than luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detector.charts import plots
from detector.evaluation.metrics.bins import Value
from detector.evaluation.uncertainty.bootstrap import LESS_IS_BETTER
from detector.evaluation.uncertainty.interval import Interval
from detector.evaluation.uncertainty.paired import BY_CLASS, Comparison, Line, cells
from detector.report.kit.page import Block, Drawing, Notice, Page, Row, Section, Table, Text
from detector.report.kit.words import NONE, decimal, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VERDICTS = ("unclear", "worse", "better")
_HEADER = ("truths", "difference", "95 % interval", "better in", "")


def detectors_page(comparison: Comparison, *, split: str) -> Page:
    """The whole page."""
    first, *others = comparison.names
    lead = (
        f"Judged on the {split} split, {comparison.images} frames, the same for all. "
        f"{listed(others)} compared with {first}."
    )
    sections = (_short(comparison), *(_against(comparison, name) for name in others), _reading())
    return Page(" and ".join(comparison.names), lead, sections)


def _short(comparison: Comparison) -> Section:
    draws = comparison.draws
    blocks: list[Block] = [_verdict(comparison, name) for name in comparison.names[1:]]
    if draws.caution:
        blocks.append(Notice("warning", "Caution", f"{draws.caution}."))
    blocks.append(Text(f"{draws.weights.shape[1]} resamples: {draws.reason}."))
    rows = []
    for metric in comparison.metrics[comparison.names[0]]:
        own = (
            _with_interval(comparison.value(name, metric), comparison.interval(name, metric))
            for name in comparison.names
        )
        rows.append((_title(metric), *own))
    caption = "On the frames as they are, and in brackets where 95 % of the resamples lie."
    blocks.append(Table(("", *comparison.names), tuple(rows), caption))
    return Section("In short", tuple(blocks))


def _verdict(comparison: Comparison, name: str) -> Notice:
    apart, text = comparison.difference(name, "AP"), f"{comparison.verdict(name)}."
    if apart is None or not apart.told_apart:
        return Notice("note", "Unclear", text)
    return Notice("good" if apart.verdict == "better" else "warning", apart.verdict.capitalize(), text)


def _against(comparison: Comparison, name: str) -> Section:
    first = comparison.names[0]
    lines = list(comparison.lines(name))
    overall = len(comparison.metrics[first])
    figures = tuple(
        Drawing(_figure(chosen, title), f"differences of {name} to {first}, {title}, with intervals")
        for chosen, title in (
            (lines[:overall], "all classes"),
            (lines[overall :: len(BY_CLASS)], "AP by class"),
        )
    )
    rows = []
    for line in lines:
        title, truths, one, other, *rest = cells(line)
        rows.append((title, one, other, truths, *rest))
    left_out = comparison.left_out
    caption = f"{left_out[:1].upper()}{left_out[1:]}"
    table = Table(("", first, name, *_HEADER), tuple(rows), caption)
    return Section(f"{name} against {first}", (Row(figures), table))


def _figure(lines: Sequence[Line], title: str) -> Figure:
    series = {verdict: np.full((len(lines), 3), np.nan) for verdict in _VERDICTS}
    for place, line in enumerate(lines):
        apart = line.difference
        if apart is not None:
            series[apart.verdict][place] = apart.interval.low, apart.value, apart.interval.high
    names = [line.title for line in lines]
    return plots.intervals(names, series, title=title, x_label="difference")


def _reading() -> Section:
    text = (
        "The frames of a split are a sample. Each resample draws as many of them again, some twice, some not "
        "at all, and all detectors are measured on it: how far their difference moves from resample to "
        "resample is how far another sample might have moved it. An interval without 0 is a difference; one "
        "with 0 is unclear, which is not the same as equal: more frames may tell. Of twenty intervals one is "
        "wrong by its nature, so judge by the measure you chose before you looked, and take single classes "
        "and bins for hints. A row of few truths says little whatever its interval. What training itself "
        "owes to luck is not in these intervals: train twice with another seed to see it."
    )
    return Section("How to read this", (Text(text),))


def _title(metric: str) -> str:
    return f"{metric} (less is better)" if metric in LESS_IS_BETTER else metric


def _with_interval(value: Value, interval: Interval | None) -> str:
    if value is None or interval is None:
        return NONE
    return f"{decimal(value)} ({decimal(interval.low)} to {decimal(interval.high)})"

"""Several detectors on the same images: how far apart they are, and whether that is more than luck.

Every detector is measured on the same resamples of the images, so what makes a resample hard is hard for all,
and cancels in the difference of two. Its spread over the resamples is what the choice of images makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import product
from typing import Any

import numpy as np

from detector.data.annotations import Annotations
from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Bins, Value, shown
from detector.evaluation.predictions import Entry
from detector.evaluation.uncertainty.bootstrap import LESS_IS_BETTER, Metric, weighted_metrics
from detector.evaluation.uncertainty.interval import Interval, middle
from detector.evaluation.uncertainty.resampling import Draws
from detector.evaluation.worst import CLASSES, MOST

BY_CLASS = ("AP", "AP50", "AP75", "MR-2", "JI")
"""What tables tell of each class; `Comparison.to_dict` tells all."""


@dataclass(frozen=True)
class Difference:
    """Of a detector to the first, in a metric: above 0 its value is larger.

    value: on the images as they are. mean, interval: over the resamples.
    better: share of the resamples in which it is the better of the two; of equals half.
    """

    value: float
    mean: float
    interval: Interval
    better: float

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval.low > 0 or self.interval.high < 0

    @property
    def verdict(self) -> str:
        """better, worse, or unclear where the interval holds 0."""
        return "unclear" if not self.told_apart else "better" if self.better > 0.5 else "worse"


@dataclass(frozen=True)
class Line:
    """One metric of the first detector and another. title: with its class, if any. truths: measured on.

    first, other, difference: None where there is no truth.
    """

    title: str
    truths: int
    first: Value
    other: Value
    difference: Difference | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """metrics: of each detector by its name, the first of which the others are compared with.

    Of S + 1 weightings the first is the images as they are, the others are the resamples of `draws`.
    """

    metrics: Mapping[str, Mapping[str, Metric]]
    classes: tuple[str, ...]
    images: int
    draws: Draws

    @property
    def names(self) -> tuple[str, ...]:
        """Of the detectors."""
        return tuple(self.metrics)

    def value(self, name: str, metric: str, label: int | None = None) -> Value:
        """On the images as they are; of one class, or the mean over those with truth."""
        return _plain(self._row(name, metric, label)[0])

    def interval(self, name: str, metric: str, label: int | None = None) -> Interval | None:
        """Of the value itself. Two that overlap say nothing: see `difference`."""
        row = self._row(name, metric, label)
        return None if np.isnan(row[0]) else middle(row[1:])

    def difference(self, name: str, metric: str, label: int | None = None) -> Difference | None:
        """To the first detector. Resamples without truth to measure on are left out."""
        apart = self._row(name, metric, label) - self._row(self.names[0], metric, label)
        drawn = apart[1:][~np.isnan(apart[1:])]
        interval = middle(drawn)
        if np.isnan(apart[0]) or interval is None:
            return None
        gain = -drawn if metric in LESS_IS_BETTER else drawn
        return Difference(
            value=float(apart[0]),
            mean=float(drawn.mean()),
            interval=interval,
            better=float((gain > 0).mean() + (gain == 0).mean() / 2),
        )

    def lines(self, name: str) -> Iterator[Line]:
        """What a table tells of a detector beside the first: each metric, then BY_CLASS of each class.

        Of more than MOST classes those whose AP differs most; `class_rows` has all.
        """
        first = self.metrics[self.names[0]]
        for metric, own in first.items():
            yield self._line(name, metric, title=metric, truths=int(own.truths.sum()))
        for label in self._most_apart(name):
            for metric in BY_CLASS:
                truths = int(first[metric].truths[label])
                title = f"{self.classes[label]} {metric}"
                yield self._line(name, metric, title=title, truths=truths, label=label)

    def class_rows(self) -> Iterator[tuple[object, ...]]:
        """BY_CLASS of each class and detector but the first, under a header; None without truth."""
        first = self.names[0]
        yield ("detector", "class", "metric", "truths", "first", "own", "difference", "low", "high", "better")
        for name, label, metric in product(self.names[1:], range(len(self.classes)), BY_CLASS):
            apart = self.difference(name, metric, label)
            told = (None,) * 4 if apart is None else (apart.value, *astuple(apart.interval), apart.better)
            values = *(self.value(one, metric, label) for one in (first, name)), *told
            rounded = (None if value is None else round(value, 4) for value in values)
            yield name, self.classes[label], metric, int(self.metrics[first][metric].truths[label]), *rounded

    @property
    def left_out(self) -> str:
        """A line below a table of `lines`; empty where it tells all classes."""
        count = len(self.classes)
        return "" if count <= MOST else f"of {count} classes those whose AP differs most; all: {CLASSES}"

    def _most_apart(self, name: str) -> list[int]:
        """Labels: all, or of more than MOST those with truth whose AP differs most, the most apart first."""
        count = len(self.classes)
        if count <= MOST:
            return list(range(count))
        of_both = (self.metrics[one]["AP"].per_class[:, 0] for one in (self.names[0], name))
        apart = np.abs(np.subtract(*of_both))
        return [label for label in np.argsort(-apart, kind="stable")[:MOST].tolist() if apart[label] >= 0]

    def verdict(self, name: str) -> str:
        """A sentence: whether a detector is better than the first, by AP."""
        first, apart = self.names[0], self.difference(name, "AP")
        if apart is None:
            return f"{name} and {first} cannot be compared: there is no truth"
        numbers = f"AP {apart.value:+.4f}, 95 % interval {between(apart.interval)}"
        if not apart.told_apart:
            return f"{name} and {first} cannot be told apart: {numbers}"
        return f"{name} is {apart.verdict} than {first}: {numbers}"

    def table(self) -> str:
        """Plain text: for each detector but the first, a line for each metric."""
        blocks = []
        for name in self.names[1:]:
            header = ("", "truths", self.names[0], name, "difference", "95 % interval", "better in", "")
            rows = [header, *(cells(line) for line in self.lines(name))]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines = ("  ".join(_padded(row, widths)).rstrip() for row in rows)
            rest = [self.left_out] if self.left_out else []
            blocks.append("\n".join((*lines, *rest, self.verdict(name))))
        return "\n\n".join(blocks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for compare.json; None where there is no truth."""
        resamples = self.draws.weights.shape[1]
        return {
            "images": self.images,
            "resamples": {"count": resamples, "unit": self.draws.unit, "caution": self.draws.caution},
            "first": self.names[0],
            "detectors": {
                name: {
                    **self._plain_metrics(name, None),
                    "per_class": {
                        title: self._plain_metrics(name, label) for label, title in enumerate(self.classes)
                    },
                }
                for name in self.names
            },
        }

    def _row(self, name: str, metric: str, label: int | None) -> np.ndarray:
        """[S + 1]"""
        own = self.metrics[name][metric]
        return own.overall if label is None else own.per_class[label]

    def _line(self, name: str, metric: str, *, title: str, truths: int, label: int | None = None) -> Line:
        return Line(
            title=f"{title} (less is better)" if metric in LESS_IS_BETTER else title,
            truths=truths,
            first=self.value(self.names[0], metric, label),
            other=self.value(name, metric, label),
            difference=self.difference(name, metric, label),
        )

    def _plain_metrics(self, name: str, label: int | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for metric in self.metrics[name]:
            interval = self.interval(name, metric, label)
            found[metric] = {
                "value": self.value(name, metric, label),
                "interval": asdict(interval) if interval else None,
            }
            if name != self.names[0]:
                apart = self.difference(name, metric, label)
                found[metric]["difference"] = {**asdict(apart), "verdict": apart.verdict} if apart else None
        return found


def compare(
    annotations: Annotations,
    predictions: Mapping[str, Sequence[Entry]],
    *,
    draws: Draws,
    bins: Bins,
) -> Comparison:
    """Measure each detector's predictions, entries of a COCO results file, on the same resamples."""
    count = len(annotations.records)
    weights = np.concatenate((np.ones((count, 1), dtype=np.int64), draws.weights), axis=1)
    return Comparison(
        metrics={
            name: weighted_metrics(pool(annotations, entries), weights=weights, bins=bins)
            for name, entries in predictions.items()
        },
        classes=annotations.classes,
        images=count,
        draws=draws,
    )


def cells(line: Line) -> tuple[str, ...]:
    """Of a table: title, truths, first, other, difference, interval, better in, verdict; dashes for None."""
    known = (line.title, str(line.truths), shown(line.first), shown(line.other))
    apart = line.difference
    if apart is None:
        return (*known, "-", "-", "-", "")
    return (
        *known,
        f"{apart.value:+.4f}",
        between(apart.interval),
        f"{100 * apart.better:.1f} %",
        apart.verdict,
    )


def between(interval: Interval) -> str:
    """'+0.0021 to +0.0203'."""
    return f"{interval.low:+.4f} to {interval.high:+.4f}"


def _plain(value: float) -> Value:
    return None if np.isnan(value) else float(value)


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Names to the left, numbers to the right."""
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if place in (0, len(row) - 1) else cell.rjust(width)

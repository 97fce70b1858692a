"""What a detector does at the thresholds it is used with, and how sure that is.

The frames of a split are a sample; each value has the interval in which it may lie on other frames. It is
drawn from whole recordings where all are known and there are at least HANDFUL, else from single frames, and
where there are fewer than LEAST_FRAMES nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.evaluation.matching import Pool, match
from detector.evaluation.uncertainty.bootstrap import weighted_ap
from detector.evaluation.uncertainty.interval import Interval, middle, of_count, of_share
from detector.evaluation.uncertainty.resampling import draw

HANDFUL = 5
"""Recordings from which whole ones are drawn."""

ENOUGH = 10
"""Recordings from which their intervals hold (docs/comparing.md)."""

LEAST_FRAMES = 20
"""Of fewer an interval would be made up."""

RESAMPLES = 500

GOOD_FROM = 0.5
"""What a detector called good finds of the objects, and what of its reports is right, at least."""

NOTHING_BELOW = 0.1
"""AP50 of a detector that learned next to nothing."""

Verdict = Literal["failed", "unknown", "good", "fair"]


@dataclass(frozen=True)
class Estimate:
    """value: on the frames as they are, None where nothing is there to measure. low, high: its 95 % interval,
    None where it is not known."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """found: share of the objects. right: share of the reports. false_alarms: a frame. All at a threshold."""

    AP: Estimate
    AP50: Estimate
    found: Estimate
    right: Estimate
    false_alarms: Estimate


@dataclass(frozen=True, kw_only=True)
class Headline:
    """thresholds: the score of each class from which a detection counts. chosen_here: on these very frames;
    None where nobody knows.

    drawn: what the intervals were drawn from, recordings or images; None where there are none. caution: what
    they are not good for. frames_per_second: of the camera, None where nobody knows.
    """

    frames: int
    thresholds: dict[str, float]
    chosen_here: bool | None
    drawn: str | None
    caution: str
    frames_per_second: float | None
    overall: Figures
    per_class: dict[str, Figures]

    @property
    def verdict(self) -> Verdict:
        """failed: AP50 is near 0. good: even the low ends of `found` and `right` reach GOOD_FROM, and the
        thresholds were not chosen on these frames."""
        figures = self.overall
        if figures.AP50.value is not None and figures.AP50.value < NOTHING_BELOW:
            return "failed"
        if figures.found.low is None:
            return "unknown"
        # Nothing is reported, so nothing is right.
        surely = min(figures.found.low, figures.right.low or 0.0) >= GOOD_FROM and not self.chosen_here
        return "good" if surely else "fair"

    @property
    def limits(self) -> np.ndarray:
        """[K] float32, as scores are: the thresholds in the order of the classes."""
        return np.array(list(self.thresholds.values()), dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json."""
        return {"verdict": self.verdict, **asdict(self)}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Headline:
        """Of `to_dict`. Raises KeyError, TypeError, ValueError or AttributeError for what is none."""
        own = {key: plain[key] for key in cls.__dataclass_fields__}
        own["thresholds"] = {name: float(score) for name, score in plain["thresholds"].items()}
        own["frames_per_second"] = _number(plain["frames_per_second"])
        own["per_class"] = {name: _figures(values) for name, values in plain["per_class"].items()}
        return cls(**{**own, "overall": _figures(plain["overall"])})


def headline(
    annotations: Annotations,
    pool: Pool,
    *,
    thresholds: Mapping[str, float],
    chosen_here: bool | None,
    frames_per_second: float | None = None,
) -> Headline:
    """Measure a split at a threshold for each class; pool: its truth and the predictions.

    chosen_here: whether the thresholds were chosen on this split.
    """
    classes = annotations.classes
    weights, units, drawn, caution = _weights(annotations.records)
    limits = np.array([thresholds[name] for name in classes])
    sums = _counts(pool, limits) @ weights
    ap = weighted_ap(pool, weights=weights)
    frames = weights.sum(axis=0)

    def figures(hits: np.ndarray, false: np.ndarray, truths: np.ndarray, *aps: np.ndarray) -> Figures:
        """All [1 + S]: as the frames are, then resampled."""
        # An AP is no surer than a share of as many objects.
        least = [of_share(np.nan_to_num(values[0]) * truths[0], truths[0]) for values in aps]
        average, at_half = (_estimate(*pair, units=units) for pair in zip(aps, least, strict=True))
        alarms = of_count(false[0])
        return Figures(
            AP=average,
            AP50=at_half,
            found=_estimate(_ratio(hits, truths), of_share(hits[0], truths[0]), units=units),
            right=_estimate(_ratio(hits, hits + false), of_share(hits[0], hits[0] + false[0]), units=units),
            false_alarms=_estimate(
                false / frames, Interval(alarms.low / pool.images, alarms.high / pool.images), units=units
            ),
        )

    return Headline(
        frames=pool.images,
        thresholds=dict(thresholds),
        chosen_here=chosen_here,
        drawn=drawn,
        caution=caution,
        frames_per_second=frames_per_second,
        overall=figures(*sums.sum(axis=1), ap["AP"].overall, ap["AP50"].overall),
        per_class={
            name: figures(*sums[:, k], ap["AP"].per_class[k], ap["AP50"].per_class[k])
            for k, name in enumerate(classes)
        },
    )


def _weights(records: Sequence[ImageRecord]) -> tuple[np.ndarray, int, str | None, str]:
    """[I, 1 + S] how often each frame counts, first once each; from how many units of what; the caution."""
    once = np.ones((len(records), 1), dtype=np.int32)
    if len(records) < LEAST_FRAMES:
        return once, len(records), None, f"{len(records)} frames are too few to tell of others"
    named = {record.sequence for record in records}
    whole = None not in named and len(named) >= HANDFUL
    units, unit = (len(named), "recordings") if whole else (len(records), "images")
    draws = draw(records, count=RESAMPLES, unit=unit)
    return np.concatenate((once, draws.weights), axis=1), units, unit, _caution(named, whole=whole)


def _caution(named: Set[str | None], *, whole: bool) -> str:
    if whole:
        few = f", only {len(named)}: a little too narrow" if len(named) < ENOUGH else ""
        return f"by recording{few}"
    alike = "too narrow, as frames of one recording resemble each other"
    if None in named:
        return f"by frame, recordings not known: {alike}"
    return f"by frame, from only {len(named)} recording{'s' if len(named) > 1 else ''}: {alike}"


def _counts(pool: Pool, limits: np.ndarray) -> np.ndarray:
    """[3, K, I] hits, false alarms and objects of each class and frame; limits [K]: the least scores."""
    matches, found, truths = match(pool, [0.5]), pool.found, pool.truths
    kept = found.reach(limits) & ~matches.ignored[0]
    hit = matches.truth[0] >= 0
    counts = np.zeros((3, pool.classes, pool.images), dtype=np.int64)
    np.add.at(counts[0], (found.labels[kept & hit], found.images[kept & hit]), 1)
    np.add.at(counts[1], (found.labels[kept & ~hit], found.images[kept & ~hit]), 1)
    np.add.at(counts[2], (truths.labels[~truths.crowd], truths.images[~truths.crowd]), 1)
    return counts


def _estimate(values: np.ndarray, exact: Interval, *, units: int) -> Estimate:
    """values [1 + S]: as they are, then resampled. exact: the interval if all were independent."""
    if np.isnan(values[0]):
        return Estimate(None)
    interval = middle(values[1:], units=units)
    if interval is None:
        return Estimate(float(values[0]))
    return Estimate(float(values[0]), min(interval.low, exact.low), max(interval.high, exact.high))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _figures(plain: Mapping[str, Any]) -> Figures:
    return Figures(
        **{
            name: Estimate(**{key: _number(value) for key, value in own.items()})
            for name, own in plain.items()
        }
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)

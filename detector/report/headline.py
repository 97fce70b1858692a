"""A headline in words, the same on the console and on a run's page."""

from __future__ import annotations

from collections.abc import Mapping

from detector.evaluation.uncertainty.headline import Estimate, Figures, Headline
from detector.evaluation.worst import MOST
from detector.report.kit.words import NONE, decimal, whole_percent

CHOSEN_HERE = "chosen on these frames, so the figures are too optimistic"


def console(told: Headline) -> str:
    """A few lines for the end of an evaluation."""
    lines = [*results(told), *marks(told)]
    if told.verdict == "failed":
        lines.append("why, and what to do next: thermal-detector report")
    return "\n".join((verdict(told), *(f"  {line}" for line in lines)))


def verdict(told: Headline) -> str:
    """One line; nothing is called good by what it scored alone, only by the low ends of the intervals."""
    if told.verdict == "failed":
        return "Failed: next to nothing was learned"
    if told.verdict == "unknown":
        return "Too few frames or objects to say how good it is"
    found, right = whole_percent(told.overall.found.low), whole_percent(told.overall.right.low or 0.0)
    return f"{'Good' if told.verdict == 'good' else 'Not surely good'}: at worst {found} found, {right} right"


def results(told: Headline) -> list[str]:
    """AP, what is found, what is right, false alarms, each with its interval."""
    figures = told.overall
    return [
        f"AP50 {with_interval(figures.AP50)}, AP {with_interval(figures.AP)}",
        f"found {in_percent(figures.found)} of the objects; "
        f"right {in_percent(figures.right)} of what it reports",
        f"{false_alarms(told, figures)} false alarms {per(told)}",
    ]


def marks(told: Headline) -> list[str]:
    """What the results must not be taken for."""
    limits = in_words(told.thresholds)
    unknown = ", perhaps chosen on these frames: the figures would be too optimistic"
    chosen = {True: f", {CHOSEN_HERE}", False: "", None: unknown}
    lines = [f"from score {limits}{chosen[told.chosen_here]}"]
    if told.drawn is None:
        return [*lines, told.caution]
    return [*lines, f"in brackets: 95 % intervals {told.caution}"]


def in_words(thresholds: Mapping[str, float]) -> str:
    """'person 0.31, car 0.40', or of many classes the lowest and the highest."""
    if len(thresholds) > MOST:
        return f"{min(thresholds.values()):.2f} to {max(thresholds.values()):.2f}, each class its own"
    return ", ".join(f"{name} {score:.2f}" for name, score in thresholds.items())


def with_interval(estimate: Estimate) -> str:
    """'0.422 (0.391-0.452)'."""
    between = "" if estimate.low is None else f" ({decimal(estimate.low)}-{decimal(estimate.high)})"
    return decimal(estimate.value) + between


def in_percent(share: Estimate) -> str:
    """'60 % (56-63)'."""
    if share.low is None or share.high is None:
        return whole_percent(share.value)
    return f"{whole_percent(share.value)} ({100 * share.low:.0f}-{100 * share.high:.0f})"


def false_alarms(told: Headline, figures: Figures) -> str:
    """'3,950 (3,610-4,300)', an hour or in 1000 frames: see `per`."""
    rate, factor = figures.false_alarms, 3600 * told.frames_per_second if told.frames_per_second else 1000
    if rate.value is None:
        return NONE
    if rate.low is None or rate.high is None:
        return _count(factor * rate.value)
    return f"{_count(factor * rate.value)} ({_count(factor * rate.low)}-{_count(factor * rate.high)})"


def per(told: Headline) -> str:
    """What `false_alarms` counts for."""
    rate = told.frames_per_second
    return f"an hour at {rate:g} frames a second" if rate else "in 1000 frames"


def _count(value: float) -> str:
    """Three digits that mean something: 0.12, 3.95, 128,000."""
    return f"{float(f'{value:.3g}'):,.10g}"

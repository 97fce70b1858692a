"""The page of a study in Markdown, as GitHub shows it; `study_figure` draws the picture it shows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detector.report.kit.words import NONE, decimal
from detector.tuning.markdown import table
from detector.tuning.results import Results
from detector.tuning.statistics import Difference, Mean, differences, front, less_is_better, means

FIGURE, TABLE = "results.svg", "results.csv"
"""Beside the page, which links to them."""

_PLACES = {"per_class": "", "sizes": "size"}
"""Parts of a metric's name that are shown as other words."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a study asks, and how it goes about it.

    command: the one that runs it. prepare: commands that make the data, each a script's name and overrides.
    base, arms, conditions: overrides of configs/train.yaml. tests: of configs/evaluate.yaml, what every run
    is judged on where it is not its own split; then it has no conditions. folds: 0 where it has none.
    """

    name: str
    question: str
    command: str
    prepare: Sequence[Sequence[str]]
    base: Sequence[str]
    arms: Mapping[str, Sequence[str]]
    conditions: Mapping[str, Sequence[str]]
    tests: Mapping[str, Sequence[str]]
    baseline: str
    seeds: Sequence[int]
    folds: int

    @property
    def places(self) -> tuple[str, ...]:
        """Names of its conditions, or tests, as `Results` has them: "" where it has none."""
        return tuple(self.conditions) or tuple(self.tests) or ("",)

    @property
    def planned(self) -> int:
        """How many runs it has in all."""
        return len(self.arms) * max(1, len(self.conditions)) * len(self.seeds) * (self.folds or 1)


def page(study: Study, results: Results, *, device: str, versions: Mapping[str, str]) -> str:
    """The whole page. device, versions: of the machine that ran it, and of what ran there."""
    done = len(results.arms) // max(1, len(study.tests))
    state = f"{done} runs." if done == study.planned else f"**Unfinished: {done} of {study.planned} runs.**"
    blocks = [f"# {study.name}", study.question, state, *_made_by(study, device, versions)]
    if done:
        blocks += _findings(study, results)
    return "\n\n".join(blocks) + "\n"


def title_of(metric: str) -> str:
    """A metric's name for a narrow column: overlap/>0.3/AP50 is 'AP50 overlap >0.3'."""
    *place, name = metric.split("/")
    words = [name.replace("_", " "), *(_PLACES.get(part, part) for part in place)]
    return " ".join(filter(None, words)) + (" (less is better)" if less_is_better(metric) else "")


def means_table(study: Study, results: Results, *, condition: str = "") -> str:
    """Markdown: mean ± standard deviation over the runs of each arm; the best of a column in bold."""
    found = means(results, condition=condition, folds=study.folds)
    best = [_best(metric, [row[k] for row in found.values()]) for k, metric in enumerate(results.metrics)]
    rows = []
    for arm in (arm for arm in study.arms if arm in found):
        pairs = zip(found[arm], best, strict=True)
        cells = (_mark(_spread(mean), mean.count > 0 and decimal(mean.value) == top) for mean, top in pairs)
        rows.append((_code(arm), str(len(results.of(arm, condition=condition))), *cells))
    return table(("arm", "runs", *map(title_of, results.metrics)), rows)


def differences_table(study: Study, results: Results, *, condition: str = "") -> str:
    """Markdown: each arm minus the baseline, with its interval and p; in bold where p tells them apart.

    Empty where no arm has a run in common with the baseline.
    """
    found = differences(results, study.baseline, condition=condition, folds=study.folds)
    rows = []
    for arm in (arm for arm in study.arms if arm in found):
        pairs = max((one.mean.count for one in found[arm]), default=0)
        rows.append((_code(arm), str(pairs), *(_mark(_apart(one), one.told_apart) for one in found[arm])))
    header = (f"minus {_code(study.baseline)}", "pairs", *map(title_of, results.metrics))
    return table(header, rows) if rows else ""


def fronts_table(study: Study, results: Results, *, condition: str = "") -> str:
    """Markdown: for each metric the best arm and those that cannot be told from it."""
    rows = []
    for metric in results.metrics:
        best, *level = front(results, metric, condition=condition, folds=study.folds) or (None,)
        if best is not None:
            others = ", ".join(_code(arm) for arm in study.arms if arm in level)
            rows.append((title_of(metric), _code(best), others or "none"))
    return table(("metric", "best mean", "not told apart from it"), rows)


def _made_by(study: Study, device: str, versions: Mapping[str, str]) -> Iterator[str]:
    yield "## How it was made"
    yield f"```bash\n{study.command}\n```"
    prepared = [shlex.join(("thermal-detector", *words)) for words in study.prepare]
    lines = [f"- data: `{command}`" for command in prepared]
    lines += [
        f"- every run: `{shlex.join(('thermal-detector', 'train', *study.base))}`",
        f"- seeds: {', '.join(map(str, study.seeds))}",
        f"- folds: {study.folds or 'none'}",
        f"- device: {device}",
        f"- versions: {', '.join(f'{name} {version}' for name, version in versions.items())}",
    ]
    yield "\n".join(lines)
    yield _overrides_table("arm", {_baseline(study, arm): changes for arm, changes in study.arms.items()})
    if study.conditions:
        yield _overrides_table(
            "condition", {_code(name): changes for name, changes in study.conditions.items()}
        )
    if study.tests:
        yield _overrides_table("test", {_code(name): changes for name, changes in study.tests.items()})


def _findings(study: Study, results: Results) -> Iterator[str]:
    yield "## What it found"
    yield f"![Each metric's mean and 95 % interval by arm]({FIGURE})"
    yield (
        "A dot is the mean of an arm, its whisker the mean's 95 % interval, faint dots are single runs; the "
        "dashed line is the baseline's mean. Whiskers may leave their panel; an arrow with a number stands "
        f"for a mean beyond its edge. Every run: [{TABLE}]({TABLE})."
    )
    tested = False
    for condition in (name for name in study.places if name in results.conditions):
        if condition:
            yield f"### {condition}"
        yield means_table(study, results, condition=condition)
        if apart := differences_table(study, results, condition=condition):
            yield apart
        by_arm = differences(results, study.baseline, condition=condition, folds=study.folds)
        if any(one.mean.count > 1 for row in by_arm.values() for one in row):
            tested = True
            yield fronts_table(study, results, condition=condition)
    yield from _reading(study, tested)


def _reading(study: Study, tested: bool) -> Iterator[str]:
    yield "## How to read this"
    yield "Means are given ± the standard deviation over runs; the best of a column is bold."
    if not tested:
        yield "No arm has two runs in common with the baseline: nothing here tells a difference from luck."
        return
    pairs = "seed and fold" if study.folds else "seed"
    why = (
        "The variance is corrected for the training frames that folds share (Nadeau and Bengio 2003)."
        if study.folds > 1
        else "They hold the luck of training, not that of which frames there were to train and measure on."
    )
    yield (
        f"Differences are paired by {pairs}, ± half the width of their 95 % interval (Student's t), of each "
        f"alone. {why} p is two-sided, after Holm's correction over the arms of a column; below 0.05 the "
        "difference is bold. One that is not may be there all the same: few runs tell only large "
        "differences. The last table compares every arm with the best one in the same way."
    )


def _overrides_table(what: str, groups: Mapping[str, Sequence[str]]) -> str:
    rows = [(name, " ".join(map(_code, changes)) or "as it is") for name, changes in groups.items()]
    return table((what, "overrides"), rows)


def _baseline(study: Study, arm: str) -> str:
    return f"{_code(arm)} (baseline)" if arm == study.baseline else _code(arm)


def _best(metric: str, column: Sequence[Mean]) -> str | None:
    """The best mean as it is shown, so that all that look as good are marked; None without a choice."""
    values = [mean.value for mean in column if mean.count]
    pick = min if less_is_better(metric) else max
    return decimal(pick(values)) if len(values) > 1 else None


def _spread(mean: Mean) -> str:
    if not mean.count:
        return NONE
    return decimal(mean.value) + (f" ± {decimal(mean.deviation)}" if mean.count > 1 else "")


def _apart(one: Difference) -> str:
    if not one.mean.count:
        return NONE
    text = f"{one.mean.value:+.3f}"
    if one.mean.count == 1:
        return text
    p = "<0.001" if one.p < 0.001 else f"{one.p:.3f}"
    return f"{text} ± {one.mean.half:.3f}, p {p}"


def _mark(text: str, strong: bool) -> str:
    return f"**{text}**" if strong else text


def _code(text: str) -> str:
    return f"`{text}`"

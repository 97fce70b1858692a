"""Why a run failed, of records made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.evaluation.uncertainty.headline import headline
from detector.report.run.failure import failure, still_falls
from detector.report.run.history import Curve
from detector.report.run.record import RunRecord
from tests.unit.evaluation.builders import annotations, evaluated, found, record

BOX = [10.0, 10, 30, 30]


def loss(values: list[float]) -> Curve:
    return Curve(np.arange(1, len(values) + 1), np.array(values), np.zeros(len(values)))


def failed(*, steps: int = 80, objects: int = 60, falling: bool = True) -> RunRecord:
    """20 frames without a find, a highest score of 0.11, and a training set of 60 frames."""
    split = evaluated(
        annotations(*(record(k, truths=[(BOX, 0)]) for k in range(20))),
        {0: found(([200, 200, 220, 220], 0.11, 0))},
    )
    train = annotations(*(record(k, truths=[(BOX, 0)] if k < objects else []) for k in range(200)))
    values = np.linspace(4, 2, steps) if falling else np.full(steps, 2.0)
    return RunRecord(
        name="failed",
        split="val",
        config={
            "data": {"root": Path("there"), "train": "train", "source": {"name": "coco"}},
            "engine": {"epochs": 20},
        },
        numbers=split.metrics.to_dict(),
        headline=headline(
            split.annotations, split.pool, thresholds={"person": 0.3, "car": 0.3}, chosen_here=False
        ),
        evaluated=split,
        splits={"train": train},
        history={"loss/total": loss(values.tolist())},
    )


def test_everything_that_was_short_is_said():
    notice = failure(failed())
    assert notice is not None
    assert notice.text == (
        "80 steps, the loss was still falling; 200 training frames with 60 person, 0 car; "
        "no score reaches 0.30, the highest is 0.11."
    )
    # 2000 steps are 25 times as many.
    assert notice.hint == (
        "Next: train longer (engine.epochs=500); label more person and car (100 boxes each at least); "
        "check the labels: thermal-detector doctor data=coco data.root=there"
    )


def test_what_was_enough_is_not_asked_for():
    notice = failure(failed(steps=2000, objects=150, falling=False))
    assert notice is not None
    assert "still falling" not in notice.text
    assert "engine.epochs" not in notice.hint
    assert "label more car (" in notice.hint


def test_what_is_not_known_is_left_out():
    notice = failure(replace(failed(), evaluated=None, splits={}, history={}))
    assert notice is not None
    assert notice.text == "The run's folder does not tell."
    assert notice.hint.startswith("Next: check the labels")


def test_a_run_that_did_not_fail_has_no_such_notice():
    known = failed()
    assert known.headline is not None
    split = evaluated(
        annotations(*(record(k, truths=[(BOX, 0)]) for k in range(20))),
        {k: found((BOX, 0.9, 0)) for k in range(20)},
    )
    fine = headline(split.annotations, split.pool, thresholds={"person": 0.3, "car": 0.3}, chosen_here=False)
    assert failure(replace(known, headline=fine)) is None
    assert failure(replace(known, headline=None)) is None


@pytest.mark.parametrize(
    ("values", "falls"),
    [([4, 4, 3, 3, 2, 2, 1, 1], True), ([4, 4, 3, 3, 2, 2, 2, 2], False), ([4, 3, 2, 1], False)],
)
def test_a_loss_still_falls(values, falls):
    assert still_falls(loss(values)) is falls

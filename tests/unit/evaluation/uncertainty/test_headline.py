"""A headline's values are counted by hand, and its intervals hold what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.evaluation.uncertainty import headline as module
from detector.evaluation.uncertainty.headline import Estimate, Headline, headline
from detector.structures import Detections
from tests.unit.evaluation.builders import annotations, found, measured, pooled, record

BOX = [10.0, 10, 30, 30]
ELSEWHERE = [100.0, 100, 120, 120]
LIMITS = {"person": 0.5, "car": 0.7}


Set = tuple[Annotations, dict[int, Detections]]


def made(frames: int, *, recordings: int | None = None) -> Set:
    """In each frame a person found (0.9), a car found below its threshold (0.6); in each second a stray."""
    records, detections = [], {}
    for number in range(frames):
        own = record(number, truths=[(BOX, 0), (ELSEWHERE, 1)])
        records.append(replace(own, sequence=str(number % recordings) if recordings else None))
        stray = [([300.0, 300, 320, 320], 0.5, 0)] if number % 2 else []
        detections[number] = found((BOX, 0.9, 0), (ELSEWHERE, 0.6, 1), *stray)
    return annotations(*records), detections


def told(set_and_detections: Set, **changes) -> Headline:
    truth, detections = set_and_detections
    return headline(
        truth, pooled(truth, detections), **{"thresholds": LIMITS, "chosen_here": False, **changes}
    )


def test_what_is_counted_at_the_threshold_of_each_class():
    """40 frames: 40 people found of 80 objects, 60 reports, 20 of them on nothing."""
    found = told(made(40))
    assert found.overall.found.value == 0.5
    assert found.overall.right.value == pytest.approx(40 / 60)
    assert found.overall.false_alarms.value == 0.5
    car = found.per_class["car"]
    assert (car.found.value, car.right.value, car.false_alarms.value) == (0.0, None, 0.0)
    # None of 40 frames: not never. Of a mean of 3.69 events or less 2.5 % see none.
    assert (car.false_alarms.low, car.false_alarms.high) == pytest.approx((0, 3.6889 / 40), abs=1e-4)
    assert found.overall.AP50.value == pytest.approx(measured(*made(40)).overall["AP50"], abs=1e-12)


def test_one_lucky_report_of_one_is_not_good():
    """60 frames with an object each; one is found, nothing else reported: 100 % right, and no good."""
    frames = [record(number, truths=[(BOX, 0)]) for number in range(60)]
    lucky = told((annotations(*frames), {7: found((BOX, 0.95, 0))}))
    assert lucky.overall.right == Estimate(1.0, pytest.approx(0.025), 1.0)
    assert lucky.verdict == "failed"  # AP50 1 / 101 * 2


@pytest.mark.parametrize(
    ("found_low", "right_low", "chosen_here", "verdict"),
    [
        (0.5, 0.5, False, "good"),
        (0.5, 0.5, None, "good"),
        (0.5, 0.5, True, "fair"),
        (0.49, 0.9, False, "fair"),
        (0.9, 0.49, False, "fair"),
        (0.9, None, False, "fair"),  # nothing is reported
        (None, None, False, "unknown"),
    ],
)
def test_verdicts_are_of_low_ends(found_low, right_low, chosen_here, verdict):
    """Whatever the values themselves: they are 1."""
    known = told(made(20))
    shares = {"found": Estimate(1.0, found_low, 1.0), "right": Estimate(1.0, right_low, 1.0)}
    changed = replace(known, chosen_here=chosen_here, overall=replace(known.overall, **shares))
    assert changed.verdict == verdict
    hopeless = replace(changed, overall=replace(changed.overall, AP50=Estimate(0.09, 0.0, 0.5)))
    assert hopeless.verdict == "failed"


@pytest.mark.parametrize(
    ("frames", "recordings", "drawn", "caution"),
    [
        (19, 19, None, "19 frames are too few"),
        (20, None, "images", "by frame, recordings not known: too narrow"),
        (20, 4, "images", "by frame, from only 4 recordings: too narrow"),
        (20, 5, "recordings", "by recording, only 5: a little too narrow"),
        (20, 10, "recordings", "by recording"),
    ],
)
def test_what_is_drawn(frames, recordings, drawn, caution):
    known = told(made(frames, recordings=recordings))
    assert known.drawn == drawn
    assert known.caution.startswith(caution)
    assert (known.overall.found.low is None) == (drawn is None)
    assert (known.verdict == "unknown") == (drawn is None)


def test_recordings_that_differ_widen_the_interval():
    """Half of the recordings are found whole, half not at all: frames know nothing of it."""
    records, detections = [], {}
    for number in range(100):
        records.append(replace(record(number, truths=[(BOX, 0)]), sequence=str(number // 10)))
        detections[number] = found((BOX, 0.9, 0)) if number < 50 else found()
    apart = told((annotations(*records), detections)).overall.found
    alone = [replace(own, sequence=None) for own in records]
    alike = told((annotations(*alone), detections)).overall.found
    assert apart.low is not None
    assert alike.low is not None
    assert apart.low < 0.25 < 0.35 < alike.low


def test_it_can_be_read_again():
    known = told(made(20), frames_per_second=9.0)
    assert Headline.read(known.to_dict()) == known
    with pytest.raises(KeyError):
        Headline.read({"verdict": "good"})
    for wrong in ({"overall": 3}, {"thresholds": {"person": "high"}}, {"overall": {"AP": {"value": []}}}):
        with pytest.raises((TypeError, ValueError, AttributeError)):
            Headline.read({**known.to_dict(), **wrong})


@pytest.mark.parametrize("recordings", [None, 8])
def test_intervals_hold_the_true_value(recordings, monkeypatch):
    """30 sets of 40 frames: an object is found in 0.7 of the frames, a stray is there in 0.3.

    Where recordings are known their chances differ, by 0.2. Of 30 intervals of 95 % 25 or more hold.
    """
    monkeypatch.setattr(module, "RESAMPLES", 100)
    held = np.zeros(3)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        records, detections = [], {}
        hard = np.tile([-1.0, 1.0], 4)[rng.integers(0, 8, recordings)] if recordings else np.zeros(1)
        for number in range(40):
            place = number % len(hard)
            chances = np.array([0.7, 0.3]) + np.array([0.2, -0.2]) * hard[place]
            seen, stray = rng.random(2) < chances
            rows = [(BOX, 0.9, 0)] * int(seen) + [(ELSEWHERE, 0.8, 0)] * int(stray)
            own = record(number, truths=[(BOX, 0)])
            records.append(replace(own, sequence=str(place) if recordings else None))
            detections[number] = found(*rows)
        overall = told((annotations(*records), detections)).overall
        for k, (estimate, true) in enumerate(
            zip((overall.found, overall.right, overall.false_alarms), (0.7, 0.7, 0.3), strict=True)
        ):
            assert estimate.low is not None
            assert estimate.high is not None
            held[k] += estimate.low <= true <= estimate.high
    assert (held >= 25).all(), held

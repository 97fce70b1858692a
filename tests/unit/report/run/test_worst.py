"""Which mistakes are shown, on six frames whose mistakes are known: see run_builders."""

import numpy as np
import pytest

from detector.evaluation.errors.kinds import find_mistakes
from detector.evaluation.matching import Pool
from detector.evaluation.split import EvaluatedSplit
from detector.report.run.worst import missed_truths, plainest_misses, surest_false_alarms
from tests.unit.evaluation.builders import annotations, found, pooled, record
from tests.unit.report.run_builders import BEHIND, CAR, FRAMES, made_split


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> EvaluatedSplit:
    return made_split(tmp_path_factory.mktemp("made"))


def alarms(pool: Pool, *kinds: str, count: int = 9) -> list[tuple[int, float]]:
    """Frame and score of each."""
    chosen = surest_false_alarms(find_mistakes(pool), kinds, count=count)
    return [(int(pool.found.images[k]), round(float(pool.found.scores[k]), 2)) for k in chosen]


def test_false_alarms_are_told_by_their_kind(split):
    assert alarms(split.pool, "background") == [(3, 0.97)]
    assert alarms(split.pool, "classification") == [(1, 0.8)]
    assert alarms(split.pool, "localisation", "duplicate") == [(2, 0.7), (0, 0.6)]
    assert alarms(split.pool, "both") == []


def test_the_surest_come_first_and_no_frame_fills_the_page():
    spots = [[50.0 * k, 0, 50 * k + 9, 9] for k in range(5)]
    crowded = found(*((box, 0.9 - k / 100, 0) for k, box in enumerate(spots)))
    truth = annotations(*(record(k, truths=[([0, 300, 9, 309], 0)]) for k in (1, 2)))
    pool = pooled(truth, {1: crowded, 2: found((spots[0], 0.1, 0), (spots[1], 0.95, 0))})
    assert alarms(pool, "background") == [(1, 0.95), (0, 0.9), (0, 0.89), (1, 0.1)]
    assert alarms(pool, "background", count=2) == [(1, 0.95), (0, 0.9)]


def test_a_region_to_ignore_makes_no_false_alarm_and_no_miss():
    region = ([0.0, 0, 100, 100], 0)
    truth = annotations(record(1, truths=[([200, 0, 220, 20], 0)], regions=[region]))
    pool = pooled(truth, {1: found(([10, 10, 30, 30], 0.9, 0))})
    assert alarms(pool, "background") == []
    missed = missed_truths(pool, limits=np.full(2, 0.5))
    assert pool.truths.boxes[missed].tolist() == [[200, 0, 20, 20]]


def test_what_is_found_below_the_threshold_is_missed(split):
    truths = split.pool.truths
    missed = [
        (int(truths.images[k]), tuple(truths.boxes[k].astype(int).tolist()))
        for k in missed_truths(split.pool, limits=np.full(2, 0.5))
    ]
    behind = [(frame, BEHIND) for frame in range(FRAMES - 1)]
    assert sorted(missed) == sorted([*behind, (1, CAR), (2, CAR), (4, CAR), (5, CAR)])
    assert len(missed_truths(split.pool, limits=np.full(2, 0.1))) == len(missed) - 1


def test_the_plainest_of_the_misses_come_first(split):
    missed = missed_truths(split.pool, limits=np.full(2, 0.5))
    contrasts = dict(zip(missed.tolist(), (1.0, -7, 3, None, 0.5, 2, 4, -5, 6), strict=True))
    chosen = plainest_misses(split.pool, missed, contrast=contrasts.__getitem__, count=4)
    assert [contrasts[k] for k in chosen] == [-7, 6, -5, 4]


def test_of_many_misses_those_large_for_their_class_are_measured(monkeypatch):
    """A car of 20 pixels is small, a person of 20 is large."""
    monkeypatch.setattr("detector.report.run.worst.CANDIDATES", 2)
    rows = [([0, 0, 20, 20], 0), ([100, 0, 110, 10], 0), ([200, 0, 208, 8], 0), ([0, 100, 60, 160], 1)]
    rows += [([100, 100, 120, 120], 1), ([200, 100, 260, 160], 1)]
    pool = pooled(annotations(record(1, truths=[(list(map(float, box)), label) for box, label in rows])), {})
    asked: list[int] = []
    plainest_misses(pool, np.arange(6), contrast=lambda k: asked.append(k) or 1.0, count=1)
    assert [pool.truths.boxes[k].tolist() for k in asked] == [[0, 0, 20, 20], [100, 0, 10, 10]]


def test_without_misses_nothing_is_asked(split):
    nobody = np.zeros(0, dtype=np.int64)
    assert plainest_misses(split.pool, nobody, contrast=lambda _: pytest.fail("asked"), count=3) == []

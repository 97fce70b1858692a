"""What is drawn, how often, and what the user is told of it."""

from dataclasses import replace

import numpy as np
import pytest

from detector.data.annotations import ImageRecord
from detector.errors import UserError
from detector.evaluation.uncertainty.resampling import ENOUGH_RECORDINGS, draw
from tests.unit.evaluation.builders import record


def frames(*sequences: str | None) -> list[ImageRecord]:
    return [replace(record(k, truths=[]), sequence=name) for k, name in enumerate(sequences)]


def test_single_frames_are_drawn_independently():
    draws = draw(frames(*[None] * 50), count=400)
    assert draws.unit == "images"
    assert draws.weights.shape == (50, 400)
    assert (draws.weights.sum(axis=0) == 50).all()
    # Binomial: mean 1, variance 1 - 1/50; the bounds are five standard errors.
    np.testing.assert_allclose(draws.weights.mean(axis=1), 1, atol=5 / 400**0.5)
    np.testing.assert_allclose(draws.weights.var(), 0.98, atol=0.06)


def test_recordings_are_drawn_whole():
    """Recordings of 1, 2, 3 .. frames, their frames not next to each other."""
    names = [str(k) for k in range(ENOUGH_RECORDINGS) for _ in range(k + 1)]
    names = np.random.default_rng(0).permutation(names).tolist()
    draws = draw(frames(*names), count=50)
    assert (draws.unit, draws.caution) == ("recordings", "")
    first = [names.index(name) for name in names]
    np.testing.assert_array_equal(draws.weights, draws.weights[first])
    one_of_each = draws.weights[sorted(set(first))]
    assert (one_of_each.sum(axis=0) == ENOUGH_RECORDINGS).all()
    assert one_of_each.max() > 1


def test_the_seed_decides():
    records = frames(*"abcabc")
    same, again, other = (draw(records, count=20, seed=seed).weights for seed in (0, 0, 1))
    np.testing.assert_array_equal(same, again)
    assert (same != other).any()


@pytest.mark.parametrize(
    ("sequences", "unit", "drawn", "caution"),
    [
        ("ab" * 10, "auto", "images", "2 recordings: too few to tell what holds for others"),
        ("ab" * 10, "recordings", "recordings", "2 recordings: from fewer than 20"),
        ("a" * 10, "auto", "images", "1 recording: too few to tell"),
        ([None, "a"] * 30, "auto", "images", "Which recording a frame is of is not known"),
        ([str(k // 2) for k in range(60)], "images", "images", "unit=recordings draws whole ones"),
        ([str(k) for k in range(5)], "images", "images", ""),
    ],
)
def test_the_user_is_told_what_the_intervals_are_not_good_for(sequences, unit, drawn, caution):
    draws = draw(frames(*sequences), count=5, unit=unit)
    assert draws.unit == drawn
    assert caution in draws.caution
    assert bool(draws.caution) == bool(caution)


@pytest.mark.parametrize("sequences", [["a", None, "b"], ["a", "a"]])
def test_recordings_that_are_not_known_or_only_one_are_refused(sequences):
    with pytest.raises(UserError, match="use unit=images"):
        draw(frames(*sequences), count=5, unit="recordings")


def test_another_unit_is_refused():
    with pytest.raises(UserError, match="unit=days: must be one of auto, images, recordings"):
        draw(frames("a"), count=5, unit="days")

from pathlib import Path

import numpy as np
import pytest

from detector.data.annotations import Annotations, ImageRecord
from detector.data.loading.sampling import MOST_FOR_ALARMS, alarm_factors, repeat_factors, systematic
from detector.errors import UserError


def annotations(*labels: list[int], ignored: tuple[int, ...] = ()) -> Annotations:
    """One picture per list of labels; the pictures numbered in `ignored` hold only regions to ignore."""
    records = tuple(
        ImageRecord(
            number,
            Path(f"{number}.png"),
            8,
            8,
            np.zeros((len(row), 4), np.float32),
            np.array(row, np.int64),
            np.full(len(row), number in ignored),
            None,
        )
        for number, row in enumerate(labels)
    )
    return Annotations(("common", "rare"), records, (1, 2))


def test_factors_by_hand():
    # common is in 3 of 4 pictures, rare in 1 of 4: sqrt(0.5 / 0.25) = sqrt 2, and 0.5 / 0.75 stays at 1.
    split = annotations([0], [0, 0], [0, 1], [])
    np.testing.assert_allclose(repeat_factors(split, rare_below=0.5), [1, 1, np.sqrt(2), 1])
    np.testing.assert_array_equal(repeat_factors(split, rare_below=0), np.ones(4))


def test_a_region_to_ignore_makes_no_picture_rare():
    split = annotations([0], [0], [1], [1], ignored=(2,))
    np.testing.assert_allclose(repeat_factors(split, rare_below=1), [np.sqrt(2), np.sqrt(2), 1, 2])


def test_a_share_above_one_is_refused():
    with pytest.raises(UserError, match="rare_below"):
        repeat_factors(annotations([0]), rare_below=1.5)


def test_false_alarms_share_half_of_the_showings():
    # 0.5 a picture: one alarm adds as much as two average pictures have.
    np.testing.assert_array_equal(alarm_factors(np.array([0, 1, 1, 0])), [1, 3, 3, 1])
    many = np.random.default_rng(0).integers(3, 9, 100)
    factors = alarm_factors(many)
    assert factors.sum() == pytest.approx(200)
    np.testing.assert_allclose((factors - 1) * many.mean(), many)


def test_few_pictures_with_all_false_alarms_do_not_fill_the_epoch():
    np.testing.assert_array_equal(alarm_factors(np.array([0] * 9 + [5])), [1] * 9 + [MOST_FOR_ALARMS])
    np.testing.assert_array_equal(alarm_factors(np.zeros(3, np.int64)), np.ones(3))


def test_equal_factors_show_every_picture_once():
    for seed in range(5):
        drawn = systematic(np.full(7, 3.0), rng=np.random.default_rng(seed))
        assert sorted(drawn) == list(range(7))


def test_pictures_come_in_proportion_to_their_factors():
    factors = np.array([1.0, 1.0, 2.0, 1.5, 1.0, 3.5])
    expected = 6 * factors / factors.sum()
    counts = np.zeros(6)
    for seed in range(4000):
        drawn = np.bincount(systematic(factors, rng=np.random.default_rng(seed)), minlength=6)
        assert drawn.sum() == 6
        assert (np.abs(drawn - expected) < 1).all()
        counts += drawn
    np.testing.assert_allclose(counts / 4000, expected, atol=0.035)

import numpy as np
import pytest

from detector.tuning.results import Results

RESULTS = Results(
    conditions=("clean", "clean", "noisy"),
    arms=("plain", "wide", "wide"),
    seeds=(0, 0, 3),
    folds=(1, 1, 2),
    metrics=("AP", "AP50"),
    values=np.array([[0.5, 0.25], [1, np.nan], [0.125, 0]]),
)


def test_runs_of_an_arm_are_those_of_the_condition():
    ((pair, row),) = RESULTS.of("wide", condition="noisy").items()
    assert pair == (3, 2)
    np.testing.assert_array_equal(row, [0.125, 0])
    assert RESULTS.of("plain", condition="noisy") == {}


def test_the_csv_has_every_run():
    assert RESULTS.csv() == (
        "condition,arm,seed,fold,AP,AP50\n"
        "clean,plain,0,1,0.500000,0.250000\n"
        "clean,wide,0,1,1.000000,nan\n"
        "noisy,wide,3,2,0.125000,0.000000\n"
    )


def test_a_study_without_folds_and_conditions_leaves_their_cells_empty():
    alone = Results(("",), ("plain",), (0,), (None,), ("AP",), np.array([[0.5]]))
    assert alone.csv().splitlines()[1] == ",plain,0,,0.500000"
    assert list(alone.of("plain")) == [(0, None)]


@pytest.mark.parametrize(
    "results", [RESULTS, Results(("",), ("plain",), (0,), (None,), ("AP",), np.array([[0.5]]))]
)
def test_what_was_written_is_read_again(results):
    again = Results.read(results.csv(), results.metrics)
    assert vars(again) | {"values": None} == vars(results) | {"values": None}
    np.testing.assert_array_equal(again.values, results.values)


def test_the_metrics_that_are_asked_for_are_read_in_their_order():
    np.testing.assert_array_equal(Results.read(RESULTS.csv(), ("AP50", "AP")).values, RESULTS.values[:, ::-1])

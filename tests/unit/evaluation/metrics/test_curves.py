"""Precision-recall curves as TensorBoard and people see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from detector.evaluation.metrics.curves import PrecisionRecall, precision_at_recall

# Four truths of class a, three of them found: precision 1 to recall 0.5, then 0.75 to recall 0.75.
CURVES = PrecisionRecall(
    classes=("a", "empty"),
    recall=np.array([0, 0.25, 0.5, 0.75, 1]),
    precision=np.array([[1, 1, 1, 0.75, 0], [np.nan] * 5]),
    scores=np.array([[0.9, 0.9, 0.8, 0.6, 0], [np.nan] * 5]),
    truths=np.array([4, 0]),
)


def test_counts_for_tensorboard():
    """At recall 0.75: 3 hits, 3 / 0.75 = 4 detections, so 1 false; beyond the reach: nothing found."""
    arguments = CURVES.tensorboard(0)
    assert arguments["recall"].tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert arguments["precision"].tolist() == [0, 0.75, 1, 1, 1]
    assert arguments["true_positive_counts"].tolist() == [0, 3, 2, 1, 0]
    assert arguments["false_positive_counts"].tolist() == pytest.approx([0, 1, 0, 0, 0])
    assert arguments["false_negative_counts"].tolist() == [4, 1, 2, 3, 4]


def test_tensorboard_takes_them(tmp_path: Path):
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_pr_curve_raw("pr/a", **CURVES.tensorboard(0), global_step=3)
    events = EventAccumulator(str(tmp_path)).Reload()
    tensor = events.Tensors("pr/a")[0]
    assert tensor.step == 3
    values = np.array(tensor.tensor_proto.float_val).reshape(6, 5)
    np.testing.assert_allclose(values[4], CURVES.precision[0, ::-1])
    np.testing.assert_allclose(values[5], CURVES.recall[::-1])


def test_a_class_without_truth_has_no_curve():
    with pytest.raises(ValueError, match="'empty' has no truth"):
        CURVES.tensorboard(1)


def test_precision_at_recall_by_hand():
    """Levels between the grid's points read the next point: 0.6 and 0.7 that of 0.75, 0.8 that of 1."""
    values = precision_at_recall(CURVES, levels=(0, 0.5, 0.6, 0.7, 0.8))
    expected = {"0": 1, "0.5": 1, "0.6": 0.75, "0.7": 0.75, "0.8": 0}
    assert values == {f"precision_at_recall_{level}": value for level, value in expected.items()}


def test_precision_at_recall_is_the_mean_of_the_classes_with_truth():
    """On COCO's grid, in which 0.7 is not the 0.7 of Python."""
    grid = np.linspace(0, 1, 101)
    curves = PrecisionRecall(
        classes=("a", "empty", "b"),
        recall=grid,
        precision=np.stack((1 - grid / 2, np.full(101, np.nan), np.where(grid < 0.75, 0.5, 0))),
        scores=np.zeros((3, 101)),
        truths=np.array([4, 0, 1]),
    )
    alone = {"0.5": 0.75, "0.7": 0.65, "0.8": 0.6, "0.9": 0.55}
    other = {"0.5": 0.5, "0.7": 0.5, "0.8": 0, "0.9": 0}
    means = {level: (value + other[level]) / 2 for level, value in alone.items()}
    for label, expected in ((0, alone), (2, other), (None, means)):
        values = precision_at_recall(curves, label)
        assert values == pytest.approx({f"precision_at_recall_{level}": v for level, v in expected.items()})
    assert set(precision_at_recall(curves, 1).values()) == {None}


@pytest.mark.parametrize("level", [-0.1, 1.1])
def test_a_recall_that_is_none(level):
    with pytest.raises(ValueError, match=f"recall {level} is not on the curve"):
        precision_at_recall(CURVES, levels=(level,))

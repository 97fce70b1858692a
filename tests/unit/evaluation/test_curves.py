"""Precision-recall curves as TensorBoard and people see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from detector.evaluation.curves import PrecisionRecall, draw_curves

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


def test_the_picture_shows_each_class_with_truth():
    """matplotlib's first colour, #1f77b4, is there for class a; its second, #ff7f0e, is not."""
    picture = draw_curves(CURVES)
    assert picture.dtype == np.uint8
    assert (picture == (0x1F, 0x77, 0xB4)).all(axis=2).sum() > 300
    assert not (picture == (0xFF, 0x7F, 0x0E)).all(axis=2).any()

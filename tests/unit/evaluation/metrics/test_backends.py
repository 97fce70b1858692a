"""Our own tables and faster-coco-eval's against pycocotools, number by number."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest

from detector.errors import UserError
from detector.evaluation.coco import coco_ground_truth
from detector.evaluation.metrics.backends import (
    CocoTables,
    backend_of,
    run_arrays,
    run_faster_coco_eval,
    run_pycocotools,
)
from detector.evaluation.predictions import predictions_json
from tests.unit.evaluation.builders import annotations, found, pooled, random_set, record
from tests.unit.evaluation.hostile import hostile_set

A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]


def tables(truth, detections, backend) -> CocoTables:
    return backend(coco_ground_truth(truth), predictions_json(detections, truth))


def assert_same(truth, detections) -> None:
    reference = tables(truth, detections, run_pycocotools)
    own = run_arrays(pooled(truth, detections))
    for name, values in vars(reference).items():
        np.testing.assert_array_equal(getattr(own, name), values, err_msg=name)
    pytest.importorskip("faster_coco_eval")
    faster = tables(truth, detections, run_faster_coco_eval)
    for name, values in vars(reference).items():
        np.testing.assert_allclose(getattr(faster, name), values, atol=1e-12, rtol=0, err_msg=name)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("made", [hostile_set, random_set])
def test_sets_made_at_random(made, seed):
    assert_same(*made(seed))


@pytest.mark.parametrize(
    ("records", "detections"),
    [
        ([], {}),
        ([record(4, truths=[])], {4: found((A, 0.9, 0))}),
        ([record(4, truths=[(A, 0), (B, 1)])], {}),
        ([record(4, truths=[], regions=[(A, 0)])], {4: found((A, 0.9, 0))}),
        ([record(0, truths=[(A, 0)]), record(2**53, truths=[(B, 1)])], {2**53: found((B, 0.9, 1))}),
        (
            [record(4, truths=[([0, 0, 20, 7], 0)])],
            {4: found(([0, 0, 13, 7], 0.9, 0), ([5, 5, 5, 5], 0.9, 0))},
        ),
    ],
    ids=["no images", "no truth", "no predictions", "only a region", "large ids", "on a threshold"],
)
def test_corners(records, detections):
    assert_same(annotations(*records), detections)


@pytest.mark.parametrize("backend", [run_pycocotools, run_faster_coco_eval])
def test_rows_are_in_the_order_of_the_classes(backend):
    """Categories 9 and 2, which both programs sort. Class 0 is large and found, class 1 is missed."""
    if backend is run_faster_coco_eval:
        pytest.importorskip("faster_coco_eval")
    large = [0, 0, 100, 100]
    truth = annotations(record(4, truths=[(large, 0), (A, 1)]), ids=(9, 2))
    entries = predictions_json({4: found((large, 0.75, 0))}, truth)
    before = copy.deepcopy(list(entries))
    result = backend(coco_ground_truth(truth), entries)
    assert result.precision.shape == result.scores.shape == (10, 101, 2, 4)
    assert result.precision[0, 50, :, 0].tolist() == pytest.approx([1, 0])
    # Areas: all, small, medium, large; -1 where a class has none.
    np.testing.assert_allclose(result.recall[9], [[1, -1, -1, 1], [0, 0, -1, -1]])
    assert result.scores[0, 100, 0, 3] == 0.75
    np.testing.assert_allclose(result.recall_grid, np.arange(101) / 100, atol=1e-15)
    assert list(entries) == before


def test_ids_that_doubles_cannot_tell_apart_are_refused():
    pytest.importorskip("faster_coco_eval")
    truth = annotations(record(2**53 + 1, truths=[(A, 0)]))
    with pytest.raises(UserError, match=r"2\*\*53, found 9007199254740993: use pycocotools"):
        tables(truth, {}, run_faster_coco_eval)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval.core", None)
    with pytest.raises(UserError, match=r"pip install 'thermal-detector\[fast-eval\]'"):
        tables(annotations(record(1, truths=[])), {}, run_faster_coco_eval)


def test_names_of_configs():
    assert backend_of("arrays") is None
    assert backend_of("pycocotools") is run_pycocotools
    assert backend_of("faster") is run_faster_coco_eval
    with pytest.raises(UserError, match="'fast'; it must be arrays, pycocotools or faster"):
        backend_of("fast")

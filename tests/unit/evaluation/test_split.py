"""An evaluated split holds together what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from detector.evaluation.split import evaluate
from tests.unit.evaluation.builders import BINS, annotations, evaluated, found, record

A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]
TRUTH = annotations(record(4, truths=[(A, 0), (B, 1)]), record(5, truths=[]))


def test_everything_is_measured_on_one_pool():
    split = evaluated(TRUTH, {4: found((A, 0.5, 0), (B, 0.75, 1))})
    assert split.metrics.diagnosis.mistakes.pool is split.pool
    np.testing.assert_array_equal(split.metrics.breakdown.truth_overlaps, [0, 0])
    assert split.metrics.overall["AP"] == pytest.approx(1)
    assert split.detections[4].boxes.tolist() == [B, A]
    assert len(split.detections[5].boxes) == 0
    assert split.detections is split.detections


@pytest.mark.parametrize("change", [{"image_id": 6}, {"category_id": 3}])
def test_what_the_annotations_do_not_know_is_refused(change):
    entry = {"image_id": 4, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}
    evaluate(TRUTH, [entry], bins=BINS)
    with pytest.raises(KeyError):
        evaluate(TRUTH, [{**entry, **change}], bins=BINS)

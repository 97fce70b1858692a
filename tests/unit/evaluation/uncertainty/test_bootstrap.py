"""Weighted metrics are those of data sets whose images really are copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.evaluation.coco import Metrics
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.uncertainty import bootstrap
from detector.evaluation.uncertainty.bootstrap import weighted_metrics
from detector.structures import Detections
from tests.unit.evaluation.builders import BINS as DEFAULT
from tests.unit.evaluation.builders import annotations, found, measured, pooled, random_set, record

BINS = Bins(overlap=(0.0, 0.2), crowd_above=0.1, sizes=(12.0, 40.0, 90.0))
COPIES = 8
"""More than the most that an image is weighted with here."""


def tied_set(seed: int) -> tuple[Annotations, dict[int, Detections]]:
    """Scores that many images share, but none twice within a class of an image; some images have nothing."""
    truth, detections = random_set(seed)
    rng = np.random.default_rng(seed)
    for image_id, own in detections.items():
        scores = np.sort(rng.choice(60, len(own.scores), replace=False))[::-1] / 60
        detections[image_id] = replace(own, scores=scores.astype(np.float32))
    del detections[3]
    return truth, detections


def copied(
    truth: Annotations, detections: dict[int, Detections], weights: np.ndarray
) -> tuple[Annotations, dict[int, Detections]]:
    """Each image as often as it weighs, its copies one after the other by their ids."""
    records, found = [], {}
    for own, weight in zip(truth.records, weights.tolist(), strict=True):
        for copy in range(weight):
            image_id = COPIES * own.image_id + copy
            records.append(replace(own, image_id=image_id))
            if own.image_id in detections:
                found[image_id] = detections[own.image_id]
    return replace(truth, records=tuple(records)), found


def expected(metrics: Metrics) -> Iterator[tuple[str, list[float | None]]]:
    """Each metric by its name: overall, then of each class."""
    parts = [slice(None), *(slice(k, k + 1) for k in range(len(metrics.per_class)))]
    for name in ("AP", "AP50", "AP75"):
        yield name, [metrics.overall[name], *(own[name] for own in metrics.per_class.values())]
    for name in ("MR-2", "JI"):
        yield name, [metrics.breakdown.crowding.values(part)[name] for part in parts]
    for title, bins in (("overlap", metrics.breakdown.overlap), ("size", metrics.breakdown.sizes)):
        for name, tables in bins.items():
            if name != "all":
                yield f"AP {title} {name}", [tables.values(part)["AP"] for part in parts]


@pytest.mark.parametrize("seed", range(4))
def test_each_weighting_is_pycocotools_on_copied_images(seed, monkeypatch):
    monkeypatch.setattr(bootstrap, "_CELLS", 1)  # one weighting at a time
    truth, detections = tied_set(seed)
    rng = np.random.default_rng(seed)
    count = len(truth.records)
    without_class = np.array([(own.labels[~own.ignored] != 0).all() for own in truth.records])
    weights = np.stack(
        (np.ones(count, int), rng.multinomial(count, np.full(count, 1 / count)), without_class * 2), axis=1
    )
    assert weights.max() < COPIES
    weighted = weighted_metrics(pooled(truth, detections), weights=weights, bins=BINS)
    for column, chosen in enumerate(weights.T):
        values = dict(expected(measured(*copied(truth, detections, chosen), bins=BINS)))
        assert list(values) == list(weighted)
        for name, own in weighted.items():
            got = [own.overall[column], *own.per_class[:, column]]
            wanted = [np.nan if value is None else value for value in values[name]]
            np.testing.assert_allclose(got, wanted, rtol=1e-12, err_msg=f"{name}, weighting {column}")


def test_a_class_without_truth_in_a_weighting_is_not_measured_there():
    """The second image has all of the cars; without it the mean is that of the persons alone."""
    truth = annotations(
        record(1, truths=[([0, 0, 10, 10], 0)]),
        record(2, truths=[([0, 0, 10, 10], 0), ([50, 0, 60, 10], 1)]),
    )
    detections = {1: found(([0, 0, 10, 10], 0.9, 0))}
    metrics = weighted_metrics(pooled(truth, detections), weights=np.array([[1, 2], [1, 0]]), bins=DEFAULT)
    half = 51 / 101  # recall 0.5, reached without a false positive
    np.testing.assert_allclose(metrics["AP"].per_class, [[half, 1], [0, np.nan]])
    np.testing.assert_allclose(metrics["AP"].overall, [half / 2, 1])
    np.testing.assert_allclose(metrics["MR-2"].overall, [(0.5 + 1) / 2, 0])
    np.testing.assert_array_equal(metrics["AP"].truths, [2, 1])
    assert np.isnan(metrics["AP size >24"].overall).all()


def test_without_detections_everything_is_missed():
    truth = annotations(record(1, truths=[([0, 0, 10, 10], 0)]))
    metrics = weighted_metrics(pooled(truth, {}), weights=np.array([[1, 3]]), bins=DEFAULT)
    np.testing.assert_array_equal(metrics["AP"].overall, [0, 0])
    np.testing.assert_array_equal(metrics["MR-2"].overall, [1, 1])

"""Who computes COCO's tables: our own matching, pycocotools, the reference, or faster-coco-eval; all agree.

The two programs take the truth in COCO's format and the entries of a COCO results file.
Truths need an `id` from 1, an `area` and `iscrowd`; predictions need what `predictions_json` writes.

Letters: T IoU thresholds 0.50, 0.55 .. 0.95; R points of the recall grid 0, 0.01 .. 1; K classes in the order
of the ground truth's `categories`; A areas: all, small, medium, large.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.errors import UserError
from detector.evaluation.matching import MAX_DETECTIONS, Pool
from detector.evaluation.metrics.bins import RECALL_GRID, Bin, Tables, measure
from detector.evaluation.predictions import Entry

_LARGEST_ID = 2**53
"""faster-coco-eval 1.8 keeps ids as doubles."""


@dataclass(frozen=True, eq=False)
class CocoTables:
    """What COCO's metrics are means of. -1 wherever a class has no truth of that area.

    precision: [T, R, K, A] in [0, 1], interpolated; 0 beyond the recall reached.
    scores: [T, R, K, A], the lowest score needed for that recall; 0 beyond.
    recall: [T, K, A], the highest reached. recall_grid: [R].
    """

    precision: np.ndarray
    recall: np.ndarray
    scores: np.ndarray
    recall_grid: np.ndarray


Backend = Callable[[dict[str, Any], Sequence[Entry]], CocoTables]
"""(truth in COCO's format, entries of a COCO results file) -> tables. Both programs write into the
ground truth's entries; the predictions stay as they are."""


_AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's, in square pixels; a bound belongs to both."""


def run_arrays(pool: Pool) -> CocoTables:
    """The same to the last digit from the matches of detector.evaluation.matching, in a fraction of time and
    memory: half an hour of pycocotools' for 200,000 frames, and more memory than most machines have."""
    truths, found = pool.truths, pool.found
    every: list[Tables] = []
    for name, (low, high) in _AREAS.items():
        counted = ~truths.crowd & (truths.areas >= low) & (truths.areas <= high)
        kind = Bin(name=name, counted=counted, left_out=(found.areas < low) | (found.areas > high))
        every += measure(pool, [kind]).values()
    return CocoTables(
        precision=np.stack([own.precision for own in every], axis=-1),
        recall=np.stack([own.recall for own in every], axis=-1),
        scores=np.stack([own.scores for own in every], axis=-1),
        recall_grid=RECALL_GRID,
    )


def run_pycocotools(ground_truth: dict[str, Any], predictions: Sequence[Entry]) -> CocoTables:
    """The reference: COCO's own program."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            _index(COCO(), ground_truth), _index(COCO(), _results(ground_truth, predictions)), "bbox"
        )
        return _tables(evaluation, ground_truth)


def run_faster_coco_eval(ground_truth: dict[str, Any], predictions: Sequence[Entry]) -> CocoTables:
    """The same by faster-coco-eval, in C++.

    Raises UserError where the package is not installed, or for ids it would take for one another.
    """
    try:
        from faster_coco_eval.core import coco, faster_eval_api
    except ImportError as error:
        raise UserError(
            "evaluation.backend=faster needs faster-coco-eval: pip install 'thermal-detector[fast-eval]'"
        ) from error
    ids = [entry["id"] for entry in (*ground_truth["images"], *ground_truth["categories"])]
    largest = max(ids, key=abs, default=0)
    if abs(largest) > _LARGEST_ID:
        raise UserError(
            f"evaluation.backend=faster mixes up ids beyond 2**53, found {largest}: use pycocotools"
        )
    truths = _index(coco.COCO(), ground_truth)
    results = _index(coco.COCO(), _results(ground_truth, predictions))
    return _tables(faster_eval_api.COCOeval_faster(truths, results, "bbox"), ground_truth)


def backend_of(name: str) -> Backend | None:
    """`arrays` (None), `pycocotools` or `faster`, as configs name them. UserError for another name."""
    if name == "arrays":
        return None
    if name == "pycocotools":
        return run_pycocotools
    if name == "faster":
        return run_faster_coco_eval
    raise UserError(f"evaluation.backend is {name!r}; it must be arrays, pycocotools or faster")


def _tables(evaluation: Any, ground_truth: dict[str, Any]) -> CocoTables:
    """Evaluate, and put the classes, which both programs sort by id, in the order of the truth."""
    evaluation.params.maxDets = [MAX_DETECTIONS]
    evaluation.evaluate()
    evaluation.accumulate()
    ids = list(evaluation.params.catIds)
    order = [ids.index(category["id"]) for category in ground_truth["categories"]]
    return CocoTables(
        precision=np.asarray(evaluation.eval["precision"])[..., 0][:, :, order],
        recall=np.asarray(evaluation.eval["recall"])[..., 0][:, order],
        scores=np.asarray(evaluation.eval["scores"])[..., 0][:, :, order],
        recall_grid=evaluation.params.recThrs,
    )


def _results(ground_truth: dict[str, Any], predictions: Sequence[Entry]) -> dict[str, Any]:
    """The predictions as a data set, as COCO.loadRes makes it; loadRes would fail on an empty list."""
    results = [
        {**entry, "id": index, "area": entry["bbox"][2] * entry["bbox"][3]}
        for index, entry in enumerate(predictions, start=1)
    ]
    return {**ground_truth, "annotations": results}


def _index(coco: Any, dataset: dict[str, Any]) -> Any:
    """A COCO object, of either program, of data in memory."""
    coco.dataset = dataset
    coco.createIndex()
    return coco

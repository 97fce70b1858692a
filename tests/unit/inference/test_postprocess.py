"""Post-processing against the same steps in a plain loop, and its rules one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from detector.errors import UserError
from detector.geometry.nms import GreedyNms, Kept, SoftNmsGaussian
from detector.inference.network import candidates_of
from detector.inference.postprocess import Postprocess
from detector.structures import Detections
from detector.tensors import GridLevel, HeadOutput
from tests.built import built
from tests.heads import head_of

SIZE = (64, 96)
LEVELS = tuple(GridLevel(SIZE[0] // stride, SIZE[1] // stride, stride) for stride in (8, 16))
SILENT = -20.0


def postprocess(**changes: Any) -> Postprocess:
    """As configured, but for the changes."""
    made: Postprocess = built("postprocess/greedy", **changes)
    return made


def detections(
    settings: Postprocess, output: HeadOutput, sizes: Sequence[tuple[int, int]]
) -> list[Detections]:
    return settings(candidates_of(output, settings.candidates), sizes)


def quiet(*, batch: int = 1, classes: int = 3) -> HeadOutput:
    """No point says anything; every box is 8 x 8 around its point. Point k < 12 is at (4 + 8 k, 4)."""
    count = sum(level.height * level.width for level in LEVELS)
    return head_of(
        torch.full((batch, count, classes), SILENT), torch.full((batch, count, 4), 4.0), levels=LEVELS
    )


def naive(output: HeadOutput, image: int, settings: Postprocess) -> list[tuple[float, int, list[float]]]:
    """(score, label, box), best first: every pair, cut, then class by class in plain loops."""
    rows = []
    for point, (left, top, right, bottom) in enumerate(output.boxes[image].tolist()):
        box = [max(left, 0), max(top, 0), min(right, SIZE[1]), min(bottom, SIZE[0])]
        for label in range(output.logits.shape[2]):
            score = output.logits[image, point, label].sigmoid().item()
            if score >= settings.score_threshold and box[2] > box[0] and box[3] > box[1]:
                rows.append((score, label, box))
    rows = sorted(rows, reverse=True)[: settings.candidates]
    assert isinstance(settings.suppression, GreedyNms)
    most = settings.suppression.iou_threshold
    kept: list[tuple[float, int, list[float]]] = []
    for score, label, box in rows:
        rivals = [other for _, kind, other in kept if kind == label or not settings.class_aware]
        if not rivals or box_iou(torch.tensor([box]), torch.tensor(rivals)).max() <= most:
            kept.append((score, label, box))
    return kept[: settings.max_detections]


@pytest.mark.parametrize(
    "settings",
    [
        postprocess(),
        postprocess(score_threshold=0.3, suppression=GreedyNms(iou_threshold=0.3)),
        postprocess(candidates=60),
        postprocess(max_detections=7),
        postprocess(class_aware=False),
    ],
    ids=["default", "strict", "few candidates", "few detections", "whatever class"],
)
def test_the_same_as_the_naive_loop(settings):
    torch.manual_seed(3)
    count = sum(level.height * level.width for level in LEVELS)
    output = head_of(torch.randn(2, count, 3) - 1, torch.rand(2, count, 4) * 30, levels=LEVELS)
    both = detections(settings, output, [SIZE, SIZE])
    for image in range(2):
        expected = naive(output, image, settings)
        found = both[image]
        assert found.labels.tolist() == [label for _, label, _ in expected]
        np.testing.assert_allclose(found.scores, [score for score, _, _ in expected], rtol=1e-6)
        np.testing.assert_allclose(found.boxes, [box for _, _, box in expected], rtol=1e-6, atol=1e-5)
        assert (found.boxes.dtype, found.scores.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("class_aware", [True, False])
@pytest.mark.parametrize("name", ["greedy", "diou", "soft", "soft_linear"])
def test_what_scores_enough_is_found_as_if_less_had_been_asked_for(name: str, class_aware: bool):
    torch.manual_seed(4)
    settings = built(f"postprocess/{name}", class_aware=class_aware)
    count = sum(level.height * level.width for level in LEVELS)
    output = head_of(torch.randn(1, count, 3) - 1, torch.rand(1, count, 4) * 30, levels=LEVELS)
    candidates = candidates_of(output, settings.candidates)
    (every,), (found,) = settings(candidates, [SIZE]), settings(candidates, [SIZE], least=0.4)
    wanted, found = every.keep(every.scores >= 0.4), found.keep(found.scores >= 0.4)
    assert 5 < len(wanted.scores) < len(every.scores)
    for field in dataclasses.fields(Detections):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(wanted, field.name))


def test_a_score_of_just_the_threshold_is_enough():
    output = quiet()
    output.logits[0, 5, 0] = 0.0
    (found,) = detections(postprocess(score_threshold=0.5), output, [SIZE])
    assert found.scores.tolist() == [0.5]


def test_what_nobody_asks_for_costs_the_suppression_no_time():
    output = quiet()
    output.logits[0, [2, 5, 8], 0] = torch.tensor([3.0, 0.0, -3.0])
    seen = []

    def suppression(_: np.ndarray, scores: np.ndarray, __: np.ndarray, *, limit: int) -> Kept:  # noqa: ARG001
        seen.append(len(scores))
        return np.arange(len(scores)), scores

    settings = postprocess(score_threshold=0.01, suppression=suppression)
    for least in (0.0, 0.4):
        settings(candidates_of(output, settings.candidates), [SIZE], least=least)
    assert seen == [3, 2]


def test_a_point_may_answer_with_two_classes():
    output = quiet()
    output.logits[0, 5, 0], output.logits[0, 5, 2] = 1.0, 2.0
    (found,) = detections(postprocess(score_threshold=0.5), output, [SIZE])
    assert found.labels.tolist() == [2, 0]
    assert found.boxes.tolist() == [[40, 0, 48, 8]] * 2
    assert found.scores.tolist() == pytest.approx([0.880797, 0.731059], abs=1e-6)


def test_boxes_are_cut_to_each_picture_and_those_outside_dropped():
    """Points 4 and 7 are at x = 36 and 60; a picture 38 wide cuts the first box and loses the second."""
    output = quiet(batch=2)
    output.logits[:, [4, 7], 1] = 3.0
    narrow, wide = detections(postprocess(score_threshold=0.5), output, [(64, 38), SIZE])
    assert narrow.boxes.tolist() == [[32, 0, 38, 8]]
    assert sorted(wide.boxes.tolist()) == [[32, 0, 40, 8], [56, 0, 64, 8]]


def test_scores_that_fell_are_reported_sorted_and_dropped_below_the_threshold():
    """Points 2 and 3 have the same box; with sigma 0.5 the second keeps exp(-2) of 0.8808: 0.1192."""
    output = quiet()
    output.logits[0, [2, 3, 8], 0] = torch.tensor([3.0, 2.0, 0.0])
    output.boxes[0, 3] = output.boxes[0, 2]
    soft = SoftNmsGaussian(sigma=0.5)
    (found,) = detections(postprocess(score_threshold=0.1, suppression=soft), output, [SIZE])
    assert found.scores.tolist() == pytest.approx([0.952574, 0.5, 0.119203], abs=1e-6)
    assert found.boxes[:, 0].tolist() == [16, 64, 16]
    (found,) = detections(postprocess(score_threshold=0.12, suppression=soft), output, [SIZE])
    assert found.scores.tolist() == pytest.approx([0.952574, 0.5], abs=1e-6)


def test_a_silent_head_finds_nothing():
    (found,) = detections(postprocess(), quiet(), [SIZE])
    assert (found.boxes.shape, found.scores.shape, found.labels.shape) == ((0, 4), (0,), (0,))
    assert found.labels.dtype == np.int64


def test_bfloat16_scores_but_exact_boxes():
    """At x = 1004 bfloat16 steps by 4: computed in it, the box would lie elsewhere."""
    output = quiet()
    output.logits[0, 3, 0] = 2.0
    output.boxes[0, 3] = torch.tensor([1001.0, 1, 1009, 9])
    half = dataclasses.replace(output, logits=output.logits.bfloat16())
    (found,) = detections(postprocess(score_threshold=0.5), half, [(2000, 2000)])
    assert found.boxes.tolist() == [[1001, 1, 1009, 9]]
    assert found.scores.dtype == np.float32


@pytest.mark.parametrize("field", ["logits", "boxes"])
def test_values_that_are_not_finite_raise(field):
    output = quiet()
    output.logits[0, 3, 0] = 2.0
    getattr(output, field)[0, 3, 0] = float("nan")
    with pytest.raises(FloatingPointError, match="not finite"):
        detections(postprocess(), output, [SIZE])


@pytest.mark.parametrize(
    ("name", "value"),
    [("score_threshold", -0.1), ("max_detections", 0), ("candidates", 0), ("class_aware", "maybe")],
)
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(UserError, match=f"{name}={value}"):
        postprocess(**{name: value})


def test_a_wrong_number_of_sizes_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        detections(postprocess(), quiet(batch=3), [SIZE])

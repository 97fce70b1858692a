"""Task-aligned assignment: by hand on a drawn grid, and against loops on random scenes."""

from __future__ import annotations

import pytest
import torch

from detector.assign.task_aligned import TaskAligned
from detector.geometry.points import centres, encode
from detector.tensors import GridLevel, HeadOutput
from tests.built import built
from tests.heads import Truth, head_of, random_head, random_targets, targets_of
from tests.unit.assign import naive

# One level, 4 x 4 cells of 8 pixels; points at 4, 12, 20, 28. Point (column, row) is number 4 row + column.
SQUARE = (GridLevel(4, 4, 8),)
BOX = (8.0, 8.0, 24.0, 24.0)
A, B, C, D = 5, 6, 9, 10  # The points inside BOX: (12, 12), (20, 12), (12, 20), (20, 20).


def task_aligned(**changes: float) -> TaskAligned:
    """As configured, but for the changes."""
    assigner: TaskAligned = built("assigner/task_aligned", **changes)
    return assigner


def drawn(answers: dict[int, tuple[float, tuple[float, float, float, float]]]) -> HeadOutput:
    """One class; {point: (score, predicted box)}, score 0.01 and an empty box elsewhere."""
    points = centres(4, 4, stride=8, device="cpu")
    scores = torch.full((1, 16, 1), 0.01)
    boxes = torch.cat((points, points), dim=1)
    for point, (score, box) in answers.items():
        scores[0, point] = score
        boxes[point] = torch.tensor(box)
    return head_of(scores.logit(), encode(points, boxes)[None], levels=SQUARE)


def test_the_best_points_are_taken_and_their_quality_follows_their_alignment():
    output = drawn(
        {
            A: (0.5, BOX),  # IoU 1,   t = 0.5
            B: (0.1, (8, 8, 24, 16)),  # IoU 1/2, t = 0.1 / 64
            C: (0.1, (8, 8, 16, 16)),  # IoU 1/4, t = 0.1 / 4096
            D: (0.8, (8, 16, 24, 24)),  # IoU 1/2, t = 0.8 / 64 = 0.0125
        }
    )
    found = task_aligned(top_k=2)(output, targets_of([(BOX, 0)]))
    assert found.positive[0].nonzero().flatten().tolist() == [A, D]
    # The truth's best IoU is 1, so quality is t over the best t.
    assert found.quality[0, A].item() == pytest.approx(1.0)
    assert found.quality[0, D].item() == pytest.approx(0.0125 / 0.5)


def test_the_best_point_gets_the_best_iou_even_where_another_one_has_it():
    output = drawn({A: (0.01, BOX), D: (0.9, (8, 8, 24, 22))})  # t = 0.01; IoU 7/8, t = 0.9 (7/8)^6 = 0.4039
    found = task_aligned(top_k=2)(output, targets_of([(BOX, 0)]))
    assert found.quality[0, D].item() == pytest.approx(1.0)
    assert found.quality[0, A].item() == pytest.approx(0.01 / (0.9 * 0.875**6), rel=1e-4)


def test_points_outside_a_truth_are_no_candidates_however_good_they_are():
    output = drawn({0: (0.99, BOX), A: (0.1, BOX)})
    found = task_aligned()(output, targets_of([(BOX, 0)]))
    assert found.positive[0].nonzero().flatten().tolist() == [A, B, C, D]


def test_a_point_in_two_truths_goes_to_the_one_whose_box_it_predicts_best():
    left, right = (4.0, 4.0, 24.0, 24.0), (8.0, 8.0, 28.0, 28.0)  # A to D lie in both.
    output = drawn({A: (0.5, left), B: (0.9, left), C: (0.5, right), D: (0.9, right)})
    found = task_aligned(top_k=4)(output, targets_of([(left, 0), (right, 0)]))
    assert found.matched[0, [A, B, C, D]].tolist() == [0, 0, 1, 1]


def test_the_score_of_the_truths_own_class_counts():
    points = centres(4, 4, stride=8, device="cpu")
    logits = torch.full((1, 16, 2), -4.0)
    logits[0, A, 0], logits[0, D, 1] = 4.0, 4.0
    distances = encode(points, torch.tensor(BOX))[None]
    output = head_of(logits, distances, levels=SQUARE)
    for label, expected in ((0, A), (1, D)):
        found = task_aligned(top_k=1)(output, targets_of([(BOX, label)]))
        assert found.positive[0].nonzero().flatten().tolist() == [expected]


def test_a_truth_that_no_prediction_meets_still_teaches():
    # Empty boxes everywhere: every IoU and every t is 0.
    found = task_aligned(min_quality=0.1)(drawn({}), targets_of([(BOX, 0)]))
    torch.testing.assert_close(found.quality[0, [A, B, C, D]], torch.full((4,), 0.1))


def test_a_truth_that_is_hardly_met_keeps_the_order_of_its_points():
    # t = 0.01 / 256^6 = 3.6e-17 at A, and the score makes B a third of it.
    output = drawn({A: (0.01, (8, 8, 9, 9)), B: (0.01 / 3, (23, 8, 24, 9))})
    found = task_aligned(min_quality=0.1)(output, targets_of([(BOX, 0)]))
    assert found.quality[0, A].item() == pytest.approx(0.1)
    assert found.quality[0, B].item() == pytest.approx(0.1 / 3, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "assigner",
    [task_aligned(), task_aligned(top_k=3, alpha=0.5, beta=2.0, window=3, reach=2.0)],
    ids=["default", "other"],
)
def test_it_is_the_rule_written_as_a_loop(assigner: TaskAligned, seed: int):
    targets = random_targets(counts=[8, 3, 0], seed=seed)
    output = random_head(batch=3, seed=seed)
    found = assigner(output, targets)
    for image in range(3):
        expected = naive.task_aligned(assigner, output, targets, image)
        assert set(found.positive[image].nonzero().flatten().tolist()) == set(expected)
        for point, (truth, quality) in expected.items():
            assert found.matched[image, point] == truth
            assert found.quality[image, point].item() == pytest.approx(quality, rel=1e-3)
    assert found.positive.any()


def test_a_crowd_shares_its_points():
    # Six truths of 6 pixels, 4 pixels apart: each has points of its own although all windows overlap.
    row: list[Truth] = [((4.0 * i, 8.0, 4.0 * i + 6, 14.0), 0) for i in range(6)]
    targets = targets_of(row)
    output = head_of(torch.zeros(1, 84, 1))
    found = task_aligned()(output, targets)
    assert set(found.matched[found.positive].tolist()) == set(range(6))

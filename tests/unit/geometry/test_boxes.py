import math

import pytest
import torch
import torchvision.ops as tv
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.geometry import boxes as bx

SIMILARITIES = {
    "iou": bx.iou,
    "giou": bx.giou,
    "diou": bx.diou,
    "ciou": bx.ciou,
    "nwd": lambda a, b: bx.nwd(a, b, constant=12.8),
}

seeds = st.integers(0, 2**31)
quick = settings(max_examples=40, deadline=None)


def random_boxes(
    seed: int, *shape: int, side: float = 40.0, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Proper boxes on a field that small that many of them meet."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(*shape, 2, generator=generator, dtype=dtype) * side
    size = 0.5 + torch.rand(*shape, 2, generator=generator, dtype=dtype) * side
    return torch.cat((corner, corner + size), dim=-1)


def test_overlaps_of_two_squares_by_hand():
    # 10 x 10 each, shifted by (5, 5): intersection 25, union 175, hull 15 x 15, centres sqrt(50) apart.
    a, b = torch.tensor([0.0, 0, 10, 10]), torch.tensor([5.0, 5, 15, 15])
    assert bx.iou(a, b).item() == pytest.approx(25 / 175)
    assert bx.giou(a, b).item() == pytest.approx(25 / 175 - 50 / 225)
    assert bx.diou(a, b).item() == pytest.approx(25 / 175 - 50 / 450)
    assert bx.ciou(a, b).item() == pytest.approx(25 / 175 - 50 / 450)  # one aspect ratio: v = 0


def test_ciou_of_a_lying_and_a_standing_box_by_hand():
    # One centre, 8 x 4 and 4 x 8: intersection 16, union 48.
    a, b = torch.tensor([0.0, 2, 8, 6]), torch.tensor([2.0, 0, 6, 8])
    v = 4 / math.pi**2 * (math.atan(2) - math.atan(0.5)) ** 2
    alpha = v / (1 - 1 / 3 + v)
    assert bx.ciou(a, b).item() == pytest.approx(1 / 3 - alpha * v)


def test_nwd_by_hand():
    a = torch.tensor([0.0, 0, 4, 4])
    shifted = torch.tensor([3.0, 0, 7, 4])
    wider = torch.tensor([-1.0, 0, 5, 4])  # one centre, half width 3 instead of 2
    assert bx.nwd(a, shifted, constant=12.8).item() == pytest.approx(math.exp(-3 / 12.8), rel=1e-3)
    assert bx.nwd(a, wider, constant=2.0).item() == pytest.approx(math.exp(-1 / 2), rel=1e-3)
    assert bx.nwd(a, a, constant=12.8).item() == 1.0


def test_nwd_still_pulls_where_iou_no_longer_does():
    target = torch.tensor([0.0, 0, 2, 2])
    gradients = []
    for similarity in (bx.iou, SIMILARITIES["nwd"]):
        missed = torch.tensor([3.0, 0, 5, 2], requires_grad=True)
        similarity(missed, target).backward()
        gradients.append(missed.grad)
    assert gradients[0].abs().sum() == 0
    assert gradients[1][0] < 0
    assert gradients[1][2] < 0  # moving left brings it nearer


@quick
@given(seeds)
def test_of_every_two_agrees_with_torchvision_and_with_a_loop(seed):
    a, b = random_boxes(seed, 4), random_boxes(seed + 1, 6)
    looped = torch.stack([torch.stack([bx.iou(x, y) for y in b]) for x in a])
    torch.testing.assert_close(bx.iou(a[:, None], b), looped)
    torch.testing.assert_close(bx.area(a), tv.box_area(a))
    for ours, theirs in (
        (bx.iou, tv.box_iou),
        (bx.giou, tv.generalized_box_iou),
        (bx.diou, tv.distance_box_iou),
        (bx.ciou, tv.complete_box_iou),
    ):
        torch.testing.assert_close(ours(a[:, None], b[None]), theirs(a, b), atol=1e-6, rtol=0)


@quick
@given(seeds, st.floats(-200, 200), st.floats(0.1, 10))
def test_overlaps_are_symmetric_bounded_and_know_no_place_or_scale(seed, shift, scale):
    a, b = random_boxes(seed, 8), random_boxes(seed + 1, 8)
    for name, similarity in SIMILARITIES.items():
        value = similarity(a, b)
        torch.testing.assert_close(similarity(b, a), value)
        torch.testing.assert_close(similarity(a + shift, b + shift), value)
        if name != "nwd":  # measured in pixels by intent
            torch.testing.assert_close(similarity(a * scale, b * scale), value)
        assert (value <= 1 + 1e-12).all()
        assert (value >= {"iou": 0, "nwd": 0, "ciou": -1.5}.get(name, -1) - 1e-12).all()
        torch.testing.assert_close(similarity(a, a), torch.ones_like(value), atol=0, rtol=0)


@quick
@given(seeds)
def test_stricter_similarities_are_never_above_iou(seed):
    a, b = random_boxes(seed, 8), random_boxes(seed + 1, 8)
    iou = bx.iou(a, b)
    rounding = 1e-12
    assert (bx.giou(a, b) <= iou + rounding).all()
    assert (bx.ciou(a, b) <= bx.diou(a, b) + rounding).all()
    assert (bx.diou(a, b) <= iou + rounding).all()


DEGENERATE = {
    "point": [5.0, 5.0, 5.0, 5.0],
    "line": [2.0, 5.0, 8.0, 5.0],
    "inverted": [8.0, 8.0, 2.0, 2.0],
    "inverted in x": [8.0, 2.0, 2.0, 8.0],
    "subpixel": [5.0, 5.0, 5.0 + 1e-5, 5.0 + 1e-5],
    "proper": [2.0, 2.0, 8.0, 8.0],
}


@pytest.mark.parametrize("name", SIMILARITIES)
def test_degenerate_boxes_have_finite_values_and_gradients(name):
    function = SIMILARITIES[name]
    all_boxes = torch.tensor(list(DEGENERATE.values()))
    count = len(all_boxes)
    a = all_boxes.repeat_interleave(count, 0).requires_grad_()
    b = all_boxes.repeat(count, 1).requires_grad_()
    value = function(a, b)
    value.sum().backward()
    assert value.isfinite().all()
    assert a.grad.isfinite().all()
    assert b.grad.isfinite().all()


def test_the_slope_of_ciou_at_a_speck_is_bounded_by_its_eps():
    speck = torch.tensor([0.0, 0.0, 1e-18, 1e-18], requires_grad=True)  # 1 / side would be 1e18
    bx.ciou(speck, torch.tensor([0.0, 0.0, 5.0, 8.0]), eps=1e-5).backward()
    assert speck.grad.abs().max() < 1e5


def test_an_inverted_box_is_empty():
    inverted, proper = torch.tensor([8.0, 8, 2, 2]), torch.tensor([0.0, 0, 10, 10])
    assert bx.area(inverted) == 0
    assert bx.iou(inverted, proper) == 0
    assert bx.iou(inverted, inverted) == 0


@pytest.mark.parametrize("name", ["iou", "giou", "diou", "nwd"])
def test_gradients_are_the_numeric_ones(name):
    a = random_boxes(3, 6).requires_grad_()
    b = random_boxes(4, 6).requires_grad_()
    assert torch.autograd.gradcheck(SIMILARITIES[name], (a, b))


def test_gradient_of_ciou_is_that_of_its_formula_at_constant_alpha():
    b = random_boxes(4, 6)
    at = random_boxes(3, 6)

    def v(a: torch.Tensor) -> torch.Tensor:
        (_, _, wa, ha), (_, _, wb, hb) = (tv.box_convert(x, "xyxy", "xywh").unbind(-1) for x in (a, b))
        return 4 / math.pi**2 * (torch.atan(wb / hb) - torch.atan(wa / ha)) ** 2

    alpha = v(at) / (1 - bx.iou(at, b) + v(at))
    a, same = at.clone().requires_grad_(), at.clone().requires_grad_()
    bx.ciou(a, b).sum().backward()
    (bx.diou(same, b) - alpha * v(same)).sum().backward()
    torch.testing.assert_close(a.grad, same.grad)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_input_is_computed_in_float32(dtype):
    a, b = random_boxes(0, 6).to(dtype), random_boxes(1, 6).to(dtype)
    for similarity in SIMILARITIES.values():
        assert similarity(a, b).dtype == torch.float32
        torch.testing.assert_close(similarity(a, b), similarity(a.float(), b.float()), atol=0, rtol=0)


def test_runs_on_the_meta_device_forward_and_backward():
    a = torch.zeros(2, 7, 4, device="meta", requires_grad=True)
    b = torch.zeros(2, 7, 4, device="meta")
    total = bx.area(a).sum()
    for similarity in SIMILARITIES.values():
        total = total + similarity(a, b).sum()
    total.backward()
    assert a.grad.shape == a.shape

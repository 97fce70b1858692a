"""What the network promises the parts after it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from detector.geometry.points import decode, encode, grid_of
from detector.models.blocks import ConvNormAct
from detector.models.detector import Detector
from detector.models.head import squareplus
from detector.models.neck import FeaturePyramid
from detector.tensors import GridLevel, HeadOutput
from tests.built import built

HEAD = built("model/nano:head")
TINY = {
    "stem": 4,
    "widths": (4, 8, 8),
    "depths": (0, 1, 1),
    "neck_widths": (8, 8, 12),
    "neck_depths": (0, 1),
    "head": HEAD,
}


def tiny(seed: int = 0) -> Detector:
    """A few thousand parameters; weights and statistics such that the answers differ by place."""
    torch.manual_seed(seed)
    model = Detector(**TINY, classes=3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return model.eval().requires_grad_(False)


def images(batch: int = 2, height: int = 48, width: int = 64) -> Tensor:
    return torch.rand(batch, 1, height, width, generator=torch.Generator().manual_seed(1))


def distances(output: HeadOutput) -> Tensor:
    """[B, P, 4] from the points to the sides of their boxes."""
    return encode(output.grid.points, output.boxes)


def assert_same(a: HeadOutput, b: HeadOutput, *, rtol: float = 1e-4, atol: float = 1e-4) -> None:
    torch.testing.assert_close(a.logits, b.logits, rtol=rtol, atol=atol)
    torch.testing.assert_close(distances(a), distances(b), rtol=rtol, atol=atol)


def test_every_point_of_every_level_gets_one_answer():
    output = tiny()(images(height=48, width=64))
    assert output.grid.levels == (GridLevel(12, 16, 4), GridLevel(6, 8, 8), GridLevel(3, 4, 16))
    grid = grid_of(output.grid.levels, device="cpu")
    assert torch.equal(output.grid.points, grid.points)
    assert torch.equal(output.grid.strides, grid.strides)
    assert output.logits.shape == (2, 12 * 16 + 6 * 8 + 3 * 4, 3)
    assert output.boxes.shape == (2, len(grid.points), 4)


def test_answers_stand_in_the_order_of_the_points():
    # A head that answers with its input, channel 0: x, channel 1: y of the cell.
    head = HEAD(channels=(2, 2, 2), strides=(4, 8, 16), classes=2)
    head.towers = head.predict = nn.ModuleList([nn.Identity()] * 3)
    head.drop = Doubled()
    features = []
    for height, width, stride in ((6, 8, 4), (3, 4, 8), (2, 2, 16)):
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        features.append((torch.stack((x, y)) + 0.5)[None] * stride)
    output = head(features)
    assert torch.equal(output.logits[0], output.grid.points)


class Doubled(nn.Module):
    """x, y, ... as logits x, y and sides x, y, x, y."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x, x], dim=1)


@pytest.mark.parametrize("shape", [(1, 1, 40, 64), (1, 1, 64, 63), (1, 3, 64, 64)])
def test_a_size_or_depth_the_network_cannot_take_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"multiples of 16, got \[1, .*pad the images"):
        tiny()(torch.zeros(shape))


@pytest.mark.parametrize(
    ("name", "budget"), [("pico", 0.15e6), ("nano", 0.5e6), ("small", 1.5e6), ("medium", 3e6)]
)
def test_the_named_models_keep_their_parameter_budgets(name: str, budget: float):
    model = built(f"model/{name}", classes=8)
    assert 0.5 * budget < sum(parameter.numel() for parameter in model.parameters()) <= budget
    assert model.head.strides[0] == 4


@pytest.mark.parametrize(("depths", "cells"), [((0, 0), (4, 2, 1)), ((1, 1), (16, 6, 1))])
def test_a_coarse_cell_reaches_the_fine_cells_under_it(depths: tuple[int, int], cells: tuple[int, int, int]):
    """By a CSP stage of one residual a cell sees two neighbours on each side."""
    neck = positive_neck(depths)
    plain = [torch.ones(1, 4, side, side, dtype=torch.float64) for side in (64, 32, 16)]
    touched = [*plain[:2], plain[2].clone()]
    touched[2][..., 8, 8] = 2.0
    for before, after, side in zip(neck(plain), neck(touched), cells, strict=True):
        changed = (after != before).any(1)[0]
        assert changed.any(0).sum() == changed.any(1).sum() == side
        assert changed.sum() == side**2


def test_a_fine_level_tells_the_coarser_ones_nothing():
    neck = positive_neck((1, 1))
    plain = [torch.ones(1, 4, side, side, dtype=torch.float64) for side in (16, 8, 4)]
    before, after = neck(plain), neck([2 * plain[0], *plain[1:]])
    same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert same == [False, True, True]


def positive_neck(depths: tuple[int, int]) -> FeaturePyramid:
    """One whose weights are positive, so that more of anything gives more of everything that sees it."""
    torch.manual_seed(0)
    neck = FeaturePyramid(inputs=(4, 4, 4), widths=(4, 4, 4), depths=depths).eval().double()
    for parameter in neck.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)
    return neck


@pytest.mark.parametrize("depths", [(), (1, 1, 1)])
def test_a_neck_needs_a_width_per_level_and_a_depth_per_join(depths: tuple[int, ...]):
    with pytest.raises(ValueError, match="per level but the coarsest, of 3 levels"):
        FeaturePyramid(inputs=(4, 4, 4), widths=(4, 4, 4), depths=depths)


def test_training_and_evaluation_answer_alike_where_their_statistics_agree():
    model, picture = tiny().train(), images(batch=4)

    def keep_statistics(norm: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
        if norm.training:  # It divides by n, but keeps the unbiased variance.
            count = inputs[0].numel() / inputs[0].shape[1]
            norm.running_var *= (count - 1) / count

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            module.register_forward_hook(keep_statistics)
    trained = model(picture)
    evaluated = model.eval()(picture)
    assert evaluated.grid.levels == trained.grid.levels
    assert_same(evaluated, trained, rtol=1e-3, atol=1e-3)


def test_an_object_moved_by_the_coarsest_stride_moves_its_answers():
    # Far from the borders, whose padding the filters see: the tiny model's field is about 200 pixels.
    model, side, margin = tiny(), 512, 224
    blob = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(2))
    first, second = torch.zeros(2, 1, 1, side, side)
    first[..., 240:264, 236:260] = blob
    second[..., 256:280, 252:276] = blob
    outputs = [model(picture) for picture in (first, second)]
    start = 0
    for level in outputs[0].grid.levels:
        end, shift = start + level.height * level.width, 16 // level.stride
        inner = slice(margin // level.stride, -margin // level.stride)
        for values in (lambda output: output.logits, distances):
            a, b = (values(output)[0, start:end].reshape(level.height, level.width, -1) for output in outputs)
            moved = a.roll((shift, shift), (0, 1))[inner, inner]
            assert moved.std(dim=(0, 1)).min() > 1e-4, "no object seen: the test would prove nothing"
            torch.testing.assert_close(b[inner, inner], moved, rtol=1e-4, atol=1e-5)
        start = end


def test_distances_are_positive_and_grow_as_their_input_does():
    x = torch.tensor([-1e6, -50.0, -1.5, 0.0, 1.5, 50.0, 1e6])
    expected = torch.tensor([0.0, 1 / 50, 0.5, 1.0, 2.0, 50 + 1 / 50, 1e6])
    torch.testing.assert_close(squareplus(x), expected, rtol=1e-3, atol=1e-5)
    assert (squareplus(torch.linspace(-1e6, 1e6, 1001)) >= 0).all()
    torch.autograd.gradcheck(squareplus, x[1:-1].double().requires_grad_())


def test_a_new_network_gives_every_class_the_prior():
    torch.manual_seed(0)
    model = Detector(**{**TINY, "neck_widths": (16, 16, 16)}, classes=3)
    scores = model(images()).logits.sigmoid()
    assert scores.mean().item() == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_gives_float32_answers_close_to_full_precision(dtype: torch.dtype):
    model, picture = tiny(), images(batch=1, height=32, width=32)
    with torch.autocast("cpu", dtype=dtype):
        half = model(picture)
    for value in (half.logits, half.boxes, half.grid.points, half.grid.strides):
        assert value.dtype == torch.float32
    full = model(picture)
    torch.testing.assert_close(half.logits, full.logits, rtol=0.05, atol=0.1)
    torch.testing.assert_close(distances(half) / 16, distances(full) / 16, rtol=0.05, atol=0.1)


def test_boxes_far_from_the_origin_are_exact_under_autocast():
    """At x = 1004 bfloat16 steps by 4: computed in it, the boxes would lie elsewhere."""
    model = tiny()
    for predict in model.head.predict:  # Every side is a stride from its point.
        nn.init.zeros_(predict.weight)
        nn.init.zeros_(predict.bias)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(images(batch=1, height=16, width=1040))
    sides = output.grid.strides[:, None].expand(1, -1, 4)
    torch.testing.assert_close(output.boxes, decode(output.grid.points, sides), rtol=0, atol=0.01)


def test_channels_last_gives_the_same_answers():
    model, picture = tiny(), images()
    expected = model(picture)
    model = model.to(memory_format=torch.channels_last)
    assert_same(model(picture.to(memory_format=torch.channels_last)), expected)


def test_images_of_a_batch_do_not_influence_each_other_in_evaluation():
    model, picture = tiny(), images()
    both, alone = model(picture), model(picture[1:])
    torch.testing.assert_close(both.logits[1:], alone.logits, rtol=1e-4, atol=1e-5)


def test_blocks_halve_the_size_rounding_up():
    block = ConvNormAct(1, 2, stride=2)
    assert block(torch.zeros(2, 1, 7, 8)).shape == (2, 2, 4, 4)
    with pytest.raises(ValueError, match="same length"):
        Detector(**{**TINY, "depths": (1,)}, classes=1)

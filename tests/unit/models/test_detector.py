"""What the network promises the parts after it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from detector.geometry.points import decode, encode, grid_of
from detector.models.blocks import ConvNormAct
from detector.models.detector import Detector
from detector.tensors import GridLevel, HeadOutput
from tests.built import built

SHORT_HEAD = built("model/nano:head", depth=1)


def tiny(seed: int = 0) -> Detector:
    """A few thousand parameters; weights and statistics such that the answers differ by place."""
    torch.manual_seed(seed)
    model = Detector(stem=4, widths=(4, 8, 8), depths=(1, 1, 1), neck_channels=8, head=SHORT_HEAD, classes=3)
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
    head = tiny().head
    for tower in (head.class_tower, head.box_tower):
        tower.forward = lambda x, level: x  # noqa: ARG005
    head.classify, head.regress = nn.Identity(), nn.Conv2d(2, 4, 1)
    features = []
    for height, width, stride in ((6, 8, 4), (3, 4, 8), (2, 2, 16)):
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        features.append((torch.stack((x, y)) + 0.5)[None] * stride)
    output = head(features)
    assert torch.equal(output.logits[0], output.grid.points)


@pytest.mark.parametrize("shape", [(1, 1, 40, 64), (1, 1, 64, 63), (1, 3, 64, 64)])
def test_a_size_or_depth_the_network_cannot_take_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"multiples of 16, got \[1, .*pad the images"):
        tiny()(torch.zeros(shape))


@pytest.mark.parametrize(("name", "budget"), [("nano", 0.5e6), ("small", 1.5e6)])
def test_the_named_models_keep_their_parameter_budgets(name: str, budget: float):
    model = built(f"model/{name}", classes=8)
    assert 0.5 * budget < sum(parameter.numel() for parameter in model.parameters()) <= budget
    assert model.head.strides[0] == 4


def test_levels_share_the_filters_of_a_tower_but_no_batch_norm():
    head = tiny().head
    for tower in (head.class_tower, head.box_tower):
        norms = [norm for level in tower.norms for norm in level]
        assert len({id(norm) for norm in norms}) == 3 * len(tower.convolutions) == 3


def test_batch_norms_learn_the_statistics_of_their_own_level():
    tower = tiny().head.class_tower.train()
    x = torch.randn(4, 8, 8, 8)
    for level in range(3):
        tower.norms[level][0].momentum = 1.0
        tower(x * 10**level, level)
    first, second, third = (tower.norms[level][0].running_var for level in range(3))
    torch.testing.assert_close(second, 100 * first)
    torch.testing.assert_close(third, 100 * second)


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


def test_distances_are_positive_whatever_the_weights():
    model = tiny()
    nn.init.constant_(model.head.regress.bias, -50.0)
    nn.init.constant_(model.head.scales, -1.0)
    assert (distances(model(images())) > 0).all()
    nn.init.constant_(model.head.scales, 1.0)
    assert (distances(model(images())) >= 0).all()


def test_a_new_network_gives_every_class_the_prior():
    torch.manual_seed(0)
    model = Detector(
        stem=8, widths=(8, 16, 16), depths=(1, 1, 1), neck_channels=16, head=SHORT_HEAD, classes=3
    )
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
    for values in (model.head.regress.weight, model.head.regress.bias):
        nn.init.zeros_(values)  # Every side is ln 2 strides from its point.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(images(batch=1, height=16, width=1040))
    sides = math.log(2) * output.grid.strides[:, None].expand(1, -1, 4)
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
        Detector(stem=4, widths=(4, 8), depths=(1,), neck_channels=8, head=SHORT_HEAD, classes=1)

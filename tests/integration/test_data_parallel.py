"""Several processes that share a batch must train as one process that has it all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from detector import distributed
from detector.evaluation.predictions import Entry, predictions_json
from detector.inference.network import pipeline_of
from detector.inference.split import SplitFrames, detect
from detector.models.batch_norm import SyncBatchNorm2d
from detector.tensors import HeadOutput, LossTerms, Targets
from detector.thermal.agc import FixedRange
from tests.built import built
from tests.heads import CRITERIA, criterion, random_head, random_targets
from tests.unit.data.builders import split_on_disk
from tests.unit.engine.builders import CLASSES, FP32, Watched, criterion_of, model_of, trainer_of
from tests.unit.evaluation.builders import measured

IMAGES = 4
CASES = [(name, progress, ()) for name in CRITERIA for progress in (0.0, 1.0)] + [
    ("composite", 1.0, ("criterion.mining.scope=image", "criterion.mining.min_kept=2")),
    ("composite", 1.0, ("criterion.mining.ratio=0.5", "criterion.mining.max_kept=20")),
]


class Answers(nn.Module):
    """A model whose parameters are the answers to the images of the whole batch, by number."""

    def __init__(self) -> None:
        super().__init__()
        output = random_head(batch=IMAGES, seed=5)
        self.grid = output.grid
        # Rounded: many negatives then have equal losses, and ranks must break ties as one process does.
        self.logits = nn.Parameter(output.logits.detach().round(decimals=0))
        self.boxes = nn.Parameter(output.boxes.detach())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits[images], self.boxes[images]


@dataclass
class Result:
    """Of one case: the total, the parts, and the gradients of the answers."""

    total: Tensor
    parts: dict[str, Tensor]
    logits: Tensor
    boxes: Tensor


def measure(images: Tensor) -> list[Result]:
    """All cases, for a process that has these images of the batch."""
    everything = random_targets(counts=(7, 0, 2, 5), seed=2)  # Unequal counts: means of means would differ.
    targets = Targets(*(value[images] for value in vars(everything).values()))
    answers = Answers()
    model = DistributedDataParallel(answers) if distributed.world_size() > 1 else answers
    assigner, results = built("assigner/task_aligned"), []
    for name, progress, overrides in CASES:
        model.zero_grad(set_to_none=True)
        output = HeadOutput(*model(images), answers.grid)
        terms = criterion(name, *overrides)(output, assigner(output, targets), targets, progress=progress)
        terms.total.backward()
        assert answers.logits.grad is not None
        assert answers.boxes.grad is not None
        results.append(
            Result(terms.total.detach(), terms.parts, answers.logits.grad.clone(), answers.boxes.grad.clone())
        )
    return results


def in_group(rank: int, world: int, folder: str) -> None:
    """One of `world` processes: writes what it measured to folder."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    check_sums(rank, world)
    share = IMAGES // world
    results = measure(torch.arange(rank * share, (rank + 1) * share))
    torch.save([vars(result) for result in results], f"{folder}/{rank}.pt")
    first = (0, 3, 4, 5, 6)[rank]  # the first rank has three images, every other one
    torch.save(normed(slice(first, first + 1 if rank else 3), world), f"{folder}/normed{rank}.pt")
    torch.save(trained(Path(folder) / str(rank)), f"{folder}/trained{rank}.pt")
    torch.save(detected(Path(folder) / str(rank)), f"{folder}/detected{rank}.pt")
    distributed.barrier()
    dist.destroy_process_group()


def check_sums(rank: int, world: int) -> None:
    value = torch.tensor([1.0, 10.0]) * (rank + 1)
    value.requires_grad_()
    total = distributed.world_sum(value)
    number = world * (world + 1) // 2
    assert total.tolist() == [number, 10 * number]
    # The gradient is the sum of all ranks' gradients, so that their mean is the gradient of one process.
    (total * torch.tensor([2.0, 3.0])).sum().backward()
    assert value.grad is not None
    assert value.grad.tolist() == [2 * world, 3 * world]
    whole, part = distributed.world_sums([value, value[1]])
    assert (whole.tolist(), part.tolist()) == ([number, 10 * number], 10 * number)
    (gradient,) = torch.autograd.grad(part, value)
    assert gradient.tolist() == [0, world]
    assert distributed.world_gather(value)[:, 0].tolist() == list(range(1, world + 1))


def normed(images: slice, world: int) -> dict[str, Tensor]:
    """A step of synchronised batch norm over world + 2 images, for a rank that has these of them."""
    generator = torch.Generator().manual_seed(3)
    x, slope = torch.randn(2, world + 2, 3, 4, 5, dtype=torch.double, generator=generator).unbind()
    norm = SyncBatchNorm2d(3).double()
    mine = x[images].requires_grad_()
    (norm(mine) * slope[images]).sum().backward()
    assert mine.grad is not None
    assert norm.weight.grad is not None
    assert norm.bias.grad is not None
    # DistributedDataParallel takes the mean over ranks; here it is their sum that counts.
    weight, bias = (distributed.world_sum(p.grad) for p in (norm.weight, norm.bias))
    return {"x": mine.grad, "weight": weight, "bias": bias, **norm.state_dict()}


def trained(folder: Path) -> dict[str, Tensor]:
    """The weights, averages and losses of a training of six steps of four images, with dropout.

    In float64: else a ReLU whose input is all but 0 opens on one side and not on the other.
    """
    model = model_of(dropout=0.3).double()
    model.register_forward_pre_hook(lambda _, images: (images[0].double(),))
    losses: list[Tensor] = []

    def noting(_: int, terms: LossTerms) -> LossTerms:
        losses.append(terms.total.detach())
        return terms

    watched = Watched(criterion_of(), noting)
    shape: dict[str, int] = {"images": 9, "batch": IMAGES, "epochs": 3}
    trainer = trainer_of(
        folder, **shape, model=model, criterion=watched, evaluate_every=3, sync_batch_norm=True
    )
    trainer.fit()
    assert len(losses) == 6
    state = {f"average of {name}": value for name, value in trainer.ema.model.state_dict().items()}
    return {**trainer.model.state_dict(), **state, "losses": torch.stack(losses)}


def detected(folder: Path) -> tuple[list[Entry], dict[str, Any]]:
    """What a network finds in seven frames, shared out unevenly, and its metrics; only rank 0 has all."""
    annotations, model = split_on_disk(folder, 7), model_of().eval()
    for level in model.head.predict:
        nn.init.normal_(level.weight, std=0.5)  # scores that differ in more than their last bit
    settings = {"classes": CLASSES, "precision": FP32, "batch_size": 2}
    pipeline = pipeline_of(model, postprocess=built("postprocess/greedy"), **settings)
    found = detect(pipeline, SplitFrames(annotations, FixedRange(6000, 9000)))
    return list(predictions_json(found, annotations)), measured(annotations, found).overall


def check_detected(folder: Path) -> None:
    """The same metrics to the digit. A frame by itself may get scores that differ in the last bit."""
    entries, metrics = detected(folder / "alone")
    found, found_metrics = torch.load(folder / "detected0.pt", weights_only=True)
    assert found_metrics == metrics
    assert len(found) == len(entries) > 7
    for mine, wanted in zip(found, entries, strict=True):
        assert (mine["image_id"], mine["category_id"]) == (wanted["image_id"], wanted["category_id"])
        assert mine["score"] == pytest.approx(wanted["score"], rel=1e-5)
        assert mine["bbox"] == pytest.approx(wanted["bbox"], abs=2e-3)


@pytest.fixture(scope="module")
def alone() -> list[Result]:
    return measure(torch.arange(IMAGES))


def test_several_processes_give_what_one_gives(alone: list[Result], tmp_path: Path):
    world = 4
    mp.spawn(in_group, args=(world, str(tmp_path)), nprocs=world)
    for rank in range(world):
        found = [Result(**saved) for saved in torch.load(tmp_path / f"{rank}.pt", weights_only=True)]
        for case, mine, expected in zip(CASES, found, alone, strict=True):
            message = f"{case} on rank {rank}"
            assert abs(mine.total - expected.total) <= 1e-6 * max(1, abs(expected.total)), message
            for name, value in expected.parts.items():
                torch.testing.assert_close(mine.parts[name], value, rtol=1e-6, atol=1e-6)
            for gradient in ("logits", "boxes"):
                a, b = getattr(mine, gradient), getattr(expected, gradient)
                assert (a - b).abs().max() <= 1e-5, message
                assert b.abs().max() > 1e-4, "nothing to compare"
    check_normed(world, tmp_path)
    check_trained(world, tmp_path)
    check_detected(tmp_path)


def check_normed(world: int, folder: Path) -> None:
    wanted = normed(slice(None), world)
    ranks = [torch.load(folder / f"normed{rank}.pt", weights_only=True) for rank in range(world)]
    torch.testing.assert_close(torch.cat([found["x"] for found in ranks]), wanted.pop("x"))
    for found in ranks:
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value)


def check_trained(world: int, folder: Path) -> None:
    wanted = trained(folder / "whole")
    assert (wanted["losses"][0] - wanted["losses"][-1]).abs() > 1e-3
    for rank in range(world):
        found = torch.load(folder / f"trained{rank}.pt", weights_only=True)
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert (found[name] - value).abs().max() < 1e-6, f"{name} on rank {rank}"

"""Several processes that share a batch must train as one process that has it all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from detector import distributed
from detector.tensors import HeadOutput, Targets
from tests.built import built
from tests.heads import CRITERIA, criterion, random_head, random_targets

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
    assert distributed.world_gather(value)[:, 0].tolist() == list(range(1, world + 1))


@pytest.fixture(scope="module")
def alone() -> list[Result]:
    return measure(torch.arange(IMAGES))


@pytest.mark.parametrize("world", [2, 4])
def test_several_processes_give_the_loss_and_gradients_of_one(
    world: int, alone: list[Result], tmp_path: Path
):
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

"""Ranks and sums over them; every function is a no-op in a single process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from detector.errors import UserError

T = TypeVar("T")


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, 0 for the one that logs and saves."""
    return dist.get_rank() if world_size() > 1 else 0


def turn_on_host() -> tuple[int, int]:
    """(number of this process, how many train together) on its host."""
    if world_size() == 1:
        return 0, 1
    number = os.environ.get("LOCAL_RANK", rank())
    return int(number), int(os.environ.get("LOCAL_WORLD_SIZE", world_size()))


class _WorldSum(torch.autograd.Function):
    """Sum over ranks whose gradient is the sum over ranks of the gradients.

    Every rank then computes the same loss of the whole batch, and the mean over ranks that
    DistributedDataParallel takes of the parameters' gradients is exactly that loss's gradient. The ranks'
    gradients are one and the same, so their sum needs no second exchange.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return gradients[0] * dist.get_world_size()


def world_sum(value: Tensor) -> Tensor:
    """Sum of `value` (same shape everywhere) over ranks, differentiable.

    Every rank must make the same of the sum, so that its gradient is the same everywhere.
    """
    if world_size() == 1:
        return value
    return _WorldSum.apply(value)


def world_sums(values: Sequence[Tensor]) -> list[Tensor]:
    """`world_sum` of several tensors of one dtype, in one exchange."""
    if world_size() == 1:
        return list(values)
    sums = world_sum(torch.cat([value.flatten() for value in values]))
    parts = sums.split([value.numel() for value in values])
    return [part.view_as(value) for part, value in zip(parts, values, strict=True)]


def world_gather(value: Tensor) -> Tensor:
    """Every rank's `value` (same shape everywhere) in rank order: [world, ...]. Passes no gradient."""
    if world_size() == 1:
        return value.detach()[None]
    parts = [torch.empty_like(value) for _ in range(world_size())]
    dist.all_gather(parts, value.detach().contiguous())
    return torch.stack(parts)


def from_first(make: Callable[[], T]) -> T:
    """What `make` gives on rank 0, which alone calls it, on every rank.

    A UserError of it is raised on every rank. The value travels as a pickle: it comes from a process of ours.
    """
    if world_size() == 1:
        return make()
    told: list[Any] = [None, None]
    if rank() == 0:
        try:
            told[0] = make()
        except UserError as error:
            told[1] = error
    dist.broadcast_object_list(told, src=0)
    if told[1] is not None:
        raise told[1]
    made: T = told[0]
    return made


def gathered(value: T) -> list[T]:
    """Every rank's `value`, anything that can be pickled, in rank order."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def barrier() -> None:
    """Wait for every rank."""
    if world_size() > 1:
        dist.barrier()

"""One process: everything is as if the functions were not there. Several: tests/integration."""

from __future__ import annotations

import torch

from detector import distributed


def test_one_process_is_rank_zero_of_one():
    assert distributed.world_size() == 1
    assert distributed.rank() == 0
    distributed.barrier()


def test_the_sum_over_one_process_is_the_value_with_its_gradient():
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    total = distributed.world_sum(value)
    assert torch.equal(total, value)
    (total * torch.tensor([3.0, 5.0])).sum().backward()
    assert value.grad.tolist() == [3, 5]


def test_several_sums_over_one_process_are_the_values_and_what_is_not_used_has_no_gradient():
    used, unused = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    first, second = distributed.world_sums([used, unused])
    assert (first.tolist(), second.tolist()) == ([1, 2], [1, 2])
    first.sum().backward()
    assert used.grad.tolist() == [1, 1]
    assert unused.grad is None


def test_gathering_one_process_adds_its_dim_and_passes_no_gradient():
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    gathered = distributed.world_gather(value)
    assert gathered.tolist() == [[1, 2]]
    assert not gathered.requires_grad

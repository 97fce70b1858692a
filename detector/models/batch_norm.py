"""Batch norm over the batches of all ranks, so that the number of processes changes nothing."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detector import distributed


class SyncBatchNorm2d(nn.BatchNorm2d):
    """nn.BatchNorm2d whose training sees the mean and variance of the pixels of all ranks together.

    Ranks may have different numbers of images: every pixel counts alike. Its state dict is a plain batch
    norm's, and in evaluation it is one. One exchange forward and one backward, of a few numbers for each
    channel. torch's own SyncBatchNorm refuses tensors that are not on a GPU, and there waits for counts.
    """

    @torch.compiler.disable
    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] -> the same; in training every rank must call it as often as the others."""
        if not self.training:
            return super().forward(input)
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            mean, variance, count = _statistics(input, self.running_mean, self.running_var)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        normed: Tensor = _Normalise.apply(input, self.weight, self.bias, mean, variance, count, self.eps)
        return normed


def synchronise(model: nn.Module) -> None:
    """Put a SyncBatchNorm2d with the same parameters and statistics in the place of every batch norm."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, _synchronised(child))


def _synchronised(norm: nn.BatchNorm2d) -> SyncBatchNorm2d:
    """On the meta device first: nothing is allocated for what is then taken over."""
    synced = SyncBatchNorm2d(norm.num_features, norm.eps, norm.momentum, device="meta")
    synced.weight, synced.bias = norm.weight, norm.bias
    for name, buffer in norm.named_buffers(recurse=False):
        setattr(synced, name, buffer)
    return synced.train(norm.training)


def _statistics(x: Tensor, running_mean: Tensor, running_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [C] and biased variance [C] of every channel over all ranks, and the number of pixels, a scalar.

    From means and variances of each rank: sums of squares would lose the digits of a variance that is small
    beside the mean. running_mean, running_var: stay as they are; their type is that of the results.
    """
    own_mean, own_variance = torch.batch_norm_update_stats(x, running_mean, running_var, 0.0)
    own_count = own_mean.new_full((1,), x.numel() // x.shape[1])
    parts = distributed.world_gather(torch.cat((own_mean, own_variance, own_count)))
    means, variances, counts = parts.split([x.shape[1], x.shape[1], 1], dim=1)
    count = counts.sum()
    share = counts / count
    mean = (share * means).sum(0)
    return mean, (share * (variances + (means - mean) ** 2)).sum(0), count


class _Normalise(torch.autograd.Function):
    """weight (x - mean) / sqrt(variance + eps) + bias, where mean and variance are those of all ranks' x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance, count)
        ctx.eps = eps
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance, count = ctx.saved_tensors
        # Of mean and variance as constants, as in evaluation: sums over this rank's pixels.
        _, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0], x, weight, mean, variance, None, None, False, ctx.eps, [False, True, True]
        )
        # What mean and variance pass on from every pixel of every rank to each.
        mean_weight, mean_bias = distributed.world_sum(torch.stack((by_weight, by_bias))) / count
        inverse = (variance + ctx.eps).rsqrt()
        scale = weight * inverse
        slope = -scale * inverse * mean_weight
        shift = -scale * mean_bias - slope * mean
        by_x = torch.addcmul(shift[:, None, None], x, slope[:, None, None])
        by_x.addcmul_(gradients[0], scale[:, None, None])
        return by_x.to(x.dtype), by_weight, by_bias, None, None, None, None

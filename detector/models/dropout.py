"""Dropout that loses the same channels whatever the number of processes."""

from __future__ import annotations

from torch import Tensor, nn

from detector import distributed


class BatchDropout2d(nn.Dropout2d):
    """nn.Dropout2d that draws for the whole batch of all ranks and takes this rank's part of it.

    So no two images lose the same channels, one process with the whole batch loses what several lose, and the
    ranks' generators, which begin alike, stay alike: one checkpoint's random state serves all. Every rank
    must have as many images as the others.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] -> the same."""
        if not self.training:
            return input
        images, channels = input.shape[:2]
        everywhere = input.new_empty(images * distributed.world_size(), channels, 1, 1)
        kept = everywhere.bernoulli_(1 - self.p).div_(1 - self.p)
        first = images * distributed.rank()
        return input * kept[first : first + images]

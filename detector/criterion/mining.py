"""Online mining of hard negatives, with static shapes and without asking the device for a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from detector import distributed
from detector.errors import UserError

DIGITS = 2**16
"""Values of a 16-bit digit; a 32-bit key has two digits."""


@dataclass(frozen=True)
class HardNegatives:
    """Keeps the negatives of highest loss, `ratio` per positive (the draft's Algorithm 2).

    A sample is a prediction point. scope: "batch" ranks the negatives of the whole batch (of all ranks)
    together, so empty but confusing images get more of them; "image" ranks each image by itself. min_kept:
    negatives kept per set even with few or no positives, so that an image without objects still teaches;
    max_kept: the largest number kept per set, or None. warmup_fraction: of the run, in [0, 1]: until then
    every negative counts, and their sum is still divided by the number mining would keep, so the loss does
    not jump when mining starts; 1 never mines.
    """

    ratio: float
    scope: Literal["batch", "image"]
    min_kept: int
    max_kept: int | None
    warmup_fraction: float

    def __post_init__(self) -> None:
        if self.scope not in ("batch", "image"):
            raise UserError(f"mining.scope must be batch or image, found {self.scope!r}")
        if (
            self.ratio < 0
            or self.min_kept < 0
            or (self.max_kept is not None and self.max_kept < self.min_kept)
        ):
            raise UserError(
                f"mining needs ratio >= 0 and 0 <= min_kept <= max_kept, found ratio={self.ratio}, "
                f"min_kept={self.min_kept}, max_kept={self.max_kept}"
            )
        if not 0 <= self.warmup_fraction <= 1:
            raise UserError(f"mining.warmup_fraction={self.warmup_fraction}: must be between 0 and 1")

    def __call__(
        self, losses: Tensor, positive: Tensor, negative: Tensor, *, progress: float | Tensor
    ) -> tuple[Tensor, Tensor]:
        """losses [B, P] of every point taken as a negative; positive, negative [B, P] bool.

        Returns selected [B, P] bool and k, a float scalar: how many negatives of the whole batch (of all
        ranks) mining keeps at this step, which is the denominator of their mean.
        """
        losses = torch.where(negative, losses.detach(), -torch.inf)
        if self.scope == "image":
            k = self._wanted(positive.sum(1), negative.sum(1))
            selected = hardest(losses, k)
            total = distributed.world_sum(k.sum().float())
        else:
            # One exchange between ranks: the count of positives travels behind the losses.
            count = positive.sum().to(losses.dtype)
            everywhere = distributed.world_gather(torch.cat([losses.flatten(), count[None]]))
            ranked = everywhere[:, :-1]
            k = self._wanted(everywhere[:, -1].sum(), (ranked > -torch.inf).sum())
            selected = hardest(ranked.reshape(1, -1), k[None]).reshape(ranked.shape)
            selected = selected[distributed.rank()].view_as(losses)
            total = k.float()
        warming = progress < self.warmup_fraction
        return negative & (selected | warming), total

    def _wanted(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """k = ratio * positives, at least `min_kept`, at most `max_kept` and what there is; int64."""
        k = (self.ratio * positives).long().clamp(min=self.min_kept, max=self.max_kept)
        return torch.minimum(k, negatives)


def hardest(losses: Tensor, k: Tensor) -> Tensor:
    """The k highest of each row: losses [N, M], k [N] int64 <= M -> [N, M] bool; ties go to the lower index.

    k stays on the device, and nothing is sorted, which took six times as long: the kth highest is found digit
    by digit, of two that make a number, by counting how often each occurs (a radix select).
    """
    bits = (losses.float() + 0.0).view(torch.int32)  # -0 becomes 0
    keys = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # integers in the order of the numbers
    high, low = (keys >> 16) + DIGITS // 2, keys & (DIGITS - 1)
    wanted = k[:, None]
    first, above = _digit_of_kth(high, torch.ones_like(high), wanted)
    near = high == first
    second, _ = _digit_of_kth(low, near.int(), wanted - above)
    more = (high > first) | (near & (low > second))
    same = near & (low == second)
    return more | (same & (same.cumsum(1) <= wanted - more.sum(1, keepdim=True)))


def _digit_of_kth(digits: Tensor, counted: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Of those counted the kth highest digit, and how many have a higher one.

    digits [N, M] in [0, DIGITS); counted [N, M] int32, 0 or 1; k [N, 1]. Returns two [N, 1] int64.
    """
    often = counted.new_zeros(len(digits), DIGITS).scatter_add(1, digits.long(), counted)
    reached = often.flip(1).cumsum(1)  # by the highest digit, the two highest, ...
    short = (reached < k).sum(1, keepdim=True)
    above = torch.where(short > 0, reached.gather(1, (short - 1).clamp(min=0)), 0)
    return DIGITS - 1 - short, above

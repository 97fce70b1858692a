"""Where a run stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Progress:
    """Where a run stands; all a resumed run needs beside tensors.

    epoch: epochs behind us, evaluation included. batch: batches of the running one behind us. step: optimizer
    steps. best, best_epoch: the highest AP and the epochs behind it; as long as nothing was found, the latest
    evaluation's. stale: evaluations since the highest AP.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float = -1.0
    best_epoch: int = -1
    stale: int = 0

    def judged(self, ap: float | None) -> None:
        """Take note of an evaluation; ap: None where there is nothing to find, which makes none stale."""
        better = ap is not None and ap > self.best
        if ap is not None:
            self.stale = 0 if better else self.stale + 1
        # Weights that find nothing yet are no reason to keep the first of them.
        if better or self.best <= 0:
            self.best, self.best_epoch = ap or 0.0, self.epoch

"""Where a run stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Progress:
    """Where a run stands; all a resumed run needs beside tensors.

    epoch: epochs behind us, evaluation included. batch: batches of the running one behind us. step: optimizer
    steps. best, best_epoch: the highest AP and the epochs behind it. stale: evaluations since then.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float = -1.0
    best_epoch: int = -1
    stale: int = 0

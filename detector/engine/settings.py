"""How to compute and how to train: the settings under `engine`, typed and checked. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from detector.errors import UserError


@dataclass(frozen=True, kw_only=True)
class InferenceSettings:
    """Where a network runs: see engine/device.py for device and precision; batch_size: frames at a time.

    Raises UserError for values out of range, as do all here.
    """

    device: str
    precision: str
    batch_size: int

    def __post_init__(self) -> None:
        self.at_least(1, "batch_size")

    def at_least(self, least: float, *names: str) -> None:
        for name in names:
            if getattr(self, name) < least:
                raise UserError(f"engine.{name}={getattr(self, name)}: must be at least {least}")


@dataclass(frozen=True, kw_only=True)
class EngineSettings(InferenceSettings):
    """How long and how to train.

    batch_size: images per batch, over all processes. processes: "auto" or a number. epochs: passes over the
    training split. accumulate: batches per optimizer step; their losses are averaged, which for a composite
    loss is not the loss of one larger batch. no_mosaic_fraction: of the epochs, at the end. warmup_fraction,
    lr_floor: see WarmupCosine. clip_norm: bound of the gradient's norm. ema_decay: see Ema. evaluate_every:
    epochs between evaluations. patience: evaluations without a better AP before training stops, or None.
    sync_batch_norm: whether several processes share batch statistics, see models/batch_norm.py. graphs:
    whether one GPU replays recorded steps, see engine/graphs.py. log_every: steps between readings of the
    losses. workers: loader processes per training process, "auto" or a number. cache_mib: decoded frames kept
    in memory, per training process. keep: former last.pt kept. on_nonfinite, most_skipped: see Skipping in
    engine/finite.py. timeout: seconds that anything waits for a loader worker or another process.
    """

    processes: int | str
    epochs: int
    accumulate: int
    no_mosaic_fraction: float
    warmup_fraction: float
    lr_floor: float
    clip_norm: float
    ema_decay: float
    evaluate_every: int
    patience: int | None
    log_every: int
    sync_batch_norm: bool
    graphs: bool
    compile: bool
    workers: int | str
    cache_mib: int
    keep: int
    on_nonfinite: str
    most_skipped: int
    timeout: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_least(1, "epochs", "accumulate", "evaluate_every", "log_every")
        self.at_least(0, "cache_mib", "keep", "most_skipped")
        self.at_least(1, "timeout")
        if self.on_nonfinite not in ("stop", "skip"):
            raise UserError(f"engine.on_nonfinite={self.on_nonfinite}: must be stop or skip")
        for name in ("no_mosaic_fraction", "lr_floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"engine.{name}={getattr(self, name)}: must be between 0 and 1")
        for name in ("warmup_fraction", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"engine.{name}={getattr(self, name)}: must be at least 0 and below 1")
        if not self.clip_norm > 0:
            raise UserError(f"engine.clip_norm={self.clip_norm}: must be above 0")
        if self.patience is not None and self.patience < 1:
            raise UserError(f"engine.patience={self.patience}: must be null or a whole number from 1")


def number_from(key: str, setting: int | str, *, least: int) -> int:
    """A setting that is not "auto"; UserError naming its key where it is no number from `least` either."""
    if not isinstance(setting, int) or setting < least:
        raise UserError(f"{key}={setting}: must be auto or a number from {least}")
    return setting

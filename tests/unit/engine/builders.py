"""A whole training set-up of toy size, and numbers to feed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from detector import distributed
from detector.criterion.combine import ShiftedGeometric
from detector.criterion.composite import Composite
from detector.criterion.factors import joint
from detector.criterion.protocol import Criterion
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import TrainLoader, train_loader
from detector.engine import description
from detector.engine.device import Precision
from detector.engine.optim import OptimizerFactory
from detector.engine.settings import EngineSettings
from detector.engine.tracking import Tracker
from detector.engine.trainer import Trainer
from detector.evaluation.coco import NAMES, Metrics
from detector.losses.box import giou_loss
from detector.losses.classification import cross_entropy
from detector.models.detector import Detector
from detector.tensors import Assignment, HeadOutput, LossTerms, Targets
from detector.thermal.agc import FixedRange
from tests.built import built, read
from tests.unit.data.builders import split_on_disk
from tests.unit.data.recipes import patches
from tests.unit.evaluation.builders import annotations, measured

IMAGES, BATCH = 8, 2
CLASSES = ("person", "car")
FP32 = Precision(torch.float32, torch.device("cpu"))


def model_of(classes: int = 2, *, dropout: float = 0.0) -> Detector:
    """The real network, with a few thousand parameters; always the same ones."""
    torch.manual_seed(0)
    size = {"stem": 4, "widths": [8, 8], "depths": [1, 1], "neck_widths": [8, 8], "neck_depths": [1]}
    head = built("model/nano:head", dropout=dropout)
    model: Detector = built("model/nano", **size, head=head, classes=classes)
    return model


def loader_of(folder: Path, *, images: int = IMAGES, batch: int = BATCH) -> TrainLoader:
    """Real frames on disk, really augmented; batch: images of all ranks together."""
    dataset = DetectionDataset(
        split_on_disk(folder / "frames", images),
        agc=FixedRange(6000, 9000),
        transform=patches((32, 32)),
        cache_mib=1,
    )
    world = distributed.world_size()
    rank = distributed.rank()
    return train_loader(dataset, batch_size=batch // world, workers=0, seed=0, rank=rank, world_size=world)


def criterion_of() -> Composite:
    """Mining starts within a test's steps, so that a wrong step count shows."""
    return Composite(
        classification=cross_entropy,
        box=giou_loss,
        mining=built("criterion/composite:mining", ratio=3.0, warmup_fraction=0.2),
        factors=joint,
        combine=ShiftedGeometric(shift=0.1),
        cls_weight=1.0,
        box_weight=1.0,
        quality_targets=True,
    )


def metrics_of(ap: float | None) -> Metrics:
    """An evaluation that found this AP, whatever else it says."""
    return replace(measured(annotations(), {}), overall=dict.fromkeys(NAMES, ap))


@dataclass
class Judge:
    """A validation that finds the APs it was given, one after the other, and keeps what it was shown.

    before: called when it has the model and before it says what it found.
    """

    aps: Iterator[float | None]
    before: Callable[[], None] = lambda: None
    seen: list[dict[str, Tensor]] = field(default_factory=list)

    def __call__(self, model: nn.Module) -> Metrics:
        assert not model.training
        self.seen.append({name: value.clone() for name, value in model.state_dict().items()})
        self.before()
        return metrics_of(next(self.aps))


@dataclass
class Watched:
    """A criterion that calls `after` with the number of each call, from 1, and may change its result.

    progress: what it was told at each call.
    """

    inner: Criterion
    after: Callable[[int, LossTerms], LossTerms]
    progress: list[float] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.progress)

    def __call__(
        self, head_output: HeadOutput, assignment: Assignment, targets: Targets, *, progress: float | Tensor
    ) -> LossTerms:
        self.progress.append(float(progress))
        terms = self.inner(head_output, assignment, targets, progress=progress)
        return self.after(self.calls, terms)


def trainer_of(
    folder: Path,
    *,
    epochs: int = 4,
    images: int = IMAGES,
    batch: int = BATCH,
    model: Detector | None = None,
    judge: Judge | None = None,
    aps: Sequence[float | None] = (0.1, 0.2, 0.3, 0.4, 0.5),
    criterion: Criterion | None = None,
    optimizer: OptimizerFactory | None = None,
    precision: Precision = FP32,
    **settings: Any,
) -> Trainer:
    """A trainer that saves to folder/checkpoints; `settings` override those below and of configs/."""
    mine = {"ema_decay": 0.9, "evaluate_every": 2, "log_every": 1, "warmup_fraction": 0.125}
    chosen = {**mine, "lr_floor": 0.02, "clip_norm": 10.0, "epochs": epochs, **settings}
    return Trainer(
        model_of() if model is None else model,
        assigner=built("assigner/task_aligned"),
        criterion=criterion_of() if criterion is None else criterion,
        optimizer=built("optimizer/adamw", lr=2e-3) if optimizer is None else optimizer,
        loader=loader_of(folder, images=images, batch=batch),
        validate=Judge(iter(aps)) if judge is None else judge,
        precision=precision,
        settings=read(EngineSettings, "engine/default", **chosen),
        tracker=Tracker(None, quiet=True),
        folder=folder / "checkpoints",
        describe={"config": {name: {} for name in description.USED}, "classes": list(CLASSES)},
    )


def assert_same(one: Any, other: Any, where: str = "state") -> None:
    """Equality to the last bit of nested tensors and plain values."""
    if isinstance(one, dict) and isinstance(other, dict):  # an OrderedDict is one too
        assert one.keys() == other.keys(), where
        for key, value in one.items():
            assert_same(value, other[key], f"{where}.{key}")
        return
    assert type(one) is type(other), where
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{where}[{number}]")
    elif isinstance(one, Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where

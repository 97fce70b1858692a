"""What a training learns from and is judged on, of plain settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detector import distributed
from detector.app.build import load_split
from detector.app.gain import gain_of
from detector.app.parts import build
from detector.data.annotations import Annotations
from detector.data.classes import of_set, with_classes
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import TrainLoader, train_loader
from detector.data.loading.sample import Transform
from detector.data.loading.sampling import alarm_factors, repeat_factors
from detector.data.readers.assemble import shown
from detector.data.splits import drawn, merge
from detector.engine.settings import EngineSettings
from detector.errors import UserError
from detector.evaluation.false_alarms import read_false_alarms


def training_split(config: dict[str, Any]) -> Annotations:
    """What a run learns from; UserError where there is no object in it."""
    data = config["data"]
    annotations = load_split(data, data["train"])
    if not annotations.object_counts().any():
        raise UserError(
            f"data.train={data['train']}: none of its {len(annotations.records)} frames has an object to "
            "learn: label some, or see data.source.classes and data.remap"
        )
    count = data.get("frames")  # older runs have no such key
    if count is not None:
        annotations = drawn(annotations, count, seed=config["seed"])
    beside = data.get("beside")
    return annotations if beside is None or beside["root"] is None else _joined(annotations, beside, data)


def _joined(annotations: Annotations, beside: Mapping[str, Any], data: Mapping[str, Any]) -> Annotations:
    """The frames to learn from and those of `data.beside`, which may know fewer classes."""
    if data.get("false_alarms") is not None:
        raise UserError(
            "data.beside and data.false_alarms: a file tells of one set's frames, give one of them"
        )
    if not Path(str(beside["root"])).exists():  # of which the reader would say that it is data.root
        raise UserError(f"data.beside.root={beside['root']}: no such folder")
    other = load_split({**data, **beside}, beside["split"])
    if not set(other.classes) <= set(annotations.classes):
        raise UserError(
            f"data.beside.root={beside['root']}: has the classes {shown(other.classes, 20)}, "
            f"the training split {shown(annotations.classes, 20)}: data.beside.remap={{old: new, old: null}} "
            "renames and drops"
        )
    other = with_classes(of_set(other, Path(str(beside["root"])).name), annotations.classes)
    return merge({"own": annotations, "beside": other})


def false_alarms_on(annotations: Annotations, data: Mapping[str, Any]) -> list[int] | None:
    """How many false alarms `data.false_alarms` has on each frame to learn from; None where no file is named.

    annotations: of `training_split`. Raises UserError as `read_false_alarms` does.
    """
    file = data.get("false_alarms")  # older runs have no such key
    if file is None:
        return None
    # A detector is judged on the whole split, also where few frames are drawn from it to learn from.
    whole = annotations if data.get("frames") is None else load_split(data, data["train"])
    counts = dict(
        zip(whole.table.image_ids.tolist(), read_false_alarms(Path(file), whole).tolist(), strict=True)
    )
    return [counts[image] for image in annotations.table.image_ids.tolist()]


def showing_factors(
    annotations: Annotations, *, rare_below: float, false_alarms: Sequence[int] | None
) -> np.ndarray:
    """[N] how often each frame is shown next to the others.

    The larger of what its classes and its false alarms ask for, as of two rare classes: one showing serves
    both.
    """
    factors = repeat_factors(annotations, rare_below=rare_below)
    return factors if false_alarms is None else np.maximum(factors, alarm_factors(np.array(false_alarms)))


def alarms_told(false_alarms: Sequence[int], factors: np.ndarray) -> str:
    """What the false alarms change, for the user. factors [N]: of `showing_factors`."""
    counts = np.array(false_alarms)
    share = factors[counts > 0].sum() / factors.sum()
    return (
        f"data.false_alarms has {counts.sum()}, on {(counts > 0).sum()} of {len(counts)} frames: "
        f"these are {share:.0%} of those shown"
    )


def training_loader(
    config: dict[str, Any],
    settings: EngineSettings,
    annotations: Annotations,
    *,
    false_alarms: Sequence[int] | None,
    workers: int,
    multiple: int,
) -> TrainLoader:
    """The batches of a run, of this process of the group.

    false_alarms: of `false_alarms_on`. multiple: of pixels, that the network takes.
    """
    without_mosaic = round(settings.no_mosaic_fraction * settings.epochs)
    dataset = DetectionDataset(
        annotations,
        agc=gain_of(config),
        transform=transform_of(config, multiple=multiple, mosaic_epochs=settings.epochs - without_mosaic),
        cache_mib=settings.cache_mib,
        seed=config["seed"],
    )
    return train_loader(
        dataset,
        batch_size=settings.batch_size // distributed.world_size(),
        workers=workers,
        seed=config["seed"],
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        factors=showing_factors(
            annotations, rare_below=config["data"]["rare_below"], false_alarms=false_alarms
        ),
        timeout=settings.timeout,
    )


def transform_of(config: dict[str, Any], *, multiple: int, mosaic_epochs: int | None = None) -> Transform:
    """The run's augmentation. mosaic_epochs: after which there are no mosaics, None: always."""
    return build("augment", config["augment"], multiple=multiple, mosaic_epochs=mosaic_epochs)


def split_with_classes(data: Mapping[str, Any], split: str, classes: Sequence[str]) -> Annotations:
    """A split in terms of the training's classes; UserError where it has others."""
    annotations = load_split(data, split)
    if not set(annotations.classes) <= set(classes):
        raise UserError(
            f"data split {split}: has the classes {shown(annotations.classes, 20)}, "
            f"the training split has {shown(classes, 20)}; name them in data.source.classes"
        )
    # A file may list only the classes that occur in it.
    return with_classes(annotations, classes)

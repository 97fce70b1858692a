"""From configuration to objects: the pieces that training and evaluation build alike."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from detector.data.annotations import Annotations, Source
from detector.data.classes import remap
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import BatchLoader, eval_loader
from detector.data.loading.padding import PadOnly
from detector.engine import checkpoint
from detector.errors import UserError
from detector.evaluation.coco import Metrics, evaluate
from detector.evaluation.metrics.backends import backend_of
from detector.evaluation.metrics.bins import Bins
from detector.inference.postprocess import Postprocess
from detector.models.detector import Detector
from detector.structures import Detections
from detector.thermal.agc import Agc


def build_source(data: DictConfig) -> Source:
    """The data set on disk."""
    # A folder called 2024 arrives as a number.
    return instantiate(data.source, root=str(data.source.root))


def load_split(data: DictConfig, split: str) -> Annotations:
    """The truth of one split, its classes as `data.remap` has them; raises UserError as both do."""
    annotations = build_source(data).load(split)
    # Checkpoints from before there was such a key have none.
    mapping: Any = data.get("remap")
    if OmegaConf.is_config(mapping):
        mapping = OmegaConf.to_container(mapping)
    return annotations if mapping is None else remap(annotations, mapping)


def build_model(config: DictConfig, *, classes: int) -> Detector:
    """A new model for `classes` classes."""
    return instantiate(config.model, classes=classes)


def build_agc(config: DictConfig) -> Agc:
    """The gain that training and evaluation share."""
    return instantiate(config.thermal)


def build_postprocess(config: DictConfig) -> Postprocess:
    """From the head's output to detections."""
    plain: Any = OmegaConf.to_container(config.postprocess, resolve=True)
    if "iou_threshold" in plain:
        # Of a checkpoint from before there was a choice.
        nms = {"_target_": "detector.geometry.nms.GreedyNms", "iou_threshold": plain.pop("iou_threshold")}
        plain["suppression"] = nms
    return instantiate(plain)


Evaluate = Callable[[Annotations, Mapping[int, Detections]], Metrics]


def build_evaluate(config: DictConfig) -> Evaluate:
    """The evaluation that training and the evaluate command share."""
    name = config.evaluation.backend if "evaluation" in config else "pycocotools"
    return partial(evaluate, bins=build_bins(config), backend=backend_of(name))


def build_bins(config: DictConfig) -> Bins:
    """Where an evaluation divides the truths; the default in a run from before there was such a key."""
    return instantiate(config.evaluation.bins) if "evaluation" in config else Bins()


def check_loading(engine: DictConfig) -> None:
    """UserError for settings of the loaders that cannot be."""
    for name, least in (("batch_size", 1), ("workers", 0), ("cache_mib", 0)):
        if engine[name] < least:
            raise UserError(f"engine.{name}={engine[name]}: must be at least {least}")


def evaluation_loader(
    annotations: Annotations,
    *,
    agc: Agc,
    multiple: int,
    engine: DictConfig,
    rank: int = 0,
    world_size: int = 1,
) -> BatchLoader:
    """Whole frames of a split, padded to a multiple of the network's coarsest stride."""
    dataset = DetectionDataset(annotations, agc=agc, transform=PadOnly(multiple), cache_mib=engine.cache_mib)
    return eval_loader(
        dataset, batch_size=engine.batch_size, workers=engine.workers, rank=rank, world_size=world_size
    )


def frame_sizes(annotations: Annotations) -> dict[int, tuple[int, int]]:
    """(height, width) of every image by id."""
    return {record.image_id: (record.height, record.width) for record in annotations.records}


class Trained:
    """A checkpoint made usable: the averaged model in eval mode, and what it was trained with."""

    def __init__(self, path: str | Path, *, device: torch.device) -> None:
        self.path = Path(path)
        self.device = device
        state = checkpoint.load(self.path)
        self.classes: tuple[str, ...] = tuple(state["classes"])
        self.config = as_config(state["config"])
        model = build_model(self.config, classes=len(self.classes))
        checkpoint.load_weights(model, state["ema"], source=path)
        self.model = model.to(device).to(memory_format=torch.channels_last).eval()
        self.agc = build_agc(self.config)
        self.postprocess: Postprocess = build_postprocess(self.config)

    @property
    def run_folder(self) -> Path:
        """The folder of the run that wrote the checkpoint."""
        return self.path.resolve().parent.parent

    def check_classes(self, annotations: Annotations) -> None:
        """UserError where the data set's classes are not those of the checkpoint, in order."""
        if annotations.classes != self.classes:
            raise UserError(
                f"checkpoint {self.path}: knows the classes {', '.join(self.classes)}; the data set has "
                f"{', '.join(annotations.classes)}. Name them in data.source.classes"
            )


def run_config(folder: Path) -> DictConfig:
    """What the run in a folder was configured with; UserError where no or another file says so."""
    file = folder / "config.yaml"
    try:
        config = OmegaConf.load(file)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; run= must name the folder of a run") from None
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from error
    if not isinstance(config, DictConfig):
        raise UserError(f"{file}: is not the configuration of a run but a list")
    for key in ("data.source", "data.train", "data.val", "data.split"):
        if OmegaConf.select(config, key) is None:
            raise UserError(f"{file}: is not the configuration of a run, {key} is missing")
    return config


def own_data(own: DictConfig, asked: DictConfig) -> DictConfig:
    """A run's data config with the root and split that were asked for instead."""
    chosen = own.copy()
    for key in ("root", "split"):
        if asked[key] is not None:
            OmegaConf.update(chosen, key, asked[key])
    if asked.root is not None:  # a run's config.yaml has its interpolations resolved
        OmegaConf.update(chosen, "source.root", asked.root)
    # Interpolations such as ${data.root} are read from the top of a configuration.
    return OmegaConf.create({"data": chosen}).data


def as_plain(config: DictConfig) -> dict[str, Any]:
    """Plain values with interpolations kept, for a checkpoint."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key != "hydra"}


def as_config(plain: dict[str, Any]) -> DictConfig:
    """Undo of `as_plain`; unknown keys raise again."""
    config = OmegaConf.create(copy.deepcopy(plain))
    OmegaConf.set_struct(config, True)
    return config

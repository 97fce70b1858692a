"""Where a training step's time goes: python benchmarks/training_step.py [overrides of configs/train.yaml]

Makes a folder of random frames of 320x256 with small boxes, trains on it as thermal-detector train would, and
prints the share of every part, images per second for one process of all threads and for one per core,
GFLOPs per frame, and the cost of assignment and loss beside torchvision's FCOS and RetinaNet losses on the
same truth. Ratios within one run are what counts; absolute figures depend on the machine and its load.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import hydra
import numpy as np
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.detection import fcos_resnet50_fpn, retinanet_resnet50_fpn

from detector.app.build import load_split
from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.running.processes import cores, loader_workers
from detector.app.settings import plain, typed
from detector.assign.candidates import grid_of_head
from detector.assign.protocol import Assigner
from detector.criterion.protocol import Criterion
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import train_loader
from detector.engine.budget import fitted
from detector.engine.device import pick_device, pick_precision
from detector.engine.ema import Ema
from detector.engine.memory import keep_freed_memory
from detector.engine.settings import EngineSettings
from detector.tensors import Batch, HeadOutput, Targets

FRAMES, HEIGHT, WIDTH = 96, 256, 320
WARMUP, STEPS = 3, 12
Settings = dict[str, Any]


def main() -> None:
    overrides = ["augment.size=[256,320]", *sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        write_frames(Path(folder))
        overrides += ["data=coco", f"data.root={folder}"]
        config = compose(overrides)
        model = build("model", config["model"], classes=4).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 1, HEIGHT, WIDTH))
        size = "x".join(str(side) for side in reversed(config["augment"]["size"]))
        print(
            f"{parameters(model) / 1e6:.2f} M parameters, {counter.get_total_flops() / 1e9:.2f} GFLOPs per "
            f"{WIDTH}x{HEIGHT} frame; batches of {config['engine']['batch_size']} at {size}"
        )
        for count in sorted({1, cores()}):
            rates = run(overrides, processes=count)
            print(f"{count} x {max(1, cores() // count)} threads: {sum(rates):.1f} images/s")
        output, targets = measure_parts(config)
        compare_losses(config, output, targets)


def compose(overrides: list[str]) -> Settings:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        settings: Settings = plain(hydra.compose("train", overrides=overrides))
    settings["engine"] = fitted(settings["engine"], frames=FRAMES, processes=1)
    return settings


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def write_frames(root: Path) -> None:
    """FRAMES random frames, about nine boxes each of 6 to 40 pixels, as a COCO set with one split."""
    rng = np.random.default_rng(0)
    document: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": k + 1, "name": f"class{k}"} for k in range(4)],
    }
    (root / "train").mkdir()
    (root / "annotations").mkdir()
    for number in range(FRAMES):
        name = f"{number}.png"
        picture = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8), (5, 5), 0)
        cv2.imwrite(str(root / "train" / name), picture)
        document["images"].append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for _ in range(rng.poisson(9)):
            side = np.exp(rng.uniform(np.log(6), np.log(40), 2))
            corner = rng.uniform(0, (WIDTH - side[0], HEIGHT - side[1]))
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": number,
                    "category_id": int(rng.integers(1, 5)),
                    "bbox": [float(v) for v in (*corner, *side)],
                    "iscrowd": 0,
                }
            )
    (root / "annotations" / "train.json").write_text(json.dumps(document))


def parts_of(config: Settings) -> tuple[Assigner, Criterion]:
    return build("assigner", config["assigner"]), build("criterion", config["criterion"])


class Step:
    """The parts of a training step, timed."""

    def __init__(self, config: Settings) -> None:
        keep_freed_memory()
        engine = typed(EngineSettings, config["engine"], where="engine")
        device = pick_device(engine.device)
        self.precision = pick_precision(engine.precision, device)
        network = build("model", config["model"], classes=4)
        dataset = DetectionDataset(
            load_split(config["data"], config["data"]["train"]),
            agc=build("thermal", config["thermal"]),
            transform=build("augment", config["augment"], multiple=network.stride),
            cache_mib=engine.cache_mib,
            seed=0,
        )
        workers = loader_workers(engine.workers, device)
        self.loader = train_loader(dataset, batch_size=engine.batch_size, workers=workers, seed=0)
        self.model = network.to(device).to(memory_format=torch.channels_last)
        self.ema = Ema(self.model, decay=engine.ema_decay)
        self.assigner, self.criterion = parts_of(config)
        self.optimizer = build("optimizer", config["optimizer"])(self.model)
        self.batches = self._endless()
        self.seconds: dict[str, float] = defaultdict(float)

    def _endless(self) -> Iterator[Batch]:
        epoch = 0
        while True:
            self.loader.start(epoch)
            yield from self.loader
            epoch += 1

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        if self.precision.device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds[name] += time.perf_counter() - start
        return result

    def __call__(self) -> tuple[Batch, HeadOutput]:
        batch = self.timed("data", lambda: next(self.batches))
        images = batch.images.to(memory_format=torch.channels_last)
        with self.precision.autocast():
            output = self.timed("forward", lambda: self.model(images))
        # A copy that ends the network's graph: the loss's own backward is timed apart from the network's.
        leaf = HeadOutput(
            output.logits.detach().requires_grad_(), output.boxes.detach().requires_grad_(), output.grid
        )
        assignment = self.timed("assignment", lambda: self.assigner(leaf, batch.targets))
        terms = self.timed("loss", lambda: self.criterion(leaf, assignment, batch.targets, progress=1.0))
        self.timed("loss", lambda: terms.total.backward())
        gradients = [leaf.logits.grad, leaf.boxes.grad]
        self.timed("backward", lambda: torch.autograd.backward([output.logits, output.boxes], gradients))
        self.timed("optimizer", lambda: self._update())
        return batch, output

    def _update(self) -> None:
        nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.ema.update()


def _rate(number: int, overrides: list[str], threads: int, rates: Any) -> None:
    torch.set_num_threads(threads)
    step = Step(compose(overrides))
    for _ in range(WARMUP):
        step()
    start = time.perf_counter()
    images = sum(len(step()[0].images) for _ in range(STEPS))
    rates[number] = images / (time.perf_counter() - start)


def run(overrides: list[str], *, processes: int) -> list[float]:
    """Images per second of each of `processes` processes that work side by side."""
    rates = mp.get_context("spawn").Array("d", processes)
    mp.start_processes(
        _rate, (overrides, max(1, cores() // processes), rates), processes, start_method="spawn"
    )
    return [rates[number] for number in range(processes)]


def measure_parts(config: Settings) -> tuple[HeadOutput, Targets]:
    step = Step(config)
    for _ in range(WARMUP):
        step()
    step.seconds.clear()
    for _ in range(STEPS):
        batch, output = step()
    total = sum(step.seconds.values())
    for name, seconds in step.seconds.items():
        print(f"  {name:<11}{1000 * seconds / STEPS:8.1f} ms {seconds / total:7.1%}")
    loss = step.seconds["assignment"] + step.seconds["loss"]
    outside = total - step.seconds["forward"] - step.seconds["backward"]
    print(f"  assignment and loss {loss / total:.1%}, all but forward and backward {outside / total:.1%}")
    return output, batch.targets


def compare_losses(config: Settings, output: HeadOutput, targets: Targets) -> None:
    """Assignment and loss, forward and backward, ours and torchvision's, on tensors of the same size."""
    assigner, criterion = parts_of(config)
    truth = [
        {"boxes": boxes[valid], "labels": labels[valid]}
        for boxes, labels, valid in zip(targets.boxes, targets.labels, targets.valid, strict=True)
    ]
    logits = output.logits.detach()
    count, points = logits.shape[:2]
    grid = grid_of_head(output)
    centres, half = grid.points, grid.strides[:, None] / 2
    anchors = [torch.cat([centres - half, centres + half], dim=1)] * count
    levels = [level.height * level.width for level in grid.levels]

    def ours() -> Tensor:
        leaf = HeadOutput(
            logits.clone().requires_grad_(), output.boxes.detach().clone().requires_grad_(), grid
        )
        return criterion(leaf, assigner(leaf, targets), targets, progress=1.0).total

    fcos = fcos_resnet50_fpn(weights=None, weights_backbone=None, num_classes=4)
    retina = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=4)

    def torchvision_fcos() -> Tensor:
        head = {
            "cls_logits": logits.clone().requires_grad_(),
            "bbox_regression": torch.rand(count, points, 4, requires_grad=True),
            "bbox_ctrness": torch.zeros(count, points, 1, requires_grad=True),
        }
        return sum(fcos.compute_loss(truth, head, anchors, levels).values())

    def torchvision_retina() -> Tensor:
        head = {
            "cls_logits": logits.clone().requires_grad_(),
            "bbox_regression": torch.zeros(count, points, 4, requires_grad=True),
        }
        return sum(retina.compute_loss(truth, head, anchors).values())

    times = {"ours": ours, "torchvision FCOS": torchvision_fcos, "torchvision RetinaNet": torchvision_retina}
    medians = {}
    for name, loss in times.items():
        samples = []
        for _ in range(7):
            start = time.perf_counter()
            loss().backward()
            samples.append(time.perf_counter() - start)
        medians[name] = sorted(samples)[3]
    for name, seconds in medians.items():
        print(
            f"  loss and assignment, {name:<22}{1000 * seconds:8.1f} ms  {seconds / medians['ours']:5.2f} x"
        )


if __name__ == "__main__":
    main()

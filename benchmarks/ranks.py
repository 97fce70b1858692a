"""Train the same tiny run with 1, 2 and 4 processes: `python benchmarks/ranks.py OUTPUT.svg [overrides]`.

Makes a synthetic set, trains on it as thermal-detector train does with the same global batch, with batch norm
synchronised and each rank for itself, draws the curves of the loss and of the largest difference to one
process on one plot, and prints the largest differences of loss, gradients and weights at each step and
whether the validation metrics are the same. Float32, on CPUs. overrides: of configs/train.yaml.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torch import Tensor

from detector import distributed
from detector.app.build import load_split
from detector.app.commands import train
from detector.app.configs import CONFIGS
from detector.app.fitting import fitted_to
from detector.app.running import processes
from detector.app.settings import plain
from detector.engine.trainer import Trainer
from detector.tensors import Batch

WORLDS = (1, 2, 4)
SET = [
    "dataset={train: 32, val: 7, test: 4, frames_per_scene: 2}",
    *("scene.width=64", "scene.height=64", "scene.fine=1", "scene.objects=[1,4]"),
    *("scene.side_px=[9.0,30.0]", "processes=1"),
]
RUN = [
    *("model=pico", "model.head.dropout=0.1", "init=null", "augment.size=[64,64]", "engine.device=cpu"),
    *("engine.precision=fp32", "engine.batch_size=8", "engine.epochs=5", "engine.evaluate_every=5"),
    *("engine.log_every=1", "engine.workers=0", "engine.timeout=120"),
]
FILE = "steps.pt"


@dataclass
class Steps:
    """What a run did: loss [S], gradients and weights [S, parameters] by step, and its last validation."""

    loss: Tensor
    gradients: Tensor
    weights: Tensor
    metrics: dict[str, Any]


class Recorded(Trainer):
    """A trainer in float64 that keeps what Steps tells."""

    dtype = torch.float64

    def __init__(self, model: nn.Module, **kwargs: Any) -> None:
        super().__init__(model.to(self.dtype), **kwargs)
        self.kept: dict[str, list[Tensor]] = {"loss": [], "gradients": [], "weights": []}
        self.optimizer.register_step_pre_hook(lambda *_: self._keep("gradients", True))

    def _keep(self, name: str, gradients: bool) -> None:
        values = [p.grad if gradients else p.detach() for p in self.model.parameters()]
        self.kept[name].append(torch.cat([value.flatten() for value in values if value is not None]))

    def _backward(self, batch: Batch, *, share: float) -> dict[str, Tensor]:
        parts = super()._backward(batch, share=share)
        self.kept["loss"].append(parts["total"])
        return parts

    def _step(self, batches: list[Batch]) -> None:
        super()._step(batches)
        self._keep("weights", False)

    def fit(self) -> None:
        super().fit()
        if distributed.rank() == 0:
            metrics = self.validate(self.ema.model)
            assert metrics is not None
            kept = {name: torch.stack(values) for name, values in self.kept.items()}
            torch.save({**kept, "metrics": metrics.to_dict()}, self.folder.parent / FILE)
        else:
            self.validate(self.ema.model)


def recorded(work: dict[str, Any]) -> None:
    """thermal-detector train in one of the processes, watched."""
    train.Trainer = Recorded  # type: ignore[misc]
    train.train(work)


def run(folder: Path, overrides: list[str], *, world: int, synchronised: bool) -> Steps:
    """A training by so many processes."""
    told = [*RUN, *overrides, f"engine.processes={world}", f"engine.sync_batch_norm={synchronised}"]
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        values = plain(hydra.compose("train", overrides=told))
    values = fitted_to(load_split(values["data"], values["data"]["train"]), values, processes=world)
    work = {"config": values, "folder": str(folder), "command": "", "changes": []}
    folder.mkdir()
    processes.launch(recorded, work, device=torch.device("cpu"), processes=world, timeout=120)
    return Steps(**torch.load(folder / FILE, weights_only=True))


def differences(one: Steps, other: Steps) -> dict[str, Tensor]:
    """Largest absolute difference at each step, by what differs."""
    return {
        "loss": (one.loss - other.loss).abs(),
        "gradients": (one.gradients - other.gradients).abs().amax(1),
        "weights": (one.weights - other.weights).abs().amax(1),
    }


def main() -> None:
    output, overrides = Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = [sys.executable, "-m", "detector", "synth", *SET, f"root={folder / 'set'}"]
        subprocess.run(made, check=True, capture_output=True)
        overrides = [f"data.root={folder / 'set'}", *overrides]
        runs = {
            (world, synchronised): run(
                folder / f"{world}{synchronised}", overrides, world=world, synchronised=synchronised
            )
            for synchronised in (True, False)
            for world in WORLDS
            if world > 1 or synchronised
        }
    draw(runs).savefig(output)
    one = runs[1, True]
    print(
        f"{len(one.loss)} steps; largest loss {one.loss.max():.3f}, gradient {one.gradients.abs().max():.3f}"
    )
    print("| processes | batch norm | loss | gradients | weights | metrics |\n|---|---|---|---|---|---|")
    for (world, synchronised), steps in runs.items():
        if world > 1:
            worst = " | ".join(f"{value.max():.1e}" for value in differences(one, steps).values())
            same = "the same" if steps.metrics == one.metrics else "others"
            print(f"| {world} | {'synchronised' if synchronised else 'per rank'} | {worst} | {same} |")


def draw(runs: dict[tuple[int, bool], Steps]) -> plt.Figure:
    """Losses of all runs, and below how far each is from that of one process."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 5.6), sharex=True, layout="constrained")
    one = runs[1, True]
    for (world, synchronised), steps in runs.items():
        name = f"{world} process{'es' * (world > 1)}" + ("" if synchronised else ", batch norm per rank")
        style = {"linestyle": "-" if synchronised else ":", "linewidth": 5 - world if synchronised else 1.5}
        (line,) = above.plot(range(1, len(steps.loss) + 1), steps.loss, label=name, alpha=0.8, **style)
        if world == 1:
            continue
        for kind, marker in zip(("loss", "gradients", "weights"), "o^s", strict=True):
            values = differences(one, steps)[kind].clamp(min=1e-9)
            below.plot(
                range(1, len(values) + 1),
                values,
                marker=marker,
                markersize=3,
                color=line.get_color(),
                linestyle=style["linestyle"],
                linewidth=0.8,
                label=kind if (world, synchronised) == (2, True) else None,
            )
    above.set_ylabel("loss")
    below.set(xlabel="step", ylabel="largest difference to 1 process", yscale="log")
    below.axhline(1e-5, color="black", linewidth=0.8, linestyle="--")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    main()

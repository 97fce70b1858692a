"""Train the same tiny run with 1, 2 and 4 processes: `python benchmarks/ranks.py OUTPUT.svg [overrides]`.

Makes a synthetic set and trains on it as thermal-detector train does, with the same global batch, on CPUs: in
float64, in float32, and in float64 with batch norm of each rank for itself. Draws loss and largest difference
to one process of all on one plot, and prints the largest differences of loss, gradients and weights, in the
first step and over all, and whether the validation metrics are the same. overrides: of configs/train.yaml.

Every step of several processes begins with the weights and the optimizer of one process's run after the step
before: so a difference is that step's own, and none that grew.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import hydra
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from detector import distributed
from detector.app.build import load_split
from detector.app.commands import train
from detector.app.configs import CONFIGS
from detector.app.fitting import fitted_to
from detector.app.running import processes
from detector.app.running.workers import PROGRAM
from detector.app.settings import plain
from detector.criterion.protocol import Criterion
from detector.engine.trainer import Trainer
from detector.evaluation.coco import Metrics
from detector.tensors import Assignment, HeadOutput, LossTerms, Targets

WORLDS = (1, 2, 4)
SET = [
    "dataset={train: 32, val: 7, test: 4, frames_per_scene: 2}",
    *("scene.width=64", "scene.height=64", "scene.fine=1", "scene.objects=[1,4]"),
    *("scene.side_px=[9.0,30.0]", "processes=1"),
]
RUN = [
    *("model=pico", "model.head.dropout=0.1", "init=null", "augment.size=[64,64]", "engine.device=cpu"),
    *("engine.precision=fp32", "engine.batch_size=8", "engine.epochs=5", "engine.evaluate_every=5"),
    *("engine.log_every=1", "engine.workers=0", "engine.timeout=300"),
]
KINDS = {"float64": (True, True), "float32": (False, True), "batch norm per rank": (True, False)}
"""Series by name: whether in float64, whether batch norm is synchronised."""
FILE, STATES = "steps.pt", "states.pt"
LOWEST = 1e-13
"""Differences drawn: 0 has no place on a logarithmic axis."""


class Steps(NamedTuple):
    """A run by step: loss [S], gradients and weights [S, parameters]; and its validation at the end."""

    loss: Tensor
    gradients: Tensor
    weights: Tensor
    metrics: dict[str, Any]


Runs = dict[tuple[str, int], Steps]
"""By series and number of processes."""


class Recorded(Trainer):
    """A trainer that keeps what Steps tells."""

    def __init__(self, model: nn.Module, **settings: Any) -> None:
        if settings["describe"]["config"]["float64"]:
            model = model.double()
            model.register_forward_pre_hook(lambda _, images: (images[0].double(),))
        self.kept: dict[str, list[Tensor]] = {"loss": [], "gradients": [], "weights": []}
        criterion: Criterion = settings.pop("criterion")

        def noting(
            head_output: HeadOutput, assignment: Assignment, targets: Targets, *, progress: float | Tensor
        ) -> LossTerms:
            terms = criterion(head_output, assignment, targets, progress=progress)
            self.kept["loss"].append(terms.parts["total"])
            return terms

        super().__init__(model, criterion=noting, **settings)
        self.metrics: Metrics | None = None
        judge = self.validate

        def validate(model: nn.Module) -> Metrics | None:
            self.metrics = judge(model)
            return self.metrics

        self.validate = validate
        self.optimizer.register_step_pre_hook(lambda *_: self._keep("gradients"))
        self.optimizer.register_step_post_hook(lambda *_: self._stepped())
        followed = settings["describe"]["config"]["followed"]
        self.followed = iter(torch.load(followed, weights_only=True)) if followed else None
        self.states: list[dict[str, Any]] = []

    def _stepped(self) -> None:
        self._keep("weights")
        if self.followed is None:
            state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
            self.states.append(copy.deepcopy(state))
        else:
            state = next(self.followed)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])

    def _keep(self, name: str) -> None:
        parameters = list(self.model.parameters())
        values = [p.grad for p in parameters] if name == "gradients" else [p.detach() for p in parameters]
        self.kept[name].append(torch.cat([value.flatten() for value in values if value is not None]))

    def fit(self) -> None:
        super().fit()
        if distributed.rank() == 0:
            assert self.metrics is not None
            kept = {name: torch.stack(values) for name, values in self.kept.items()}
            torch.save({**kept, "metrics": self.metrics.to_dict()}, self.folder.parent / FILE)
            torch.save(self.states, self.folder.parent / STATES)


def recorded(work: dict[str, Any]) -> None:
    """Train, watched, as one of the processes."""
    train.Trainer = Recorded  # type: ignore[misc]
    train.train(work)


def run(folder: Path, overrides: list[str], *, kind: str, world: int, followed: Path | None = None) -> Steps:
    """A training by so many processes. followed: the folder of the run whose state each step begins with."""
    double, synchronised = KINDS[kind]
    told = [*RUN, *overrides, f"engine.processes={world}", f"engine.sync_batch_norm={synchronised}"]
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        values = plain(hydra.compose("train", overrides=told))
    values = fitted_to(load_split(values["data"], values["data"]["train"]), values, processes=world)
    leader = None if followed is None else str(followed / STATES)
    config = {**values, "float64": double, "followed": leader}
    work: dict[str, Any] = {
        "config": config,
        "folder": str(folder),
        "command": "",
        "changes": [],
        "false_alarms": None,
    }
    folder.mkdir()
    processes.launch(recorded, work, device=torch.device("cpu"), processes=world, timeout=300)
    return Steps(**torch.load(folder / FILE, weights_only=True))


def differences(one: Steps, other: Steps) -> dict[str, Tensor]:
    """Largest absolute difference at each step [S], by what differs."""
    return {
        "loss": (one.loss - other.loss).abs(),
        "gradients": (one.gradients - other.gradients).abs().amax(1),
        "weights": (one.weights - other.weights).abs().amax(1),
    }


def main() -> None:
    output, overrides = Path(sys.argv[1]), sys.argv[2:]
    runs: Runs = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = [*PROGRAM, "synth", *SET, f"root={folder / 'set'}"]
        subprocess.run(made, check=True, capture_output=True)
        told = [f"data.root={folder / 'set'}", *overrides]
        for kind in KINDS:
            for world in WORLDS:
                if world == 1 and kind == "batch norm per rank":
                    continue  # a single rank has the whole batch
                leader = folder / ("float32 1" if kind == "float32" else "float64 1")
                followed = None if world == 1 else leader
                place_of = folder / f"{kind} {world}"
                runs[kind, world] = run(place_of, told, kind=kind, world=world, followed=followed)
    runs["batch norm per rank", 1] = runs["float64", 1]
    draw(runs).savefig(output)
    for line in table(runs):
        print(line)


def table(runs: Runs) -> list[str]:
    """Markdown: the largest differences to one process, in the first step and over all."""
    one = runs["float64", 1]
    lines = [
        f"{len(one.loss)} steps; the largest loss is {one.loss.max():.2f}, the largest element of a gradient "
        f"{one.gradients.abs().max():.2f}, of the weights {one.weights.abs().max():.2f}",
        "",
        "| | processes | loss, first step | any | gradients, first step | any | weights, first step | any "
        "| metrics |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for (kind, world), steps in sorted(runs.items()):
        if world > 1:
            found = differences(runs[kind, 1], steps).values()
            worst = " | ".join(f"{values[0]:.0e} | {values.max():.0e}" for values in found)
            same = "the same" if steps.metrics == runs[kind, 1].metrics else "others"
            lines.append(f"| {kind} | {world} | {worst} | {same} |")
    return lines


def draw(runs: Runs) -> Figure:
    """Losses of all runs, and below how far each is from that of one process."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
    colours = dict(zip(KINDS, ("tab:blue", "tab:green", "tab:red"), strict=True))
    for (kind, world), steps in sorted(runs.items()):
        numbers = range(1, len(steps.loss) + 1)
        line = {1: "-", 2: "--", 4: ":"}[world]
        style: dict[str, Any] = {"color": colours[kind], "linestyle": line, "linewidth": 1 + 0.6 * world}
        above.plot(numbers, steps.loss, label=f"{kind}, {world}", alpha=0.7, **style)
        if world > 1:
            worst = torch.stack(list(differences(runs[kind, 1], steps).values())).amax(0)
            below.plot(numbers, worst.clamp(min=LOWEST), label=f"{kind}, {world}", alpha=0.7, **style)
    above.set_ylabel("loss")
    above.legend(fontsize=7, ncol=3)
    below.axhline(1e-5, color="black", linewidth=0.8)
    below.set(
        xlabel="step", ylabel="largest difference to 1 process\nof loss, gradients, weights", yscale="log"
    )
    for axes in (above, below):
        axes.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    main()

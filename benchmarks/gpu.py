"""All that is to be known of a GPU, in one command of under eight minutes.

    python benchmarks/gpu.py --data hit_uav --root PATH --output FOLDER [--seconds 450] [--device cuda|cpu]

Part after part, each in a process of its own with a time limit of its own: one that fails, hangs or breaks
the GPU's context is written down, and the next begins. After every figure FOLDER/results.json and results.md
hold all that is known so far. With --device cpu the same runs at toy sizes, which measures nothing and tests
this file. Linux only: the processes are forked. docs/gpu.md says what comes out.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import multiprocessing
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree import ElementTree

import hydra
import torch
from torch import Tensor, nn
from torch.autograd import DeviceType

from detector.app.build import load_split
from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.running.processes import cores, loader_workers
from detector.app.settings import plain, typed
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import train_loader
from detector.engine.device import Precision, pick_device, pick_precision
from detector.engine.environment import versions
from detector.engine.settings import EngineSettings
from detector.engine.tracking import Tracker
from detector.engine.trainer import Trainer
from detector.geometry.boxes import iou
from detector.inference.network import TorchNetwork
from detector.structures import Detections
from detector.tensors import Assignment, Batch, HeadOutput, LossTerms, to_device

REPOSITORY = Path(__file__).resolve().parents[1]
CUDA_TESTS = "needs a CUDA device"
"""The reason by which tests skip themselves elsewhere; files that hold it are run."""
SECONDS = 450.0
"""What the parts' limits are shares of."""
OPERATIONS = 20
"""How many of a step's are listed."""
COUNTS = 0.05
"""Score from which a detection is compared: below, two scores may well change places."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """How much of it all.

    batches, rates: batch sizes of the timed steps and of the images per second. warm, steps, blocks: steps
    before the clock, in a block, blocks of which the median is taken. seconds: of one measured rate.
    compared: images compared with the CPU. rest: seconds the recipe takes beside its steps. overrides: of
    configs/train.yaml, for all but the recipe; recipe: for the recipe too.
    """

    batches: tuple[int, ...]
    rates: tuple[int, ...]
    warm: int
    steps: int
    blocks: int
    seconds: float
    compared: int
    rest: float
    overrides: tuple[str, ...]
    recipe: tuple[str, ...] = ()


FULL = Scale(
    batches=(16, 64, 256),
    rates=(16, 32, 64, 128, 256),
    warm=5,
    steps=10,
    blocks=5,
    seconds=2.5,
    compared=16,
    rest=75.0,
    overrides=("augment.size=[256,320]",),
)
TOY = Scale(
    batches=(2,),
    rates=(2,),
    warm=1,
    steps=1,
    blocks=1,
    seconds=0.1,
    compared=2,
    rest=15.0,
    overrides=(),
    recipe=(
        "augment.size=[64,64]",
        "model.stem=4",
        "model.widths=[8,8]",
        "model.depths=[1,1]",
        "model.neck_widths=[8,8]",
        "model.neck_depths=[1]",
        "engine.precision=fp32",
        "engine.processes=1",
        "engine.batch_size=2",
        "engine.epochs=1",
    ),
)


class NotHere(Exception):
    """Why a part cannot be had on this device; no failure."""


@dataclass(frozen=True)
class Bench:
    """What every part is given.

    device: cuda or cpu. overrides: name the data and the recipe. deadline: of the part, by time.monotonic.
    say: writes a figure down, by its name; a list of rows of one kind becomes a table.
    """

    device: str
    scale: Scale
    overrides: tuple[str, ...]
    output: Path
    deadline: float
    say: Callable[[str, Any], None]

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def config(self, *more: str) -> dict[str, Any]:
        """The recipe's settings with others on top, plain values."""
        overrides = [*self.overrides, *self.scale.recipe, *more]
        with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
            settings: dict[str, Any] = plain(hydra.compose("train", overrides=overrides))
        return settings

    def need_cuda(self) -> torch.device:
        if self.device != "cuda":
            raise NotHere(CUDA_TESTS)
        return pick_device(self.device)


# --- what parts share


class Work:
    """The training frames, read once, and trainers over them."""

    def __init__(self, config: dict[str, Any], device: str) -> None:
        self.config = config
        self.device = pick_device(device)
        annotations = load_split(config["data"], config["data"]["train"])
        self.classes = len(annotations.classes)
        model = build("model", config["model"], classes=self.classes)
        self.frames = DetectionDataset(
            annotations,
            agc=build("thermal", config["thermal"]),
            transform=build("augment", config["augment"], multiple=model.stride),
            cache_mib=config["engine"]["cache_mib"],
            seed=config["seed"],
        )

    def trainer(
        self, batch: int, *, workers: int = 0, precision: Precision | None = None, **engine: Any
    ) -> Trainer:
        """A trainer at its first step, always of the same weights; engine: settings to replace."""
        torch.manual_seed(0)
        settings = typed(
            EngineSettings, {**self.config["engine"], "batch_size": batch, **engine}, where="engine"
        )
        return Trainer(
            build("model", self.config["model"], classes=self.classes).to(self.device),
            assigner=build("assigner", self.config["assigner"]),
            criterion=build("criterion", self.config["criterion"]),
            optimizer=build("optimizer", self.config["optimizer"]),
            loader=train_loader(self.frames, batch_size=batch, workers=workers, seed=0),
            validate=lambda _: None,
            precision=precision or pick_precision(settings.precision, self.device),
            settings=settings,
            tracker=Tracker(None, quiet=True),
            folder=Path(os.devnull),  # nothing is saved
            describe={},
        )


def endless(trainer: Trainer) -> Iterator[Batch]:
    """Epoch after epoch."""
    epoch = 0
    while True:
        trainer.loader.start(epoch)
        yield from trainer.loader
        epoch += 1


def first_batch(trainer: Trainer) -> Batch:
    return next(iter(trainer.loader))


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def forget_memory(device: torch.device) -> None:
    """What follows has a peak of its own."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_mib(device: torch.device) -> int | None:
    return round(torch.cuda.max_memory_allocated() / 2**20) if device.type == "cuda" else None


def milliseconds(step: Callable[[], object], scale: Scale, device: torch.device) -> float:
    """Of one step, in blocks between which the host waits for the device; the median block."""
    for _ in range(scale.warm):
        step()
    blocks = []
    for _ in range(scale.blocks):
        synchronise(device)
        start = time.perf_counter()
        for _ in range(scale.steps):
            step()
        synchronise(device)
        blocks.append((time.perf_counter() - start) / scale.steps)
    return round(1000 * median(blocks), 3)


def timed_step(
    trainer: Trainer,
    step: Callable[[], object],
    *,
    form: str,
    batch: int,
    scale: Scale,
    more: Row | None = None,
) -> Row:
    """One row of a table of steps. loss: after all the steps on one batch, so that forms can be compared."""
    device = trainer.precision.device
    took = milliseconds(step, scale, device)
    return {
        "form": form,
        "batch": batch,
        "ms": took,
        "images/s": round(1000 * batch / took, 1),
        "peak MiB": peak_mib(device),
        "loss": round(trainer.log.flush()[-1].values["total"], 4),
        **(more or {}),
    }


# --- 1: where this is


def environment(bench: Bench) -> None:
    bench.say("machine", {"cores": cores(), "processor": platform.processor(), "python": sys.version})
    bench.say("versions", versions())
    bench.say("commit", output_of("git", "-C", str(REPOSITORY), "rev-parse", "HEAD"))
    if bench.device == "cpu":
        return
    fields = "name,driver_version,memory.total,memory.used,power.limit,clocks.max.sm"
    bench.say("nvidia-smi", output_of("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"))
    device = bench.need_cuda()
    properties = torch.cuda.get_device_properties(device)
    bench.say(
        "gpu",
        {
            "name": properties.name,
            "capability": f"{properties.major}.{properties.minor}",
            "memory MiB": round(properties.total_memory / 2**20),
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "precision=auto": str(pick_precision("auto", device).dtype),
        },
    )


def output_of(*command: str) -> str | None:
    """What a command printed; None where it is missing or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


# --- 2: the tests that only a GPU runs


def cuda_tests(bench: Bench) -> None:
    files = [str(file) for file in sorted((REPOSITORY / "tests").rglob("test_*.py")) if _for_cuda(file)]
    report = bench.output / "tests.xml"
    command = [sys.executable, "-m", "pytest", *files, "-k", "cuda", f"--junitxml={report}"]
    with (bench.output / "tests.log").open("w") as log:
        subprocess.run(
            [*command, "-p", "no:cacheprovider"],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if not report.exists():
        raise RuntimeError(f"pytest wrote no report: {(bench.output / 'tests.log').read_text()[-500:]}")
    cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    bench.say("passed", len(cases) - len(bad) - skipped)
    bench.say("skipped", skipped)
    bench.say("failed", len(bad))
    bench.say("failures", [_failure(case) for case in bad])


def _for_cuda(file: Path) -> bool:
    return CUDA_TESTS in file.read_text(encoding="utf-8")


def _failure(case: ElementTree.Element) -> Row:
    said = case.find("failure")
    said = case.find("error") if said is None else said
    assert said is not None
    lines = (said.text or "").strip().splitlines()
    return {"test": case.get("name"), "message": said.get("message"), "line": lines[-1] if lines else ""}


# --- 3: the same as on the CPU?


@dataclass(frozen=True)
class Answer:
    """All that one device makes of a batch, brought to the CPU."""

    output: HeadOutput
    assignment: Assignment
    parts: dict[str, float]
    gradient: Tensor
    detections: list[Detections]


def differences(bench: Bench) -> None:
    """After an epoch in float32, so that weights and detections are no longer those of chance."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    work = Work(bench.config(*bench.scale.overrides), bench.device)
    cpu = torch.device("cpu")
    trainer = work.trainer(
        bench.scale.compared, precision=Precision(torch.float32, work.device), epochs=1, accumulate=1
    )
    batch = first_batch(trainer)
    answers = partial(_answer, trainer=trainer, batch=batch, postprocess=work.config["postprocess"])
    for weights in ("first weights", "after an epoch"):
        here = answers(precision=Precision(torch.float32, work.device))
        bench.say(
            f"{weights}, fp32 against the CPU's fp32",
            compared(here, answers(precision=Precision(torch.float32, cpu))),
        )
        half = answers(precision=Precision(torch.bfloat16, work.device))
        bench.say(f"{weights}, bf16 against fp32", compared(half, here))
        for following in trainer.loader:
            trainer._step([following])


def _answer(
    *, trainer: Trainer, batch: Batch, postprocess: Mapping[str, Any], precision: Precision
) -> Answer:
    device = precision.device
    model = copy.deepcopy(trainer.model).to(device).to(memory_format=torch.channels_last).eval()
    count, _, height, width = batch.images.shape
    network = TorchNetwork(model, postprocess=build("postprocess", postprocess), precision=precision)
    detections = network(batch.images.numpy(), [(height, width)] * count)
    output, assignment, terms = _losses(trainer, model.train(), to_device(batch, device), precision)
    terms.total.backward()
    gradients = [value.grad.flatten() for value in model.parameters() if value.grad is not None]
    return Answer(
        output=replace(output, logits=output.logits.detach().cpu(), boxes=output.boxes.detach().cpu()),
        assignment=replace(assignment, positive=assignment.positive.cpu()),
        parts={name: float(value) for name, value in terms.parts.items()},
        gradient=torch.cat(gradients).cpu(),
        detections=detections,
    )


def _losses(
    trainer: Trainer, model: nn.Module, batch: Batch, precision: Precision
) -> tuple[HeadOutput, Assignment, LossTerms]:
    with precision.autocast():
        output: HeadOutput = model(batch.images.to(memory_format=torch.channels_last))
    assignment = trainer.gradients.assigner(output, batch.targets)
    criterion = trainer.gradients.criterion
    return output, assignment, criterion(output, assignment, batch.targets, progress=1.0)


def compared(found: Answer, expected: Answer) -> Row:
    """The largest differences of an answer from the one it should be."""
    relative = {
        name: abs(value - expected.parts[name]) / max(abs(expected.parts[name]), 1e-6)
        for name, value in found.parts.items()
    }
    worst = max(relative, key=lambda name: relative[name])
    return {
        "logits, largest": float((found.output.logits - expected.output.logits).abs().max()),
        "boxes, largest, pixels": float((found.output.boxes - expected.output.boxes).abs().max()),
        "points assigned otherwise": int((found.assignment.positive != expected.assignment.positive).sum()),
        "points assigned": int(expected.assignment.positive.sum()),
        "loss": found.parts["total"],
        "loss expected": expected.parts["total"],
        "loss part, largest, relative": relative[worst],
        "of the part": worst,
        "gradient, relative norm": float(
            (found.gradient - expected.gradient).norm() / expected.gradient.norm()
        ),
        **_detections_compared(found.detections, expected.detections),
    }


def _detections_compared(found: Sequence[Detections], expected: Sequence[Detections]) -> Row:
    """Detections of each image with the one of the same class that they overlap most."""
    count, lost, score, side = 0, 0, 0.0, 0.0
    for mine, theirs in zip(found, expected, strict=True):
        wanted = theirs.keep(theirs.scores >= COUNTS)
        count += len(wanted.scores)
        if len(wanted.scores) == 0 or len(mine.scores) == 0:
            lost += len(wanted.scores)
            continue
        same = torch.from_numpy(wanted.labels)[:, None] == torch.from_numpy(mine.labels)
        overlap = iou(torch.from_numpy(wanted.boxes)[:, None], torch.from_numpy(mine.boxes)) * same
        best, index = overlap.max(dim=1)
        met, partner = (best > 0.5).numpy(), index.numpy()
        lost += int((~met).sum())
        if met.any():
            score = max(score, float(abs(wanted.scores - mine.scores[partner])[met].max()))
            side = max(side, float(abs(wanted.boxes - mine.boxes[partner])[met].max()))
    return {
        f"detections of score {COUNTS}": count,
        "of them not found": lost,
        "score, largest": score,
        "side of a box, largest, pixels": side,
    }


# --- 4: one training step


def steps(bench: Bench) -> None:
    """One by one as the host starts its kernels, and replayed as engine.graphs has it."""
    work = Work(bench.config(*bench.scale.overrides), bench.device)
    rows: list[Row] = []
    for form, graphs in (("eager", False), ("graphs", True)):
        for batch in bench.scale.batches:
            forget_memory(work.device)
            trainer = work.trainer(batch, graphs=graphs)
            one = first_batch(trainer)
            step = partial(trainer._step, [one])
            rows.append(timed_step(trainer, step, form=form, batch=batch, scale=bench.scale))
            bench.say("steps", rows)


def waits_in_a_step(bench: Bench) -> None:
    """Whether the host waits for the device anywhere between a batch in memory and the end of its step."""
    device = bench.need_cuda()
    work = Work(bench.config(*bench.scale.overrides), bench.device)
    trainer = work.trainer(bench.scale.batches[0])
    batch = first_batch(trainer)
    bench.say("batch pinned", batch.images.is_pinned())
    for _ in range(bench.scale.warm):
        trainer._step([batch])
    synchronise(device)
    try:
        with sync_debug_mode("error"):
            trainer._step([batch])
        bench.say("waits", "none")
    except RuntimeError as error:
        bench.say("waits", str(error).splitlines()[0])
        bench.say("first", own_frames(error))
    with sync_debug_mode("warn"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer._step([batch])
    bench.say("all", [{"where": f"{w.filename}:{w.lineno}", "said": str(w.message)[:200]} for w in caught])


@contextlib.contextmanager
def sync_debug_mode(mode: str) -> Iterator[None]:
    torch.cuda.set_sync_debug_mode(mode)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def own_frames(error: BaseException) -> list[str]:
    """Where in this repository an error passed through, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{f.filename}:{f.lineno} {f.line}" for f in frames if f.filename.startswith(str(REPOSITORY))]


def operations(bench: Bench) -> None:
    """Whose kernels the device is busy with in a step of the largest batch."""
    work = Work(bench.config(*bench.scale.overrides), bench.device)
    trainer = work.trainer(bench.scale.batches[-1], graphs=False)
    batch = first_batch(trainer)
    for _ in range(bench.scale.warm):
        trainer._step([batch])
    synchronise(work.device)
    with torch.profiler.profile() as seen:
        trainer._step([batch])
        synchronise(work.device)
    clock = "self_cpu_time_total" if work.device.type == "cpu" else "self_device_time_total"
    # Kernels are listed a second time, by their own names, beside the operations that started them.
    own = [event for event in seen.key_averages() if event.device_type == DeviceType.CPU]
    took = {event: getattr(event, clock) / 1000 for event in own}
    bench.say("batch", bench.scale.batches[-1])
    bench.say("ms, all", round(sum(took.values()), 3))
    longest = sorted(own, key=lambda event: -took[event])[:OPERATIONS]
    bench.say(
        "operations",
        [{"operation": e.key, "ms": round(took[e], 3), "calls": e.count} for e in longest],
    )


def compiled_steps(bench: Bench) -> None:
    """engine.compile=true; at toy size nothing is compiled, which takes minutes on a CPU."""
    if bench.device == "cpu":
        torch.compiler.set_stance("force_eager")
        bench.say("compiled", "nothing: toy size")
    work = Work(bench.config(*bench.scale.overrides), bench.device)
    rows: list[Row] = []
    for batch in bench.scale.batches:
        torch.compiler.reset()  # Else the second size is compiled for any size, which no run asks for.
        forget_memory(work.device)
        trainer = work.trainer(batch, compile=True)
        one = first_batch(trainer)
        start = time.perf_counter()
        trainer._step([one])
        synchronise(work.device)
        first = {"first step, s": round(time.perf_counter() - start, 1)}
        step = partial(trainer._step, [one])
        rows.append(timed_step(trainer, step, form="compiled", batch=batch, scale=bench.scale, more=first))
        bench.say("steps", rows)


# --- 5: images per second


def rates(bench: Bench) -> None:
    work = Work(bench.config(*bench.scale.overrides), bench.device)
    rows: list[Row] = []
    for batch in bench.scale.rates:
        for workers in (None, *sorted({1, loader_workers("auto", work.device)})):
            forget_memory(work.device)
            trainer = work.trainer(batch, workers=workers or 0)
            batches = endless(trainer) if workers else repeated(first_batch(trainer))
            rows.append(
                {
                    "batch": batch,
                    "loader": f"{workers} workers" if workers else "same batch again",
                    "images/s": round(rate(trainer, batches, seconds=bench.scale.seconds), 1),
                    "peak MiB": peak_mib(work.device),
                }
            )
            bench.say("rates", rows)


def repeated(batch: Batch) -> Iterator[Batch]:
    while True:
        yield batch


def rate(trainer: Trainer, batches: Iterator[Batch], *, seconds: float) -> float:
    """Images per second of a training loop, losses read every `log_every` steps as it does."""
    for _ in range(3):
        trainer._step([next(batches)])
    trainer.log.flush()
    start, images, steps = time.perf_counter(), 0, 0
    while time.perf_counter() - start < seconds:
        batch = next(batches)
        trainer._step([batch])
        images, steps = images + len(batch.images), steps + 1
        if steps % trainer.settings.log_every == 0:
            trainer.log.flush()
    trainer.log.flush()
    return images / (time.perf_counter() - start)


# --- 6: the whole recipe


def recipe(bench: Bench) -> None:
    """As many of its epochs as fit, in a run of its own."""
    config = bench.config()
    epochs = affordable_epochs(bench, config)
    engine = {
        "engine.device": bench.device,
        "engine.epochs": epochs,
        "engine.evaluate_every": max(1, min(config["engine"]["evaluate_every"], epochs // 4)),
    }
    overrides = [*bench.overrides, *bench.scale.recipe, *(f"{key}={value}" for key, value in engine.items())]
    forget_memory(pick_device(bench.device))
    bench.say("MiB of the card before the run", card_mib())
    bench.say("epochs", f"{epochs} of {config['engine']['epochs']}")
    bench.say("command", " ".join(["thermal-detector", "train", *overrides]))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        start = time.perf_counter()
        peak = train(overrides, run, log=bench.output / "recipe.log")
        bench.say("seconds", round(time.perf_counter() - start, 1))
        bench.say("peak MiB of the card in the run", peak)
        for name in ("metrics.json", "weights.safetensors"):
            shutil.copy(run / name, bench.output / f"recipe_{name}")
    metrics = json.loads((bench.output / "recipe_metrics.json").read_text())
    bench.say("val", {name: metrics[name] for name in ("AP", "AP50", "AP75")})
    bench.say("AP by class", {name: values["AP"] for name, values in metrics["per_class"].items()})


def affordable_epochs(bench: Bench, config: dict[str, Any]) -> int:
    """The recipe's epochs or as many as the time left is good for, by its measured speed."""
    work = Work(config, bench.device)
    workers = loader_workers(config["engine"]["workers"], work.device)
    trainer = work.trainer(config["engine"]["batch_size"], workers=workers)
    speed = rate(trainer, endless(trainer), seconds=2 * bench.scale.seconds)
    bench.say("images/s before the run", round(speed, 1))
    fitting = int(0.9 * (bench.left() - bench.scale.rest) * speed / len(work.frames))
    return max(1, min(int(config["engine"]["epochs"]), fitting))


def train(overrides: Sequence[str], run: Path, *, log: Path) -> int | None:
    """Runs thermal-detector train; the most MiB of the GPU's memory that were in use meanwhile."""
    command = [sys.executable, "-m", "detector", "train", *overrides, f"hydra.run.dir={run}"]
    peaks: list[int] = []
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            peaks.append(card_mib() or 0)
            time.sleep(1)
    if process.returncode:
        raise RuntimeError(f"train ended with {process.returncode}: {log.read_text()[-1000:]}")
    return max(peaks) or None


def card_mib() -> int | None:
    """Memory of the GPU in use, this process's own included; None where nobody can tell."""
    used = output_of("nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits")
    return None if not used else int(used.splitlines()[0])


# --- all of them, one after the other

PARTS: dict[str, tuple[Callable[[Bench], None], float]] = {
    "1 environment": (environment, 20),
    "2 CUDA tests": (cuda_tests, 45),
    "3 difference to the CPU": (differences, 45),
    "4 step": (steps, 50),
    "4 step, waiting for the GPU": (waits_in_a_step, 20),
    "4 step, operations": (operations, 20),
    "4 step, compiled": (compiled_steps, 60),
    "5 images per second": (rates, 75),
    "6 recipe": (recipe, SECONDS),
}
"""What to do, and in how many of SECONDS at most."""


class Results:
    """What is known so far, on disk at any time."""

    def __init__(self, folder: Path, about: Row) -> None:
        self.folder = folder
        self.known: Row = {**about, "parts": {}}

    def begin(self, name: str) -> Row:
        """A part's own group, to be filled."""
        part: Row = {"state": "begun", "why": None, "seconds": None, "found": {}}
        self.known["parts"][name] = part
        self.write()
        return part

    def write(self) -> None:
        for name, text in (("results.json", json.dumps(self.known, indent=2)), ("results.md", self.page())):
            partial_file = self.folder / f"{name}.partial"
            partial_file.write_text(text + "\n", encoding="utf-8")
            partial_file.replace(self.folder / name)

    def page(self) -> str:
        lines = [f"`{self.known['command']}`"]
        for name, part in self.known["parts"].items():
            why = f": {part['why']}" if part["why"] else ""
            lines += ["", f"## {name}", "", f"{part['state']} ({part['seconds']} s){why}", ""]
            for key, value in part["found"].items():
                lines += entry(key, value)
        return "\n".join(lines)


def entry(key: str, value: Any) -> list[str]:
    """Lines of markdown: a table of rows, a line for anything else."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        return [f"- {key}: {shown}"]
    columns = list(dict.fromkeys(column for row in value for column in row))
    rows = [columns, ["---"] * len(columns), *([row.get(column, "") for column in columns] for row in value)]
    return ["", f"{key}:", "", *(f"| {' | '.join(map(_cell, row))} |" for row in rows), ""]


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "/")


def run_part(name: str, bench: Bench, results: Results) -> None:
    """In a forked process, so that neither a hang nor a broken context outlives the part."""
    work, _ = PARTS[name]
    part = results.begin(name)
    start = time.monotonic()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(work, bench, sender))
    child.start()
    sender.close()
    try:
        part.update(state="out of time", why=f"stopped after {bench.deadline - start:.0f} s")
        while receiver.poll(max(0.0, bench.left())):
            kind, key, value = receiver.recv()
            if kind == "end":
                part.update(state=key, why=value)
                break
            part["found"][key] = value
            results.write()
    except EOFError:
        child.join()
        part.update(state="failed", why=f"the process ended with {child.exitcode}")
    finally:
        # With its loader workers, its tests or its run.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
    part["seconds"] = round(time.monotonic() - start, 1)
    results.write()
    print(f"{name}: {part['state']} ({part['seconds']} s) {part['why'] or ''}", flush=True)


def _in_child(work: Callable[[Bench], None], bench: Bench, sender: Connection) -> None:
    os.setsid()
    try:
        work(replace(bench, say=lambda key, value: sender.send(("found", key, value))))
        sender.send(("end", "done", None))
    except NotHere as reason:
        sender.send(("end", "not here", str(reason)))
    except Exception as error:
        where = own_frames(error)
        sender.send(("end", "failed", f"{type(error).__name__}: {error}; {where[-1] if where else ''}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="hit_uav", help="of configs/data")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    # So that a polite kill takes the running part along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    output = options.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    results = Results(output, {"command": " ".join(sys.argv), "device": options.device})
    bench = Bench(
        device=options.device,
        scale=TOY if options.device == "cpu" else FULL,
        overrides=(f"data={options.data}", f"data.root={options.root.absolute()}", "experiment=hit_uav_fast"),
        output=output,
        deadline=end,
        say=lambda *_: None,
    )
    for name, (_, share) in PARTS.items():
        limit = time.monotonic() + share * options.seconds / SECONDS
        run_part(name, replace(bench, deadline=min(end, limit)), results)
    print(f"results: {output / 'results.md'}")


if __name__ == "__main__":
    main()

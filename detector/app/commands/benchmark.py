"""Time a detector on this machine, by all that can compute it: turn by turn, each in a process of its own."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig

from detector.app.bar import tell
from detector.app.settings import plain
from detector.app.timing.worker import Started, Times, Way, Worker, quiet_threads
from detector.app.trained import Trained
from detector.charts.canvas import svg_file
from detector.charts.plots import curves
from detector.data.loading.padding import pad_to_multiple
from detector.engine import checkpoint
from detector.errors import UserError
from detector.export import onnx_file
from detector.export.quantise import quantise
from detector.files import write_text
from detector.inference.onnx_network import SUFFIX
from detector.inference.runtimes import installed
from detector.structures import Frame

TURNS = 5
"""Of all ways, for each size: what else the machine does meets all alike."""
CALIBRATION = 8
"""Frames of noise for the ranges of 8 bits: they cost accuracy, which nobody asks for here, and no time."""

TORCH = ("torch", "compiled")

Size = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """A way at one size. Milliseconds of the network alone and from counts to objects; joules of a frame."""

    runtime: str
    precision: str
    threads: int
    height: int
    width: int
    network_ms: float
    network_p95_ms: float
    frame_ms: float
    frame_p95_ms: float
    frames_per_second: float
    start_s: float
    memory_mib: float
    joules: float | None


def run(config: DictConfig) -> None:
    """The command: config as in configs/benchmark.yaml."""
    sizes = _pairs(plain(config.sizes))
    threads = [int(count) for count in config.threads]
    if not threads or min(threads) < 1 or config.rounds < TURNS:
        raise UserError(f"threads={threads} rounds={config.rounds}: must be at least 1, and {TURNS} rounds")
    with tempfile.TemporaryDirectory() as folder:
        asked = _chosen(plain(config.runtimes))
        files = _files(str(config.checkpoint), Path(folder), runtimes=asked)
        rows: list[Row] = []
        for count in threads:
            ways = [Way(*kind, file, count) for kind, file in files.items()]
            rows += _measured(ways, sizes, rounds=config.rounds // TURNS)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n{table(rows)}")
    if config.output is not None:
        _write(rows, Path(str(config.output)))


def _chosen(asked: object) -> list[str]:
    """UserError for what is not there."""
    there = [*TORCH, *installed()]
    if asked is None:
        return there
    names = [str(name) for name in (asked if isinstance(asked, list) else [asked])]
    if unknown := [name for name in names if name not in there]:
        raise UserError(f"runtimes={unknown}: not here; there are {', '.join(there)}")
    return names


def _files(path: str, folder: Path, *, runtimes: Sequence[str]) -> Mapping[tuple[str, str], str]:
    """What each (runtime, precision) opens: the file itself, or one written into the folder for it."""
    others = [runtime for runtime in runtimes if runtime not in TORCH]
    if Path(path).suffix == SUFFIX:
        return {(runtime, "as written"): path for runtime in others}
    trained = Trained(path, device=torch.device("cpu"))
    files = {(runtime, "fp32"): path for runtime in runtimes if runtime in TORCH}
    if not others:
        return files
    whole, small = folder / "fp32.onnx", folder / "int8.onnx"
    onnx_file.write(trained.model, whole, size=None, batch=None)
    gain, stride = trained.gain, trained.stride
    frames = (
        gain(Frame(_noise((128, 160), seed), bit_depth=16, source="noise")) for seed in range(CALIBRATION)
    )
    quantise(whole, small, (pad_to_multiple(image, stride)[None, None] for image in frames))
    words = onnx_file.description_of(checkpoint.load(trained.path), stride=stride, licence=None)
    for file in (whole, small):
        onnx_file.describe_in(file, words)
    for runtime in others:
        files |= {(runtime, "fp32"): str(whole), (runtime, "int8"): str(small)}
    return files


def _measured(ways: Sequence[Way], sizes: Sequence[Size], *, rounds: int) -> Iterator[Row]:
    quiet_threads(ways[0].threads)
    with ExitStack() as open_:
        workers: dict[Worker, Started] = {}
        for way in ways:
            worker = open_.enter_context(Worker(way))
            try:
                workers[worker] = started = worker.start(_noise(sizes[0], 0))
                tell(f"{way.runtime} {way.precision}: answers after {started.seconds:.1f} s")
            except UserError as error:
                tell(f"left out: {error}")
        for size in sizes:
            counts = _noise(size, 0)
            turns = [{worker: worker.time(counts, rounds=rounds) for worker in workers} for _ in range(TURNS)]
            for worker, started in workers.items():
                yield _row(worker.way, size, [turn[worker] for turn in turns], started)


def _row(way: Way, size: Size, turns: Sequence[Times], started: Started) -> Row:
    network = np.concatenate([turn.network for turn in turns]) * 1e3
    frame = np.concatenate([turn.frame for turn in turns]) * 1e3
    used = [turn.joules for turn in turns if turn.joules is not None]
    return Row(
        *(way.runtime, way.precision, way.threads, *size),
        network_ms=float(np.median(network)),
        network_p95_ms=float(np.percentile(network, 95)),
        frame_ms=float(np.median(frame)),
        frame_p95_ms=float(np.percentile(frame, 95)),
        frames_per_second=1e3 / float(np.median(frame)),
        start_s=started.seconds,
        memory_mib=started.memory,
        joules=float(np.median(used)) if used else None,
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown, a line for each way with its frame's time at each size."""
    sizes = list(dict.fromkeys((row.height, row.width) for row in rows))
    energy = any(row.joules is not None for row in rows)
    heads = [f"{width}x{height}" for height, width in sizes]
    lines = [
        "| computed by | threads | start | memory | " + " | ".join(heads) + " |",
        "|---|---|---|---|" + "---|" * len(sizes),
    ]
    for row in rows:
        if (row.height, row.width) != sizes[0]:
            continue
        same = (row.runtime, row.precision, row.threads)
        times = [one for one in rows if (one.runtime, one.precision, one.threads) == same]
        cells = (
            f"{one.frame_ms:.1f} ({one.frame_p95_ms:.1f}), {one.network_ms:.1f}"
            + (f", {one.joules:.2g} J" if energy and one.joules is not None else "")
            for one in times
        )
        lines.append(
            f"| {row.runtime} {row.precision} | {row.threads} | {row.start_s:.1f} s "
            f"| {row.memory_mib:.0f} MiB | {' | '.join(cells)} |"
        )
    said = "ms from counts to objects: median (95th percentile), and the network's part"
    return "\n".join([*lines, "", said + ("; joules of a frame" if energy else "")])


def _write(rows: Sequence[Row], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(field.name for field in fields(Row))
    out.writerows([f"{v:.4g}" if isinstance(v, float) else v for v in astuple(row)] for row in rows)
    write_text(folder / "benchmark.csv", text.getvalue())
    write_text(folder / "benchmark.md", table(rows) + "\n")
    few = min(row.threads for row in rows)
    series: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        if row.threads == few:
            x, y = series.setdefault(f"{row.runtime} {row.precision}", ([], []))
            x.append(row.height * row.width)
            y.append(row.frame_ms)
    figure = curves(
        {name: (np.array(x), np.array(y)) for name, (x, y) in series.items()},
        title=f"A frame, {few} thread" + "s" * (few > 1),
        x_label="pixels",
        y_label="ms from counts to objects",
        scale="log",
    )
    write_text(folder / "benchmark.svg", svg_file(figure))
    print(f"\nwritten: {folder}")


def _pairs(sizes: object) -> list[Size]:
    """UserError for what is no list of [height, width]."""
    if isinstance(sizes, list) and sizes:
        pairs = [one for one in sizes if isinstance(one, list) and len(one) == 2]
        if len(pairs) == len(sizes) and all(isinstance(n, int) and n > 0 for one in pairs for n in one):
            return [(height, width) for height, width in pairs]
    raise UserError(f"sizes={sizes}: must be a list of [height, width]")


def _noise(size: Size, seed: int) -> np.ndarray:
    """[H, W] uint16, as of a camera before a wall."""
    return np.random.default_rng(seed).normal(30_000, 30, size).astype(np.uint16)

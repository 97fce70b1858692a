"""A frame's time: our networks and their peers, turn by turn in one process, and the ratios.

    python benchmarks/latency.py [--models nano small] [--study architecture] [--sizes 320x256 160x128]
        [--threads 1 2] [--peers yolo11n yolo26n] [--peer-classes 4] [--rounds 200] [--cpu-time] [--csv FILE]

--study times the networks of a study's arms.

Needs pip install -e '.[export]'; the peers are built from ultralytics (AGPL-3.0), which is no dependency and
may be missing. Timed is the way from a frame to a score for every class and a box at every point, without
suppression, in ONNX Runtime and, where it is installed, OpenVINO: as fp32 and as static INT8 (QDQ, per
channel, ranges of synthetic frames), ours as `export` makes it, of the peers every operation that can be.
Ours see one channel and are exported by torch's exporter; the peers see three and are exported by their own
package. Weights are random, and there are four classes unless --peer-classes says otherwise.
Ratios within one run are what counts: times depend on the machine and its load.
"""

from __future__ import annotations

import argparse
import copy
import csv
import importlib.metadata
import importlib.util
import logging
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.settings import plain, typed
from detector.export.onnx_file import OPSET, Deployed, export_network
from detector.export.quantise import Frames, quantise
from detector.inference.runtimes import OnnxRuntime, openvino_core
from detector.structures import Frame
from detector.synth.placement import populate
from detector.synth.scene import Scene, SceneParams
from detector.synth.sensor import Sensor, SensorParams

CLASSES = 4
MODELS = ("pico", "nano", "small", "medium")
FRAMES = 8
"""Synthetic ones, for the ranges of batch norms and of INT8."""
WARMUP = 10
TOLERANCE = {"scores": 1e-4, "boxes": 1e-2}
"""By how much an exported file may differ from PyTorch, boxes in pixels."""
PRECISIONS = ("fp32", "INT8")
PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime", "openvino", "ultralytics")

Settings = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A network exported for one size. files: by precision; image: [1, channels, H, W] to time them with."""

    name: str
    gflop: float
    parameters: int
    files: dict[str, Path]
    image: np.ndarray


def main() -> None:
    options = arguments()
    if missing := [name for name in ("onnx", "onnxscript", "onnxruntime") if not installed(name)]:
        sys.exit(f"{', '.join(missing)} missing: pip install -e '.[export]'")
    if options.peers and not installed("ultralytics"):
        left_out = ", ".join(options.peers)
        print(f"{left_out} left out: pip install --no-deps ultralytics (AGPL-3.0)", file=sys.stderr)
        options.peers = []
    models = arms(options.study) if options.study else {name: [f"model={name}"] for name in options.models}
    rows: list[list[object]] = []
    file = options.csv and options.csv.resolve()
    quiet()
    print(machine())
    with workshop():
        for height, width in options.sizes:
            images = draw_frames(height, width)
            candidates = [ours(name, overrides, images) for name, overrides in models.items()]
            candidates += [peer(name, images, classes=options.peer_classes) for name in options.peers]
            for threads in options.threads:
                clock = time.thread_time if options.cpu_time and threads == 1 else time.perf_counter
                times = medians(candidates, threads=threads, rounds=options.rounds, clock=clock)
                kind = "time" if clock is time.perf_counter else "CPU time"
                said = f"threads: {threads}, median {kind} of {options.rounds} rounds, {load()}"
                print(f"\n{width}x{height}, {said}\n")
                print(table(candidates, times, peers=options.peers), flush=True)
                for one in candidates:
                    shape = (width, height, threads, f"{one.gflop:.4f}", one.parameters)
                    measured = {
                        column: f"{time:.3f}" for (name, column), time in times.items() if name == one.name
                    }
                    rows = rows or [
                        [*["model", "width", "height", "threads", "gflop", "parameters"], *measured]
                    ]
                    rows.append([one.name, *shape, *measured.values()])
        if file:
            with file.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows(rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="*", default=list(MODELS), help="of configs/model")
    parser.add_argument("--study", help="of configs/study: its arms' networks instead of --models")
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[(256, 320), (128, 160)], metavar="WxH")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="*", default=["yolo11n", "yolo26n"], help="names ultralytics knows")
    parser.add_argument("--peer-classes", type=int, default=CLASSES, help="80: as published")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--csv", type=Path, help="file that gets a line per network, size and threads")
    parser.add_argument(
        "--cpu-time", action="store_true", help="where one thread works, not the clock's: on a busy machine"
    )
    return parser.parse_args()


def size_of(text: str) -> tuple[int, int]:
    """(height, width) of "320x256"."""
    width, height = (int(side) for side in text.split("x"))
    return height, width


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def quiet() -> None:
    """The exporters and the quantisation say much; ultralytics may neither install nor fetch anything."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    os.environ.update(YOLO_VERBOSE="false", YOLO_AUTOINSTALL="false", YOLO_OFFLINE="true")


@contextmanager
def workshop() -> Iterator[None]:
    """Works in a folder that does not stay: ultralytics writes its files where it stands."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["YOLO_CONFIG_DIR"] = folder
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def machine() -> str:
    """The CPU and the versions, one line each."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    known = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16") if flag in flags]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES if installed(name)]
    cpu = names[0] if names else platform.processor() or platform.machine()
    return (
        f"{cpu}, {os.cpu_count()} cores, {' '.join(known)}\n"
        f"Python {platform.python_version()}, {', '.join(versions)}; opset {OPSET}; {load()}"
    )


def load() -> str:
    return f"load {os.getloadavg()[0]:.2f}"


def compose(name: str, overrides: Sequence[str] = ()) -> Settings:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        settings: Settings = plain(hydra.compose(name, overrides=list(overrides)))
    return settings


def arms(study: str) -> dict[str, list[str]]:
    """The networks of a study's arms: by arm the overrides that say which."""
    settings = yaml.safe_load((Path(CONFIGS) / "study" / f"{study}.yaml").read_text())
    return {
        name: [one for one in overrides if one.startswith("model")]
        for name, overrides in settings["arms"].items()
    }


def draw_frames(height: int, width: int) -> Tensor:
    """[FRAMES, 1, H, W]: a frame of each of FRAMES synthetic scenes, with the default gain."""
    settings, gain = compose("synth"), build("thermal", compose("train")["thermal"])
    params = typed(SceneParams, {**settings["scene"], "width": width, "height": height}, where="scene")
    sensor = typed(SensorParams, settings["sensor"], where="sensor")
    images = []
    for seed in range(FRAMES):
        rng = np.random.default_rng(seed)
        scene = Scene(params, rng)
        kelvin, _ = scene.compose(populate(scene, rng))
        counts = Sensor(sensor, rng, width=width, height=height).expose(kelvin, rng, frame=0)
        images.append(gain(Frame(counts, bit_depth=16, source="synth")))
    return torch.from_numpy(np.stack(images))[:, None]


def ours(name: str, overrides: Sequence[str], images: Tensor) -> Candidate:
    """The network that overrides of configs/train.yaml describe, under a name that may be a file's.

    Exits where the exported file gives other numbers than PyTorch.
    """
    torch.manual_seed(0)
    network = build("model", compose("train", overrides)["model"], classes=CLASSES)
    settle(network, images)
    model = Deployed(network).eval()
    file = Path(f"{name}.onnx")
    export_network(model, (images[:1],), file, inputs=("images",), outputs=tuple(TOLERANCE))
    check(name, model, file, images[:1])
    small = file.with_suffix(".int8.onnx")
    quantise(file, small, (image[None] for image in images.numpy()))
    return candidate(name, network, (file, small), images)


def peer(name: str, images: Tensor, *, classes: int) -> Candidate:
    """The network that ultralytics builds by that name, untrained, as its exporter gives it without NMS."""
    from ultralytics import YOLO
    from ultralytics.nn.tasks import yaml_model_load

    torch.manual_seed(0)
    images = images.expand(-1, 3, -1, -1).contiguous()
    recipe = Path(f"{name}.yaml")
    recipe.write_text(yaml.safe_dump({**yaml_model_load(recipe), "nc": classes}))
    yolo = YOLO(recipe, task="detect")
    settle(yolo.model, images)
    form = {"format": "onnx", "imgsz": list(images.shape[2:]), "opset": OPSET, "simplify": False}
    file = Path(yolo.export(**form, device="cpu", verbose=False))
    network = copy.deepcopy(yolo.model)
    # As its exporter does: of the two heads of YOLO26 the one whose answers are all given, not the best 300.
    network.end2end = False
    return candidate(name, network.fuse(verbose=False), (file, quantised(file, images)), images)


def settle(network: nn.Module, images: Tensor) -> None:
    """Gives the batch norms the statistics of the frames, and sets the network to evaluation.

    With those of a new network, activations fade from layer to layer, at last to numbers that are slow to
    compute with and that INT8 has no sensible range for; trained networks have neither.
    """
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
            module.train()
    with torch.no_grad():
        network(images)
    network.eval()


def check(name: str, model: nn.Module, file: Path, image: Tensor) -> None:
    """Prints the largest differences of a file to PyTorch; exits where they exceed TOLERANCE."""
    with torch.no_grad():
        expected = model(image)
    found = OnnxRuntime(file, threads=1).run(image.numpy())
    differences = [float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected, strict=True)]
    said = ", ".join(f"{key} {value:.1e}" for key, value in zip(TOLERANCE, differences, strict=True))
    height, width = image.shape[2:]
    print(f"{name} at {width}x{height}: largest difference to PyTorch: {said}")
    if not all(value <= limit for value, limit in zip(differences, TOLERANCE.values(), strict=True)):
        sys.exit(f"{name}: the exported file gives other numbers than PyTorch")


def candidate(name: str, network: nn.Module, files: tuple[Path, Path], images: Tensor) -> Candidate:
    """files: of fp32 and of INT8."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images[:1])
    return Candidate(
        name=name,
        gflop=counter.get_total_flops() / 1e9,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        files=dict(zip(PRECISIONS, files, strict=True)),
        image=images[:1].numpy(),
    )


def quantised(file: Path, images: Tensor) -> Path:
    """The file with weights and activations of 8 bits, whatever operation ONNX Runtime can have so."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    result, prepared = file.with_suffix(".int8.onnx"), file.with_suffix(".prepared.onnx")
    quant_pre_process(file, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        result,
        Frames(image[None] for image in images.numpy()),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return result


def in_onnxruntime(file: Path, image: np.ndarray, *, threads: int) -> Callable[[], object]:
    """One frame's work."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Else the threads of the session before keep the cores busy, waiting for work, while the next is timed.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"images": image})


def in_openvino(file: Path, image: np.ndarray, *, threads: int) -> Callable[[], object]:
    """One frame's work."""
    core = openvino_core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    model = core.compile_model(core.read_model(file), "CPU", settings | {"INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    return lambda: request.infer({0: image})


def medians(
    candidates: Sequence[Candidate], *, threads: int, rounds: int, clock: Callable[[], float]
) -> dict[tuple[str, str], float]:
    """Milliseconds by name and column; every round runs each of them once, in an order of its own.

    A column is a precision, in ONNX Runtime, or with OpenVINO's name behind it.
    """
    ways = {"": in_onnxruntime} | ({" OpenVINO": in_openvino} if installed("openvino") else {})
    runs = {
        (one.name, precision + suffix): opened(file, one.image, threads=threads)
        for one in candidates
        for suffix, opened in ways.items()
        for precision, file in one.files.items()
    }
    samples: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    keys, rng = list(runs), np.random.default_rng(0)
    for _ in range(WARMUP + rounds):
        for number in rng.permutation(len(keys)):
            key = keys[number]
            start = clock()
            runs[key]()
            samples[key].append(1000 * (clock() - start))
    return {key: float(np.median(values[WARMUP:])) for key, values in samples.items()}


def table(
    candidates: Sequence[Candidate], times: dict[tuple[str, str], float], *, peers: Sequence[str]
) -> str:
    """A Markdown table, a row for each network: what it costs, and its times as a share of each peer's."""
    columns = list(dict.fromkeys(column for _, column in times))
    ratios = [(column, other) for other in peers for column in columns]
    head = ["model", "GFLOP", "M parameters", *(f"ms {column}" for column in columns)]
    rows = [[*head, *(f"{column} / {other}" for column, other in ratios)]]
    rows.append(["---"] + ["---:"] * (len(rows[0]) - 1))
    for one in candidates:
        row = [one.name, f"{one.gflop:.2f}", f"{one.parameters / 1e6:.2f}"]
        row += [f"{times[one.name, column]:.2f}" for column in columns]
        row += [f"{times[one.name, column] / times[other, column]:.2f}" for column, other in ratios]
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()

"""Two ways to 8 bits, side by side: `python benchmarks/quantisers.py NETWORK.onnx --root COCO_SET`.

NETWORK.onnx is of `thermal-detector export`, in full precision. ONNX Runtime's static quantisation, which
`export precision=int8` uses, and nncf's (pip install nncf; Apache-2.0) get the same training frames and leave
the same operations in float. Prints the AP of each on the set's val split and the time of its network in each
runtime that is installed, one thread, turn by turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
import nncf
import numpy as np
import onnx

from detector.app.build import build_evaluate, load_split
from detector.app.configs import CONFIGS
from detector.app.exported import Exported
from detector.app.exporting.job import CPU
from detector.app.opening import labelled
from detector.app.settings import plain
from detector.data.loading.padding import pad_to_multiple
from detector.evaluation.predictions import predictions_json
from detector.export import onnx_file
from detector.export.quantise import quantise, stays_in_float
from detector.inference.runtimes import installed
from detector.inference.split import SplitFrames, detect

CALIBRATION = 200
ROUNDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--root", required=True)
    options = parser.parse_args()
    full = Exported(options.file)
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        asked = hydra.compose("evaluate", overrides=["data=coco", f"data.root={options.root}"])
    data = plain(asked.data)
    truth = labelled(full, load_split(data, "val"))
    evaluate, frames = build_evaluate(asked), SplitFrames(truth, full.gain)
    with tempfile.TemporaryDirectory() as folder:
        files = {"fp32": options.file} | made(options.file, calibration(full, data), Path(folder))
        print(f"| | AP | AP50 | {' | '.join(f'ms, {runtime}' for runtime in installed())} |")
        print("|---|---:|---:|" + "---:|" * len(installed()))
        padded = pad_to_multiple(next(frames.shots()).image, full.file.about["stride"])
        times = timed(list(files.values()), padded[None, None])
        for name, file in files.items():
            found = detect(Exported(file).pipeline(CPU), frames)
            overall = evaluate(truth, predictions_json(found, truth)).metrics.overall
            spent = " | ".join(f"{times[file, runtime]:.1f}" for runtime in installed())
            print(f"| {name} | {overall['AP']:.4f} | {overall['AP50']:.4f} | {spent} |", flush=True)


def calibration(full: Exported, data: dict[str, Any]) -> list[np.ndarray]:
    """[1, 1, H, W] each, spread over the training split."""
    training = SplitFrames(load_split(data, "train"), full.gain)
    chosen = np.linspace(0, len(training) - 1, min(CALIBRATION, len(training))).astype(int).tolist()
    stride = full.file.about["stride"]
    return [pad_to_multiple(shot.image, stride)[None, None] for shot in training.shots(chosen)]


def made(file: Path, images: list[np.ndarray], folder: Path) -> dict[str, Path]:
    """The files in 8 bits, with the metadata of the one they come from."""
    files = {"ONNX Runtime": folder / "ort.onnx"}
    files |= {name: folder / f"{name}.onnx" for name in ("nncf", "nncf, full bias correction")}
    quantise(file, files["ONNX Runtime"], iter(images))
    network = onnx.load(file)
    kept = nncf.IgnoredScope(names=stays_in_float(network.graph))
    given = nncf.Dataset(images, lambda image: {"images": image})
    for name in list(files)[1:]:
        quick = name == "nncf"
        small = nncf.quantize(
            network, given, subset_size=len(images), ignored_scope=kept, fast_bias_correction=quick
        )
        onnx.save(small, files[name])
    words = {entry.key: entry.value for entry in network.metadata_props}
    for path in files.values():
        onnx_file.describe_in(path, words)
    return files


def timed(files: Sequence[Path], image: np.ndarray) -> dict[tuple[Path, str], float]:
    """Median milliseconds of the network for one image [1, 1, H, W]."""
    ways = {(file, one): Exported(file, runtime=one, threads=1) for file in files for one in installed()}
    spent: dict[tuple[Path, str], list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, opened in ways.items():
            begun = time.perf_counter()
            opened.file.run(image)
            spent[way].append(time.perf_counter() - begun)
    return {way: 1e3 * float(np.median(values)) for way, values in spent.items()}


if __name__ == "__main__":
    main()

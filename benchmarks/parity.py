"""Whether PyTorch and the exported file find the same: `python benchmarks/parity.py DATA...`.

DATA are folders of pictures or recordings of any kind, 8 and 16 bits. FRAMES of them, evenly, every third cut
to an odd size, go through the checkpoint and through the .onnx file that `export` makes of it, computed by
each runtime that is installed, in processes in which torch cannot be loaded. Every object must be found by
all: its score within 0.0001, its box within 0.05 pixels. Prints the largest differences; status 1 where an
object is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from detector.app.opening import open_detector
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference import runtimes
from detector.inference.pipeline import Shot
from detector.inference.sources import find, recordings
from detector.structures import Detections, Frame
from detector.thermal import io
from detector.thermal.io.checks import depth_of

FRAMES = 500
LEAST = 0.1
"""Score from which an object is compared."""
SETTINGS = InferenceSettings(device="cpu", precision="fp32", batch_size=8)
MOST_CLASSES = 1000
TORCH = "torch"
ANSWER = "answer"
"""First word of a process that answers."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="+")
    parser.add_argument("--checkpoint", default="thermal")
    parser.add_argument("--frames", type=int, default=FRAMES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames, file = folder / "frames", folder / "network.onnx"
        kept = keep(chosen(options.data, options.frames), frames)
        export(options.checkpoint, file)
        wanted = asked(TORCH, options.checkpoint, frames, folder)
        found = {runtime: asked(runtime, str(file), frames, folder) for runtime in runtimes.installed()}
    from detector.export.parity import objects_apart

    objects = sum(len(one.scores) for one in wanted)
    print(f"{kept} with {objects} objects of at least {LEAST}")
    fine = True
    for runtime, answers in found.items():
        score, box, missing = objects_apart(wanted, answers, least=np.full(MOST_CLASSES, LEAST))
        print(f"{runtime}: scores within {score:.1e}, boxes within {box:.1e} px, {missing} missing")
        fine &= not missing
    sys.exit(not fine)


def chosen(data: list[str], most: int) -> Iterator[np.ndarray]:
    """Counts [H, W] of `most` frames, evenly from each place."""
    for place in data:
        opened = recordings(find(place), raw_shape=None, colour="luminance", unit=None, failed=ignored)
        every = [frame.counts for one in opened for frame in whole(one.recording)]
        for index in np.linspace(0, len(every) - 1, most // len(data)).astype(int):
            yield every[index]


def whole(recording: io.Recording) -> Iterator[Frame]:
    with contextlib.suppress(UserError):
        yield from recording


def ignored(error: UserError) -> None:
    """What cannot be read is not compared."""


def keep(counts: Iterator[np.ndarray], folder: Path) -> str:
    """Writes them; says what they are."""
    folder.mkdir()
    depths, sizes = set(), set()
    number = -1
    for number, one in enumerate(counts):
        height, width = one.shape
        kept = one[: height - 7, : width - 13] if number % 3 == 0 else one
        np.save(folder / f"{number:04d}.npy", kept)
        depths.add(depth_of(kept))
        sizes.add(kept.shape[::-1])
    said = ", ".join(f"{width}x{height}" for width, height in sorted(sizes))
    return f"{number + 1} frames of {' and '.join(map(str, sorted(depths)))} bits, {said},"


def export(path: str, file: Path) -> None:
    import torch

    from detector.app.trained import Trained
    from detector.engine import checkpoint
    from detector.export import onnx_file

    trained = Trained(path, device=torch.device("cpu"))
    onnx_file.write(trained.model, file, size=None, batch=None)
    state = checkpoint.load(trained.path)
    words = onnx_file.description_of(state, stride=trained.stride, licence=None)
    onnx_file.describe_in(file, words)


def asked(runtime: str, path: str, frames: Path, folder: Path) -> list[Detections]:
    """What a process of its own found in each frame."""
    answer = folder / f"{runtime}.npz"
    subprocess.run(
        [sys.executable, __file__, ANSWER, runtime, path, str(frames), str(answer)],
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    with np.load(answer) as stored:
        count = len(stored.files) // 3
        return [
            Detections(*(stored[f"{index}_{part}"] for part in ("boxes", "scores", "labels")))
            for index in range(count)
        ]


def answer() -> None:
    """The process's part: words are those that `asked` gives."""
    runtime, path, frames, output = sys.argv[2:]
    if runtime != TORCH:
        sys.modules[TORCH] = None  # type: ignore[assignment]  # Python's own way to forbid an import
        runtimes.RUNTIMES = {runtime: runtimes.RUNTIMES[runtime]}
    detector = open_detector(path, device="cpu")
    counts = (np.load(file) for file in sorted(Path(frames).iterdir()))
    shown = (Frame(one, bit_depth=depth_of(one), source="parity") for one in counts)
    found = detector.pipeline(SETTINGS)(Shot(frame, detector.gain(frame)) for frame in shown)
    parts: dict[str, Any] = {}
    for index, one in enumerate(found):
        kept = one.detections.keep(one.scores >= LEAST)
        parts |= {f"{index}_{part}": getattr(kept, part) for part in ("boxes", "scores", "labels")}
    np.savez(output, **parts)


if __name__ == "__main__":
    (answer if sys.argv[1:2] == [ANSWER] else main)()

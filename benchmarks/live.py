"""From raw frames to a live view in 8 bits, as a new user goes: `python benchmarks/live.py`.

Makes the synthetic set (raw 16-bit frames), trains a few epochs from the weights that ship, exports INT8 and
starts `watch` with it on its frames, or on `--recording FILE`. Then reads the page's frames as a browser
does, and prints what each step took and how old a frame was when the page had it: from its arrival in the
program to its picture and boxes in the browser's hands. `--checkpoint FILE` skips the training.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from detector.thermal import io

PROGRAM = (sys.executable, "-m", "detector")
FRAMES = 200
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recording", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = options.checkpoint and options.checkpoint.resolve()
        recording = options.recording and options.recording.resolve()
        if file is None or recording is None:
            step(folder, "synth", "root=set", "dataset={train: 200, val: 40, test: 20}")
        if file is None:
            given = [
                "data=synthetic",
                "data.root=set",
                "hydra.run.dir=run",
                f"engine.epochs={options.epochs}",
            ]
            step(folder, "train", *given)
            file = folder / "int8.onnx"
            best = "checkpoint=run/checkpoints/best.pt"
            step(folder, "export", best, "precision=int8", f"output={file}")
        if recording is None:
            recording = folder / "frames.npy"
            np.save(
                recording, np.stack([io.read(one).counts for one in sorted((folder / "set/test").iterdir())])
            )
        with watching(folder, f"checkpoint={file}", f"source={recording}") as address:
            ages, objects = zip(*seen(address), strict=True)
    milliseconds = 1e3 * np.array(ages)
    print(
        f"page: {len(ages)} frames, {np.mean(objects):.1f} objects in each; a frame is "
        f"{np.median(milliseconds):.1f} ms old, 95 of 100 at most {np.percentile(milliseconds, 95):.1f}; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def step(folder: Path, *words: str) -> None:
    """A command, timed; ends the program where it does not end well."""
    began = time.monotonic()
    done = subprocess.run(
        [*PROGRAM, *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    print(f"thermal-detector {' '.join(words)}: {time.monotonic() - began:.0f} s", flush=True)


@contextmanager
def watching(folder: Path, *words: str) -> Iterator[str]:
    """The address of the page of `watch`, which is ended with SIGTERM."""
    began = time.monotonic()
    command = [*PROGRAM, "watch", "port=0", *words]
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip().rpartition(": ")[2]
    print(f"thermal-detector watch {' '.join(words)}: {address} after {time.monotonic() - began:.1f} s")
    try:
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        print(process.communicate(timeout=60)[0].strip())


def seen(address: str) -> Iterator[tuple[float, int]]:
    """Of FRAMES frames, as the page asks for them: age in seconds when it is here, and objects."""
    number = 0
    for _ in range(FRAMES):
        with urllib.request.urlopen(f"{address}next?after={number}", timeout=60) as answer:
            begun = time.monotonic()
            found = json.load(answer)
            age = float(answer.headers["Frame-Age"]) + time.monotonic() - begun
        number = found["number"]
        yield age, len(found["objects"])


if __name__ == "__main__":
    main()

"""Train a peer from nothing on the frames that ours is trained on, for a given time, and judge both alike:

    python benchmarks/peers.py --data hit_uav --root PATH [--peer yolo26n] [--minutes 45] [--size 320] \\
        --output FOLDER [--threads 1]

Writes the set as YOLO, trains the network that ultralytics builds by that name with its own recipe and no
weights, its learning rate fitted to the time, and writes FOLDER/PEER.json: what it finds on the validation
split, as thermal-detector evaluate predictions=FILE and compare take it, with the result of the first. Needs
ultralytics (AGPL-3.0, pip install --no-deps ultralytics), which is no dependency; nothing else needs it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import torch

from benchmarks.latency import installed, quiet, workshop
from detector.app.running.workers import PROGRAM

DETECTIONS = 100
"""Of a frame, as COCO counts them."""


def main() -> None:
    options = arguments()
    if not installed("ultralytics"):
        raise SystemExit("pip install --no-deps ultralytics (AGPL-3.0): it is no dependency")
    torch.set_num_threads(options.threads)
    folder, root = options.output.absolute(), options.root.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ours = [f"data={options.data}", f"data.root={root}"]
    frames = folder / "frames"
    if not frames.is_dir():
        subprocess.run([*PROGRAM, "convert", *ours, "format=yolo", f"output={frames}"], check=True)
    found = folder / f"{options.peer}.json"
    quiet()
    with workshop():
        train(options, frames / "data.yaml", found)
    judged = [f"predictions={found}", "data.split=val", f"output={folder / options.peer}"]
    subprocess.run([*PROGRAM, "evaluate", *ours, *judged], check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True, help="a data set of configs/data")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--peer", default="yolo26n", help="a network that ultralytics knows by name")
    parser.add_argument("--minutes", type=float, default=45.0, help="of training; its schedule fits them")
    parser.add_argument("--size", type=int, default=320, help="pixels of the longer side that it sees")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


def train(options: argparse.Namespace, data: Path, found: Path) -> None:
    """Train with ultralytics' own recipe, and write what the last weights find on the split `val`."""
    from ultralytics import YOLO

    yolo = YOLO(f"{options.peer}.yaml", task="detect")
    shared = {"data": str(data), "imgsz": options.size, "device": "cpu", "workers": 0, "plots": False}
    begun = time.perf_counter()
    yolo.train(**shared, time=options.minutes / 60, pretrained=False, val=False, cache="ram")
    minutes, epochs = (time.perf_counter() - begun) / 60, yolo.trainer.epoch + 1
    print(f"{options.peer}: {epochs} epochs in {minutes:.1f} minutes, {options.threads} threads", flush=True)
    last = YOLO(yolo.trainer.last)
    judged = last.val(**shared, split="val", save_json=True, max_det=DETECTIONS, conf=0.001)
    entries = json.loads((Path(judged.save_dir) / "predictions.json").read_text())
    for entry in entries:  # it counts classes from 1, whatever the set does
        entry["category_id"] = last.names[entry["category_id"] - 1]
    found.write_text(json.dumps(entries))


if __name__ == "__main__":
    main()

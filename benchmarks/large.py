"""What large sets cost, by size: `python benchmarks/large.py [--frames 5000 ...] [--chart FILE]`.

Makes COCO sets in a temporary folder (six boxes a frame; frames of 16 bits, 32x24 unless --pixels says
otherwise, of which every 500 are links to one file, so that the disk plays no part) and measures, each in a
process of its own:

  read        annotations, from the file to arrays
  first step  that, the fingerprint, a look at every frame and the first batch of 16; then, with 0, 1, 2 and 4
              loader workers, 200 batches more, after which the memory of each process is told
  results     a COCO results file of 100 detections a frame, from the file to arrays
  evaluate    all of evaluate() and the headline with its intervals, on these detections
  doctor      all checks of thermal-detector doctor, with a tenth of the frames as a second split

Prints CPU and wall seconds, the most memory that the process held, and of several their shares of it (PSS).
--kept FILE keeps what was measured: the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

PIXELS = (32, 24)
CACHE_MIB = 64
BOXES, DETECTIONS = 6, 100
CLASSES = ("person", "car", "bicycle", "dog")
PER_FILE, PER_RECORDING = 500, 500
MIB = 2**20
WORKERS = (0, 1, 2, 4)

Figures = dict[str, float]


def make(root: Path, frames: int, pixels: tuple[int, int]) -> None:
    """A set of `frames` training frames and a tenth of them to validate on."""
    width, height = pixels
    rng = np.random.default_rng(0)
    for split, count in (("train", frames), ("val", frames // 10)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            picture = root / split / f"{index:06d}.png"
            if index % PER_FILE == 0:
                first = picture
                cells = rng.normal(30000, 300, (height // 8, width // 8)).astype(np.uint16)
                cv2.imwrite(str(first), cv2.resize(cells, (width, height)))
            else:
                os.link(first, picture)
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"{split}.json").write_text(document(rng, count, pixels), encoding="utf-8")


def document(rng: np.random.Generator, frames: int, pixels: tuple[int, int]) -> str:
    """A COCO file, as COCO's own tools write them."""
    owners = np.repeat(np.arange(1, frames + 1), rng.poisson(BOXES, frames))
    boxes = np.round(boxes_at_random(rng, len(owners), pixels), 2)
    objects = [
        {"id": k, "image_id": owner, "category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for k, (owner, label, box) in enumerate(
            zip(owners.tolist(), rng.integers(1, 5, len(owners)).tolist(), boxes.tolist(), strict=True)
        )
    ]
    images = [
        {
            "id": k + 1,
            "file_name": f"{k:06d}.png",
            "width": pixels[0],
            "height": pixels[1],
            "sequence": f"walk{k // 500}",
        }
        for k in range(frames)
    ]
    names = [{"id": k, "name": name} for k, name in enumerate(CLASSES, 1)]
    return json.dumps({"images": images, "annotations": objects, "categories": names})


def boxes_at_random(rng: np.random.Generator, count: int, pixels: tuple[int, int]) -> np.ndarray:
    """[count, 4] x, y, w, h inside the frame."""
    sides = np.exp(rng.uniform(np.log(3), np.log(min(pixels) / 2), (count, 2)))
    return np.concatenate((rng.random((count, 2)) * (pixels - sides), sides), axis=1)


def load(root: Path, split: str = "train") -> Any:
    from detector.data.readers.coco import CocoSource

    return CocoSource(root, None, "annotations/{split}.json", "{split}", None).load(split)


def read(root: Path) -> Figures:
    annotations = load(root)
    assert annotations.object_counts().sum()
    return {"held": pss([os.getpid()])}


def first_step(root: Path) -> Figures:
    from detector.app.parts import build
    from detector.data.fingerprint import fingerprint
    from detector.data.loading.dataset import DetectionDataset
    from detector.data.loading.padding import WholeFrame

    annotations = load(root)
    fingerprint(annotations)
    gain = build("thermal", {"name": "percentile", "low": 1.0, "high": 99.0, "min_span": 16.0})
    dataset = DetectionDataset(annotations, agc=gain, transform=WholeFrame(32), cache_mib=CACHE_MIB)
    figures: Figures = {}
    for workers in WORKERS:
        figures |= with_workers(dataset, workers)
    return figures


def with_workers(dataset: Any, workers: int) -> Figures:
    """The processor's seconds up to the first batch where there are no workers; memory after 200 batches."""
    from detector.data.loading.loader import train_loader

    loader = train_loader(dataset, batch_size=16, workers=workers, seed=0)
    loader.start(0)
    batches = iter(loader)
    next(batches)
    figures = {} if workers else {"CPU s": time.process_time()}
    own = [os.getpid(), *children()]
    before = [pss([pid]) for pid in own]
    for _ in range(min(200, len(loader) - 1)):
        next(batches)
    after = [pss([pid]) for pid in own]
    told = {"all": sum(after), "parent": after[0]}
    if workers:
        told |= {"a worker": max(after[1:]), "its growth": max(np.subtract(after, before)[1:].tolist())}
    return figures | {f"{name}, {workers}": value for name, value in told.items()}


def detections(annotations: Any) -> Any:
    """100 detections a frame: up to three near each truth, the others anywhere."""
    from detector.evaluation.predictions import Entries

    rng, table = np.random.default_rng(1), annotations.table
    record = annotations.records[0]
    boxes = boxes_at_random(rng, len(table) * DETECTIONS, (record.width, record.height))
    boxes = boxes.reshape(len(table), DETECTIONS, 4)
    labels = rng.integers(0, len(CLASSES), boxes.shape[:2])
    scores = rng.beta(1, 6, boxes.shape[:2])
    place = np.arange(len(table.labels)) - table.cuts[table.images]
    for copy in range(3):
        row = (place * 3 + copy).clip(max=DETECTIONS - 1)
        near = table.boxes + rng.normal(0, 2, table.boxes.shape)
        near[:, 2:] = np.maximum(near[:, 2:] - near[:, :2], 1)
        boxes[table.images, row], labels[table.images, row] = near, table.labels
        scores[table.images, row] = rng.beta(4, 3, len(row))
    return Entries(
        image_ids=np.repeat(table.image_ids, DETECTIONS),
        category_ids=np.array(annotations.category_ids)[labels.ravel()],
        boxes=boxes.reshape(-1, 4).round(3),
        scores=scores.ravel().astype(np.float32).astype(np.float64),
    )


def write_results(root: Path) -> Figures:
    detections(load(root)).save(root / "predictions.json")
    return {}


def results(root: Path) -> Figures:
    from detector.evaluation.results_file import read_predictions

    return {"detections": len(read_predictions(root / "predictions.json", load(root)))}


def evaluate(root: Path) -> Figures:
    from detector.app.build import headline_of
    from detector.evaluation.metrics.bins import Bins
    from detector.evaluation.split import evaluate as measure

    annotations = load(root)
    entries, made = detections(annotations), time.process_time()
    bins = Bins(overlap=(0.0, 0.1, 0.3), crowd_above=0.1, sizes=(6.0, 12.0, 24.0))
    evaluated = measure(annotations, entries, bins=bins)
    headline_of(evaluated, None, chosen_here=True, fps=None)
    return {"CPU s": time.process_time() - made, "AP": evaluated.metrics.overall["AP"] or 0.0}


def doctor(root: Path) -> Figures:
    from hydra import compose, initialize_config_dir

    from detector.doctor.examination import examine
    from detector.doctor.limits import Limits

    with initialize_config_dir(str(Path(__file__).absolute().parents[1] / "configs"), version_base="1.3"):
        limits = Limits(**compose("doctor")["limits"])
    found = examine({split: load(root, split) for split in ("train", "val")}, train="train", limits=limits)
    return {"findings": len(found.findings)}


PARTS: Mapping[str, Callable[..., Figures]] = {
    "read": read,
    "first step": first_step,
    "results": results,
    "evaluate": evaluate,
    "doctor": doctor,
    "write_results": write_results,
}


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def pss(pids: list[int]) -> float:
    """MiB of memory, of which pages that several processes share count in parts (Linux)."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measured(part: str, root: Path) -> Figures:
    """A part in a process of its own. Its CPU seconds are those of its workers too."""
    command = (sys.executable, __file__, "--part", part, "--root", str(root))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        sys.exit(f"{part}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def run_part(part: str, root: Path) -> None:
    start = time.perf_counter()
    figures = PARTS[part](root)
    usage, forked = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(use.ru_utime + use.ru_stime for use in (usage, forked))
    peak = usage.ru_maxrss / 1024
    print(json.dumps({"CPU s": cpu, "wall s": time.perf_counter() - start, "peak MiB": peak} | figures))


def draw(rows: Mapping[str, Mapping[int, Figures]], file: Path) -> None:
    """CPU seconds and memory against the size, with a line of proportion."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, key, title in zip(
        axes, ("CPU s", "peak MiB"), ("CPU seconds", "most memory, MiB"), strict=True
    ):
        for part, by_size in rows.items():
            sizes = sorted(by_size)
            axis.plot(sizes, [by_size[size][key] for size in sizes], "o-", label=part)
        sizes = sorted({size for by_size in rows.values() for size in by_size})
        axis.plot(sizes, [size / 1000 for size in sizes], "k:", label="1 per 1000 frames")
        axis.set(xscale="log", yscale="log", xlabel="frames", title=title)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[5000, 20000, 50000, 200000])
    parser.add_argument("--parts", nargs="+", default=[part for part in PARTS if part != "write_results"])
    parser.add_argument("--pixels", type=int, nargs=2, default=PIXELS, metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run_part(options.part, options.root)
        return
    rows = kept(options.kept)
    for frames in options.frames:
        wanted = [part for part in options.parts if frames not in rows.get(part, {})]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), frames, tuple(options.pixels))
            if "results" in wanted:
                measured("write_results", Path(folder))
            for part in wanted:
                figures = rows.setdefault(part, {})[frames] = measured(part, Path(folder))
                told = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
                print(f"{frames:>7} {part:<10} {told}", flush=True)
                if options.kept:
                    options.kept.write_text(json.dumps(rows, indent=1))
    if options.chart:
        draw(rows, options.chart)


def kept(file: Path | None) -> dict[str, dict[int, Figures]]:
    """What an earlier call measured, by part and size."""
    if file is None or not file.exists():
        return {}
    rows = json.loads(file.read_text())
    return {part: {int(size): figures for size, figures in by_size.items()} for part, by_size in rows.items()}


if __name__ == "__main__":
    main()

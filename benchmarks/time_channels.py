"""What time gives the detector itself: earlier frames, or what differs from them, as further channels.

    python benchmarks/time_channels.py --clips DIR --output FILE.csv [--seeds 0 1 2] [--steps 300]

DIR as in benchmarks/tracking.py. Each clip is judged by a network that learnt from the others, beginning with
the weights that ship, whatever the class. Every arm has the same patches, steps and seeds, and a first
convolution with as many inputs as it has channels. Appends a line to FILE for each training that it lacks,
then prints all of FILE as tables, and what the channels cost.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import hydra
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.tracking import average_precision, corners
from detector.app.configs import CONFIGS
from detector.app.gain import gain_of
from detector.app.initial import start
from detector.app.parts import build
from detector.app.settings import plain
from detector.app.trained import Trained
from detector.data.annotations import Annotations, ImageRecord
from detector.data.loading.loader import collate
from detector.data.loading.sample import RawSample, Transform
from detector.engine.device import pick_precision
from detector.engine.ema import Ema
from detector.engine.optim import WarmupCosine
from detector.evaluation.predictions import predictions_json
from detector.evaluation.split import evaluate
from detector.inference.network import TorchNetwork
from detector.inference.sources import read
from detector.models.detector import Detector
from detector.structures import Detections
from detector.tensors import Batch, HeadOutput
from detector.thermal.agc import Agc
from detector.thermal.io import Recording

SCALE = 0.5
"""At which frames are seen: those of 320x256 as a camera of 160x128 gives them."""
EVERY = 3
"""Of 30 frames a second: a camera of 10, as in docs/tracking.md."""
FPS = 10.0
SECOND = 10
"""Frames of it; every second one is of the background."""
SAME_VIEW = 0.1
"""Response of the phase correlation (0 to 1) below which an earlier frame shows something else."""
OVERRIDES = [
    "engine.batch_size=8",
    "augment.size=[64,80]",
    "augment.intensity.noise.p=0",  # it would be the same in all views
    "postprocess.class_aware=false",
    "+tracker=bytetrack",
]
ROUNDS = 30
"""In which times are measured, of which the median counts."""
CPU = torch.device("cpu")

Settings = dict[str, Any]
Views = dict[str, list[RawSample]]
Key = tuple[str, str, int, int]
"""Arm, clip, seed and steps of a training."""

NOW, BACKGROUND = "now", "background"
LAGS = {"2 before": 2, "4 before": 4}
ARMS: dict[str, tuple[str, ...]] = {
    "frame": (NOW,),
    "difference": (NOW, BACKGROUND),
    "frames": (NOW, *LAGS),
}
"""Which views of each moment an arm sees."""
SHIPPED = "shipped"
"""The weights that ship as they are, whatever the class they say."""
MEASURED = ("AP", "AP50", "threshold", "recall", "AP50_kept", "recall_followed", "AP50_followed")
COLUMNS = ("arm", "clip", "seed", "steps", *MEASURED)


class Clip(NamedTuple):
    """Each moment in every view, with the boxes of the moment; `truth` is the same for the evaluation."""

    name: str
    views: Views
    truth: Annotations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config: Settings = plain(hydra.compose("train", overrides=OVERRIDES))
    gain = gain_of(config, scale=SCALE)
    clips = [clip_of(file, gain) for file in sorted(options.clips.glob("*.mp4"))]
    keys: list[Key] = [(SHIPPED, clip.name, 0, 0) for clip in clips]
    keys += [
        (arm, clip.name, seed, options.steps) for seed in options.seeds for clip in clips for arm in ARMS
    ]
    there = {key_of(row) for row in noted(options.output)}
    for key in keys:
        if key not in there:
            note(options.output, key, result(key, clips, config))
    rows = noted(options.output)
    print("", *(table(rows, metric) for metric in MEASURED), cost(config, clips[0]), sep="\n\n")


def result(key: Key, clips: Sequence[Clip], config: Settings) -> dict[str, float]:
    """MEASURED of one training, or of the weights that ship."""
    arm, name, seed, steps = key
    judged = next(clip for clip in clips if clip.name == name)
    if arm == SHIPPED:
        return measure(shipped(), "frame", judged, config)
    others = [clip for clip in clips if clip is not judged]
    return measure(train(arm, others, config, seed=seed, steps=steps), arm, judged, config)


def clip_of(file: Path, gain: Agc) -> Clip:
    """Every EVERY-th frame of a clip, earlier ones through the gain of the moment."""
    recording = read(file)
    assert isinstance(recording, Recording)
    frames = list(recording)[::EVERY]
    boxes = json.loads(file.with_suffix(".json").read_text())[::EVERY]
    boxes = [SCALE * corners([box] if box else []) for box in [*boxes, None][: len(frames)]]
    counts, windows = zip(*(gain.prepare(frame) for frame in frames), strict=True)
    return clip_from(file.stem, counts, windows, boxes)


def clip_from(
    name: str,
    counts: Sequence[np.ndarray],
    windows: Sequence[tuple[float, float]],
    boxes: Sequence[np.ndarray],
) -> Clip:
    """counts: [H, W] of each moment, windows as Agc.prepare gives them, boxes [N, 4] xyxy."""
    height, width = counts[0].shape
    limits = np.array([width, height, width, height], np.float32)
    seen = {
        NOW: list(counts),
        BACKGROUND: [background(counts[max(0, i - SECOND) : i : 2], counts[i]) for i in range(len(counts))],
        **{view: [counts[max(0, i - lag)] for i in range(len(counts))] for view, lag in LAGS.items()},
    }
    inside = [box.clip(0, limits).astype(np.float32) for box in boxes]
    labels = [np.zeros(len(box), np.int64) for box in boxes]
    real = [np.zeros(len(box), bool) for box in boxes]
    views = {
        view: [
            RawSample(*each)
            for each in zip(pictures, windows, inside, labels, real, range(len(counts)), strict=True)
        ]
        for view, pictures in seen.items()
    }
    records = tuple(
        ImageRecord(i, Path(f"{i}.png"), width, height, inside[i], labels[i], real[i], name)
        for i in range(len(counts))
    )
    return Clip(name, views, Annotations(("object",), records, (1,)))


def background(earlier: Sequence[np.ndarray], now: np.ndarray) -> np.ndarray:
    """[H, W] float32: median of the earlier frames, each moved to where the camera looks now.

    What an earlier frame does not show, it takes to be as now; one that shows something else is left out.
    """
    present = now.astype(np.float32)
    frames = [one.astype(np.float32) for one in earlier]
    aligned = [shown for one in frames if (shown := as_seen_from(present, one)) is not None]
    middle: np.ndarray = np.median(aligned or [present], axis=0)
    return middle


def as_seen_from(present: np.ndarray, before: np.ndarray) -> np.ndarray | None:
    """`before`, moved and as bright as `present` where that is nearer to it; None: of another scene."""
    shift, response = cv2.phaseCorrelate(faded(before), faded(present))
    if response < SAME_VIEW:
        return None
    there = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    moved = cv2.warpAffine(
        before, there, present.shape[::-1], dst=present.copy(), borderMode=cv2.BORDER_TRANSPARENT
    )
    # A camera's own gain changes from frame to frame.
    choices = [one + np.median(present - one) for one in (before, moved)]
    return min(choices, key=lambda one: float(np.abs(present - one).mean()))


def faded(picture: np.ndarray) -> np.ndarray:
    """The picture [H, W] about its mean, down to 0 at the edges, which a shift would take for things.

    Not by phaseCorrelate's own window: OpenCV 5 writes that into the pictures it is given.
    """
    height, width = picture.shape
    window: np.ndarray = cv2.createHanningWindow((width, height), cv2.CV_32F)
    return (picture - picture.mean()) * window


def channels(arm: str, views: Tensor) -> Tensor:
    """What the network sees [B, C, H, W] of an arm's views, each [B, V, H, W] in [0, 1]."""
    if arm == "difference":
        return torch.cat([views[:, :1], views[:, :1] - views[:, 1:]], dim=1)
    return views


class Widened(nn.Module):
    """A detector whose first convolution has more inputs; the new ones begin without any effect."""

    def __init__(self, detector: Detector, inputs: int) -> None:
        super().__init__()
        self.detector = detector
        old = detector.backbone.stem[0]
        assert isinstance(old, nn.Conv2d)
        new = nn.Conv2d(inputs, old.out_channels, 3, stride=2, padding=1, bias=False)
        with torch.no_grad():
            new.weight.zero_()
            new.weight[:, :1] = old.weight
        detector.backbone.stem[0] = new

    def forward(self, images: Tensor) -> HeadOutput:
        """images [B, inputs, H, W]; past the detector's own check, which knows one channel."""
        output: HeadOutput = self.detector.head(self.detector.neck(self.detector.backbone(images)))
        return output


def initial(config: Settings, inputs: int) -> Widened:
    """The weights that ship, with a new classifier."""
    detector = build("model", config["model"], classes=1)
    start(detector, config["init"], settings=config["model"], classes=("object",))
    return Widened(detector, inputs)


def shipped() -> Widened:
    return Widened(Trained("thermal", device=CPU).model, 1)


def batch_of(
    arm: str, views: Views, indices: Sequence[int], transform: Transform, *, key: tuple[int, ...]
) -> Batch:
    """Patches, each cut, turned and changed alike in all views: every choice comes from the key."""
    seen = [
        collate(
            [
                transform(views[view], index, epoch=0, rng=np.random.default_rng((*key, number)))
                for number, index in enumerate(indices)
            ]
        )
        for view in ARMS[arm]
    ]
    images = channels(arm, torch.cat([one.images for one in seen], dim=1))
    return Batch(images, seen[0].targets, seen[0].image_ids)


def train(arm: str, clips: Sequence[Clip], config: Settings, *, seed: int, steps: int) -> nn.Module:
    """The averaged network after so many steps on the clips."""
    torch.manual_seed(seed)
    engine = config["engine"]
    model = initial(config, len(ARMS[arm])).train().to(memory_format=torch.channels_last)
    views = {view: [one for clip in clips for one in clip.views[view]] for view in ARMS[arm]}
    transform = build("augment", config["augment"], multiple=model.detector.stride)
    assigner, criterion = build("assigner", config["assigner"]), build("criterion", config["criterion"])
    optimizer = build("optimizer", config["optimizer"])(model)
    schedule = WarmupCosine(engine["warmup_fraction"], floor=engine["lr_floor"])
    ema = Ema(model, decay=engine["ema_decay"])
    order = np.random.default_rng(seed)
    for step in range(steps):
        indices = order.integers(len(views[NOW]), size=engine["batch_size"]).tolist()
        batch = batch_of(arm, views, indices, transform, key=(seed, step))
        for group in optimizer.param_groups:
            group["lr"] = config["optimizer"]["lr"] * schedule(step, total_steps=steps)
        output = model(batch.images.to(memory_format=torch.channels_last))
        assignment = assigner(output, batch.targets)
        criterion(output, assignment, batch.targets, progress=step / steps).total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), engine["clip_norm"])
        optimizer.step()
        optimizer.zero_grad()
        ema.update()
    return ema.model


def measure(model: nn.Module, arm: str, clip: Clip, config: Settings) -> dict[str, float]:
    """MEASURED on a clip: AP of all scores, then at the score of best F1 what counts alone and followed."""
    network = TorchNetwork(
        model.eval(),
        postprocess=build("postprocess", config["postprocess"]),
        precision=pick_precision("fp32", CPU),
    )
    found: list[Detections] = []
    for moment in zip(*(clip.views[view] for view in ARMS[arm]), strict=True):
        image = channels(arm, torch.from_numpy(np.stack([one.image() for one in moment]))[None])
        found += network(image.numpy(), [moment[0].counts.shape])
    found = [Detections(one.boxes, one.scores, np.zeros_like(one.labels)) for one in found]
    entries = predictions_json(dict(enumerate(found)), clip.truth)
    metrics = evaluate(clip.truth, entries, bins=build("bins", config["evaluation"]["bins"])).metrics
    best = metrics.diagnosis.thresholds.overall.best
    assert best is not None
    tracks = build("tracker", config["tracker"]).start()
    followed = [tracks.update(one, one.scores / best.score, seconds=i / FPS) for i, one in enumerate(found)]
    truth = [one.boxes for one in clip.views[NOW]]
    alone = [one.keep(one.scores >= best.score) for one in found]
    kept, after = precision_and_recall(alone, truth), precision_and_recall(followed, truth)
    ap, ap50 = metrics.overall["AP"] or 0.0, metrics.overall["AP50"] or 0.0
    values = (ap, ap50, best.score, kept[1], kept[0], after[1], after[0])
    return dict(zip(MEASURED, values, strict=True))


def precision_and_recall(found: Sequence[Detections], truth: Sequence[np.ndarray]) -> tuple[float, float]:
    """average_precision, 0 and 0 where nothing is found."""
    if not any(len(one.scores) for one in found):
        return 0.0, 0.0
    return average_precision(list(zip(found, truth, strict=True)))


def noted(file: Path) -> list[dict[str, str]]:
    """The lines that are there."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def key_of(row: dict[str, str]) -> Key:
    return row["arm"], row["clip"], int(row["seed"]), int(row["steps"])


def note(file: Path, key: Key, values: dict[str, float]) -> None:
    """Appends a line."""
    began = file.exists()
    with file.open("a", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        if not began:
            writer.writerow(COLUMNS)
        writer.writerow([*key, *(f"{values[name]:.4f}" for name in MEASURED)])
    print(*key, *(f"{name} {values[name]:.3f}" for name in MEASURED), flush=True)


def table(rows: Sequence[dict[str, str]], metric: str) -> str:
    """Markdown: means over the seeds for each clip and over the clips, and the least and most of a seed."""
    clips = sorted({row["clip"] for row in rows})
    lines = [f"| {metric} | {' | '.join(clips)} | mean | seeds |", "|---" * (len(clips) + 3) + "|"]
    for arm in dict.fromkeys(row["arm"] for row in rows):
        own = [row for row in rows if row["arm"] == arm]
        seeds = sorted({row["seed"] for row in own})
        of = {(row["seed"], row["clip"]): float(row[metric]) for row in own}
        values = np.array([[of.get((seed, clip), np.nan) for clip in clips] for seed in seeds])
        by_clip, by_seed = np.nanmean(values, 0), values.mean(1)
        cells = [
            *(f"{value:.3f}" for value in (*by_clip, by_clip.mean())),
            f"{np.nanmin(by_seed):.3f} to {np.nanmax(by_seed):.3f}",
        ]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cost(config: Settings, clip: Clip) -> str:
    """GFLOP and milliseconds of each arm's network, and of making the background, for a frame of the clip."""
    counts = [one.counts for one in clip.views[NOW]]
    height, width = counts[0].shape
    models = {arm: initial(config, len(views)).eval() for arm, views in ARMS.items()}
    images = {arm: torch.rand(1, len(views), height, width) for arm, views in ARMS.items()}
    flops: dict[str, float] = {}
    spent: dict[str, list[float]] = {name: [] for name in (*ARMS, BACKGROUND)}
    work: dict[str, Callable[[], Any]] = {arm: partial(model, images[arm]) for arm, model in models.items()}
    work[BACKGROUND] = partial(background, counts[:SECOND:2], counts[SECOND])
    with torch.inference_mode():
        for arm, model in models.items():
            with FlopCounterMode(display=False) as counter:
                model(images[arm])
            flops[arm] = counter.get_total_flops() / 1e9
        for _ in range(ROUNDS):
            for name, run in work.items():
                before = time.process_time()
                run()
                spent[name].append(1000 * (time.process_time() - before))
    told = [f"{arm}: {flops[arm]:.3f} GFLOP, {np.median(spent[arm]):.1f} ms" for arm in ARMS]
    return "\n".join([*told, f"{BACKGROUND}: {np.median(spent[BACKGROUND]):.1f} ms"])


if __name__ == "__main__":
    main()

"""Writing the synthetic set: PNG and COCO json, split by scene, the same bytes every time."""

from __future__ import annotations

import json
import math
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detector.errors import UserError
from detector.synth import above, scene
from detector.synth.above import Above, AboveParams
from detector.synth.pairs import MOST_IOU
from detector.synth.placement import populate
from detector.synth.scene import Scene, SceneParams
from detector.synth.sensor import Sensor, SensorParams
from detector.synth.stage import Labelled

VERSION = 2
"""Raise whenever the same parameters would give other bytes: a set of another version is not reused."""

RECORD = "synth.json"
PNG_COMPRESSION = 1


@dataclass(frozen=True)
class DatasetParams:
    """Frames in each split, and how many of them one scene gives (the last scene may give fewer)."""

    train: int
    val: int
    test: int
    frames_per_scene: int

    @property
    def splits(self) -> dict[str, int]:
        """Number of frames by name of split."""
        return {"train": self.train, "val": self.val, "test": self.test}


Place = SceneParams | AboveParams
"""What a set is of: streets, or the ground below a drone."""
Frames = Callable[[np.random.Generator], tuple[np.ndarray, list[Labelled]]]
"""Temperatures and truth of one place, of other objects every time."""


@dataclass(frozen=True)
class View:
    """A kind of place.

    params: what describes one, under `key` in configs/synth.yaml; classes: names by label; draw: one place by
    lot; pairs: the settings that are a least and a most, and their limits; shares: those that are in [0, 1].
    """

    params: type[Place]
    key: str
    classes: tuple[str, ...]
    draw: Callable[[Any, np.random.Generator], Frames]
    pairs: Mapping[str, tuple[float, float]]
    shares: tuple[str, ...]


def _draw_street(params: SceneParams, rng: np.random.Generator) -> Frames:
    street = Scene(params, rng)
    return lambda rng: street.compose(populate(street, rng))


def _draw_above(params: AboveParams, rng: np.random.Generator) -> Frames:
    return Above(params, rng).frame


ANY = (0.0, math.inf)
VIEWS = {
    "street": View(
        params=SceneParams,
        key="scene",
        classes=scene.CLASSES,
        draw=_draw_street,
        pairs={"objects": ANY, "clutter": ANY, "side_px": ANY, "pair_iou": (0.0, MOST_IOU)},
        shares=("overlap", "min_visible"),
    ),
    "above": View(
        params=AboveParams,
        key="above",
        classes=above.CLASSES,
        draw=_draw_above,
        pairs={"groups": ANY, "houses": ANY, "clutter": ANY, **above.LIMITS},
        shares=("min_visible",),
    ),
}


def _view(place: Place) -> View:
    return next(view for view in VIEWS.values() if isinstance(place, view.params))


@dataclass(frozen=True)
class _Job:
    """One scene to draw; everything random in it follows from seed, split and number."""

    folder: Path
    split: int
    number: int
    frames: int
    seed: int
    place: Place
    sensor: SensorParams


def generate(
    root: Path,
    *,
    dataset: DatasetParams,
    place: Place,
    sensor: SensorParams,
    seed: int,
    processes: int,
) -> bool:
    """Write the set under root, unless that very set is there already; returns whether it was written.

    The set is made in a folder beside root and moved there when it is whole. A folder that holds a
    synthetic set of other parameters, or one with files missing, is replaced; any other folder that is not
    empty raises UserError, as does a parameter that cannot be. processes: how many draw at once; the bytes
    do not depend on it.
    """
    _check(dataset, place, sensor, seed=seed, processes=processes)
    record = {
        "generator_version": VERSION,
        "seed": seed,
        "dataset": asdict(dataset),
        _view(place).key: asdict(place),
        "sensor": asdict(sensor),
    }
    record = json.loads(json.dumps(record))  # as it will be read back: tuples are lists
    if _holds(root, record, dataset):
        return False
    workshop = _open_workshop(root)
    try:
        whole = workshop / "new"
        whole.mkdir()
        _write(whole, dataset=dataset, place=place, sensor=sensor, seed=seed, processes=processes)
        (whole / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        if root.exists():
            root.rename(workshop / "old")
        whole.rename(root)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return True


def _open_workshop(root: Path) -> Path:
    """An empty folder on root's own disk, so that moving from there to root is one step."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise UserError(f"{root} cannot be written: {error.strerror} ({error.filename})") from error


def _holds(root: Path, record: dict[str, Any], dataset: DatasetParams) -> bool:
    """Whether root is exactly the recorded set; UserError if it is something that must not be replaced."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    path = root / RECORD
    if not path.is_file():
        raise UserError(
            f"{root} exists and is no synthetic set (it has no {RECORD}): name another root or remove it"
        )
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not json ({error}): remove {root} and generate again") from error
    return bool(found == record) and all(
        len(list((root / split).glob("*.png"))) == frames
        and (root / "annotations" / f"{split}.json").is_file()
        for split, frames in dataset.splits.items()
    )


def _check(dataset: DatasetParams, place: Place, sensor: SensorParams, *, seed: int, processes: int) -> None:
    """UserError for the first value that cannot be drawn."""
    view = _view(place)
    key = view.key
    least = {f"dataset.{name}": (value, 1) for name, value in asdict(dataset).items()}
    least |= {"seed": (seed, 0), "processes": (processes, 1)}
    least |= {
        f"{key}.{name}": (getattr(place, name), limit)
        for name, limit in {"fine": 1, "width": 32, "height": 32, "warmth": 0}.items()
    }
    for name, (value, limit) in least.items():
        if value < limit:
            raise UserError(f"{name} is {value}: it must be at least {limit}")
    for name, (low, high) in view.pairs.items():
        pair = getattr(place, name)
        if pair is None:  # pair_iou, where no pairs are asked for
            continue
        if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
            within = f", in [{low:g}, {high:g}]" if high < math.inf else ""
            raise UserError(f"{key}.{name} is {list(pair)}: it must be two numbers, min and max{within}")
    for name in view.shares:
        if not 0 <= getattr(place, name) <= 1:
            raise UserError(f"{key}.{name} is {getattr(place, name)}: it is a share and must lie in [0, 1]")
    if sensor.bits not in (8, 16):
        raise UserError(f"sensor.bits is {sensor.bits}: it must be 8 or 16")
    weights, count = place.class_weights, len(view.classes)
    if len(weights) != count or min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
        raise UserError(f"{key}.class_weights is {list(weights)}: it must be {count} shares that add up to 1")


def _write(
    root: Path, *, dataset: DatasetParams, place: Place, sensor: SensorParams, seed: int, processes: int
) -> None:
    jobs: list[_Job] = []
    for index, (split, frames) in enumerate(dataset.splits.items()):
        (root / split).mkdir()
        for number, first in enumerate(range(0, frames, dataset.frames_per_scene)):
            size = min(dataset.frames_per_scene, frames - first)
            jobs.append(
                _Job(
                    folder=root / split,
                    split=index,
                    number=number,
                    frames=size,
                    seed=seed,
                    place=place,
                    sensor=sensor,
                )
            )
    if processes == 1:
        drawn = [_draw_scene(job) for job in jobs]
    else:
        # spawn: a fork would copy the threads' locks of whatever the caller has loaded.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            drawn = list(pool.map(_draw_scene, jobs, chunksize=4))
    (root / "annotations").mkdir()
    for index, split in enumerate(dataset.splits):
        frames_of_split = [
            (name, job.number, truth)
            for job, frames in zip(jobs, drawn, strict=True)
            if job.split == index
            for name, truth in frames
        ]
        coco = _coco(split, frames_of_split, place)
        (root / "annotations" / f"{split}.json").write_text(json.dumps(coco))


def _draw_scene(job: _Job) -> list[tuple[str, list[Labelled]]]:
    """Draw and write the frames of one scene; returns their file names and truth."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng((job.seed, job.split, job.number))
    frame_of = _view(job.place).draw(job.place, rng)
    sensor = Sensor(job.sensor, rng, width=job.place.width, height=job.place.height)
    frames: list[tuple[str, list[Labelled]]] = []
    for frame in range(job.frames):
        kelvin, truth = frame_of(rng)
        counts = sensor.expose(kelvin, rng, frame=frame)
        name = f"{job.number:04d}_{frame:02d}.png"
        path = job.folder / name
        if not cv2.imwrite(str(path), counts, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION]):
            raise OSError(f"could not write {path}")
        frames.append((name, truth))
    return frames


def _coco(split: str, frames: list[tuple[str, int, list[Labelled]]], place: Place) -> dict[str, Any]:
    """COCO's instances form; `sequence` (the scene) and `visible` (share in sight) are additions.

    The split is in a sequence's name, for scenes are counted from 0 in each and are other places.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (name, number, truth) in enumerate(frames, start=1):
        images.append(
            {
                "id": image_id,
                "file_name": name,
                "width": place.width,
                "height": place.height,
                "sequence": f"{split}-{number:04d}",
            }
        )
        for item in truth:
            x0, y0, x1, y1 = item.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": item.label + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                    "visible": round(item.visible, 3),
                }
            )
    categories = [{"id": index, "name": name} for index, name in enumerate(_view(place).classes, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}

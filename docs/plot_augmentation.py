"""Draws the figures of docs/augmentation.md into docs/images, from synthetic frames.

python docs/plot_augmentation.py [folder]
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import cv2
import hydra
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from detector.app import parts
from detector.app.configs import CONFIGS
from detector.app.settings import plain, typed
from detector.data.augment.layers import Layers
from detector.data.loading.sample import RawSample, Sample
from detector.structures import Frame
from detector.synth.placement import populate
from detector.synth.scene import Scene, SceneParams
from detector.synth.sensor import Sensor, SensorParams

FRAMES = 40
SIZE = (120, 160)
SHOWN = 26  # the frame that the single steps are shown on
CLOSE = 24  # half the side of a close-up


def synthetic_frames() -> list[RawSample]:
    synth = settings("synth", "scene.objects=[4,8]", "scene.side_px=[12.0,40.0]")
    params = typed(SceneParams, synth["scene"], where="scene")
    noise = typed(SensorParams, synth["sensor"], where="sensor")
    gain = parts.build("thermal", settings("train")["thermal"])
    frames = []
    for number in range(FRAMES):
        rng = np.random.default_rng(number)
        scene = Scene(params, rng)
        sensor = Sensor(noise, rng, width=params.width, height=params.height)
        kelvin, truth = scene.compose(populate(scene, rng))
        counts, window = gain.prepare(Frame(sensor.expose(kelvin, rng, frame=0), 16, str(number)))
        boxes = np.array([item.box for item in truth], np.float32).reshape(-1, 4)
        labels = np.array([item.label for item in truth], np.int64)
        frames.append(RawSample(counts, window, boxes, labels, np.zeros(len(truth), bool), number))
    return frames


def settings(command: str, *overrides: str) -> dict[str, Any]:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        composed: dict[str, Any] = plain(hydra.compose(command, overrides=list(overrides)))
        return composed


def recipe(name: str) -> dict[str, Any]:
    augment: dict[str, Any] = settings("train", f"augment={name}", f"augment.size={list(SIZE)}")["augment"]
    return augment


def one_step(frames: list[RawSample], group: str, name: str, seed: int) -> Sample:
    """The shown frame after this step of the default alone, made certain."""
    raw, rng = frames[SHOWN], np.random.default_rng(seed)
    default = recipe("default")
    step = parts.build(group, {**default[group][name], "p": 1.0})
    sample = Sample(raw.image(), raw.boxes, raw.labels, raw.ignored, raw.image_id)
    if group == "objects":
        layers = Layers(sample)
        step(layers, frames, rng=rng)
        return layers.sample(parts.build("rule", default["rule"]))
    step.set_random_state(rng, random.Random(seed))
    height, width = sample.image.shape
    unit = np.array((width, height, width, height), np.float32)
    moved = step(image=sample.image, bboxes=sample.boxes / unit)
    return Sample(moved["image"], moved["bboxes"] * unit, sample.labels, sample.ignored, sample.image_id)


def show(axes: Axes, sample: Sample, title: str) -> None:
    """The picture, enlarged, with truth: orange for objects, dashed white for ignored regions."""
    height, width = sample.image.shape
    large = cv2.resize(sample.image, (4 * width, 4 * height), interpolation=cv2.INTER_NEAREST)
    axes.imshow(large, cmap="gray", vmin=0, vmax=1, extent=(0, width, height, 0))
    for (left, top, right, bottom), ignored in zip(sample.boxes, sample.ignored, strict=True):
        colour, style = ("white", ":") if ignored else ("orange", "-")
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, ls=style, lw=0.8)
        )
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def steps(frames: list[RawSample]) -> plt.Figure:
    config = recipe("default")
    names = [(group, str(name)) for group in ("objects", "geometry", "intensity") for name in config[group]]
    columns = 4
    rows = -(-(len(names) + 1) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(10, 2.05 * rows), dpi=80, layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
    raw = frames[SHOWN]
    show(grid.flat[0], Sample(raw.image(), raw.boxes, raw.labels, raw.ignored, raw.image_id), "the frame")
    for axes, (group, name) in zip(grid.flat[1:], names, strict=False):
        show(axes, one_step(frames, group, name, seed=3), f"{group}.{name}")
    return figure


def samples(frames: list[RawSample]) -> plt.Figure:
    transform = parts.build("augment", recipe("strong"))
    figure, grid = plt.subplots(3, 4, figsize=(10, 6.15), dpi=80, layout="constrained")
    for index, axes in enumerate(grid.flat):
        show(axes, transform(frames, index, epoch=0, rng=np.random.default_rng(index)), "")
    return figure


def pasted(frames: list[RawSample]) -> plt.Figure:
    """Close-ups of pasted objects: the frame, the object in front, the truth."""
    default = recipe("default")
    step = parts.build("objects", {**default["objects"]["copy_paste"], "max_objects": 1, "p": 1.0})
    rule = parts.build("rule", default["rule"])
    figure, grid = plt.subplots(4, 6, figsize=(10, 6.8), dpi=80, layout="constrained")
    rows = iter(grid.reshape(8, 3))
    for index, raw in enumerate(frames):
        layers = Layers(Sample(raw.image(), raw.boxes, raw.labels, raw.ignored, raw.image_id))
        step(layers, frames, rng=np.random.default_rng(index))
        if len(layers.boxes) == len(raw.boxes) or not len(raw.boxes):
            continue
        cell = next(rows, None)
        if cell is None:
            break
        x, y = (layers.boxes[-1, :2] + layers.boxes[-1, 2:]) / 2
        made = layers.sample(rule)
        bare = Sample(made.image, made.boxes[:0], made.labels[:0], made.ignored[:0], made.image_id)
        before = Sample(raw.image(), raw.boxes, raw.labels, raw.ignored, raw.image_id)
        for axes, sample, title in zip(cell, (before, bare, made), ("before", "after", "truth"), strict=True):
            show(axes, sample, title)
            height, width = sample.image.shape
            x, y = np.clip(x, CLOSE, width - CLOSE), np.clip(y, CLOSE, height - CLOSE)
            axes.set(xlim=(x - CLOSE, x + CLOSE), ylim=(y + CLOSE, y - CLOSE))
    return figure


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames = synthetic_frames()
    for name, draw in (("augment_steps", steps), ("augment_paste", pasted), ("augment_strong", samples)):
        figure = draw(frames)
        figure.savefig(folder / f"{name}.jpg", pil_kwargs={"quality": 85})
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")

"""Training's transform: random patches or mosaics, changes to objects, then albumentations."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import albumentations as A
import numpy as np

from detector.data.augment.layers import Layers, ObjectStep
from detector.data.augment.mosaic import mosaic
from detector.data.augment.patch import VisibilityRule, areas, cut_patch, random_scale
from detector.data.loading.sample import RawSample, Sample
from detector.errors import UserError

TRIALS = 8
"""How often each transform is tried out: a turn by a random quarter changes the size every other time."""


class PatchTransform:
    """Samples of one size for training.

    size: (height, width) of what is made, multiples of `multiple`, the network's coarsest stride. scale:
    limits of the log-uniform zoom of every patch, below 1 is smaller objects. mosaic_probability: share of
    samples made of four patches. rule: what becomes of objects that an edge cuts or that something hides.
    objects: steps that change, hide or add objects. geometry: albumentations transforms that keep the size
    (flips, turns, shifts); boxes and ignored regions follow. intensity: albumentations transforms of the
    picture alone. Each of the three by name, in their order. mosaic_epochs: epochs with mosaics and `objects`
    (None: all); none after. Raises UserError on values out of range and on transforms that cannot stand where
    they do.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        scale: tuple[float, float],
        mosaic_probability: float,
        rule: VisibilityRule,
        objects: Mapping[str, ObjectStep],
        geometry: Mapping[str, A.BasicTransform],
        intensity: Mapping[str, A.BasicTransform],
        multiple: int = 1,
        mosaic_epochs: int | None = None,
    ) -> None:
        if any(side < 1 or side % multiple for side in size):
            raise UserError(f"augment.size={list(size)}: must be multiples of the stride {multiple}")
        if not 0 < scale[0] <= scale[1]:
            raise UserError(f"augment.scale: need 0 < min <= max, found {tuple(scale)}")
        if not 0 <= mosaic_probability <= 1:
            raise UserError(f"augment.mosaic_probability: must be in [0, 1], found {mosaic_probability}")
        self.size = (int(size[0]), int(size[1]))
        self.scale = (float(scale[0]), float(scale[1]))
        self.mosaic_probability = mosaic_probability
        self.mosaic_epochs = mosaic_epochs
        self.rule = rule
        self.objects = _named("objects", objects)
        self.geometry = _named("geometry", geometry)
        self.intensity = _named("intensity", intensity)
        for name, step in self.intensity.items():
            if _moves(step):
                raise UserError(f"augment.{name}: may move objects; it belongs under augment.geometry")
        for name, step in (self.geometry | self.intensity).items():
            _try(name, step, self.size)

    def __call__(
        self, frames: Sequence[RawSample], index: int, *, epoch: int, rng: np.random.Generator
    ) -> Sample:
        may_mix = self.mosaic_epochs is None or epoch < self.mosaic_epochs
        sample = self._compose(frames, index, rng, may_mix=may_mix)
        if may_mix and self.objects:
            layers = Layers(sample)
            for step in self.objects.values():
                step(layers, frames, rng=rng)
            sample = layers.sample(self.rule)
        # albumentations draws from both kinds of generator; sharing ours makes the sample's seed rule them.
        python_random = random.Random(int(rng.integers(2**63)))
        sample = self._move(sample, rng, python_random)
        data: dict[str, Any] = {"image": sample.image}
        for transform in self.intensity.values():
            transform.set_random_state(rng, python_random)
            data = transform(**data)
        return replace(sample, image=data["image"])

    def _compose(
        self, frames: Sequence[RawSample], index: int, rng: np.random.Generator, *, may_mix: bool
    ) -> Sample:
        """A mosaic or one patch."""
        if may_mix and rng.random() < self.mosaic_probability:
            others = rng.integers(len(frames), size=3)
            raws = [frames[index], *(frames[int(i)] for i in others)]
            return mosaic(raws, self.size, scale=self.scale, rule=self.rule, rng=rng)
        patch = cut_patch(frames[index], self.size, scale=random_scale(self.scale, rng), rng=rng)
        return self.rule.apply(patch, areas(patch.boxes))

    def _move(self, sample: Sample, rng: np.random.Generator, python_random: random.Random) -> Sample:
        """The geometric transforms, applied to picture, boxes and ignored regions.

        They are called one by one: A.Compose checks and filters boxes after each of them, which takes longer
        than the transforms themselves, and `rule` does both once.
        """
        height, width = sample.image.shape
        unit = np.array((width, height, width, height), np.float32)
        # A fifth column tells which boxes are left, as some transforms drop those that leave the picture.
        numbered = np.column_stack((sample.boxes / unit, np.arange(len(sample.boxes), dtype=np.float32)))
        data = {"image": sample.image, "bboxes": numbered}
        for transform in self.geometry.values():
            transform.set_random_state(rng, python_random)
            data = transform(**data)
        rows = data["bboxes"][:, 4].astype(np.int64)
        moved = Sample(
            image=data["image"],
            boxes=data["bboxes"][:, :4].astype(np.float32) * unit,
            labels=sample.labels[rows],
            ignored=sample.ignored[rows],
            image_id=sample.image_id,
        )
        return self.rule.apply(moved, areas(sample.boxes)[rows])


def _named(group: str, steps: Mapping[str, Any]) -> dict[str, Any]:
    """Steps by full name, as errors call them; those that never happen (p=0) left out."""
    named = {f"{group}.{name}": step for name, step in steps.items()}
    for name, step in named.items():
        if not 0 <= step.p <= 1:
            raise UserError(f"augment.{name}.p: must be in [0, 1], found {step.p}")
    return {name: step for name, step in named.items() if step.p > 0}


def _moves(transform: Any) -> bool:
    """Whether it, or one that it holds, may change where things are."""
    return isinstance(transform, A.DualTransform) or any(map(_moves, getattr(transform, "transforms", [])))


def _try(name: str, transform: Any, size: tuple[int, int]) -> None:
    """UserError unless it makes a float32 picture of the same size of one; better now than in a worker."""
    picture, box = np.full(size, 0.5, np.float32), np.array([[0.25, 0.25, 0.75, 0.75, 0.0]], np.float32)
    for seed in range(TRIALS):
        transform.set_random_state(np.random.default_rng(seed), random.Random(seed))
        try:
            image = transform(force_apply=True, image=picture, bboxes=box)["image"]
        except Exception as error:  # whatever a library raises for pictures it does not take
            raise UserError(
                f"augment.{name}: {type(transform).__name__} fails on a float picture of one channel: {error}"
            ) from error
        if image.shape != size or image.dtype != np.float32:
            turned = image.shape == size[::-1]
            remedy = (
                "to turn by quarters make augment.size square"
                if turned
                else "augment.size and augment.scale set the size"
            )
            raise UserError(
                f"augment.{name}: {type(transform).__name__} makes {image.dtype} {image.shape} of float32 "
                f"{size}; it must keep size and type ({remedy})"
            )

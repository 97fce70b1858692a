"""The training transform: random patches or mosaics, then albumentations for geometry and intensity."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import albumentations as A
import numpy as np

from detector.data.mosaic import mosaic
from detector.data.padding import PAD_VALUE
from detector.data.patch import DEFAULT_RULE, VisibilityRule, areas, cut_patch, random_scale
from detector.data.sample import RawSample, Sample
from detector.data.thermal_augment import InvertPolarity, LocalGain
from detector.errors import UserError


def default_geometry() -> list[A.DualTransform]:
    """A flip and a slight turn. Scale and position are the patch's own.

    The turn's corners are filled with one value: a reflecting border would show objects a second time, and
    albumentations adds boxes for those.
    """
    return [
        A.HorizontalFlip(p=0.5),
        A.Affine(rotate=(-5, 5), rotate_method="ellipse", fill=PAD_VALUE, p=0.2),
    ]


def default_intensity() -> list[A.ImageOnlyTransform]:
    """What gain, focus, noise and the time of day change; no hue, there is none."""
    return [
        InvertPolarity(p=0.3),
        LocalGain(p=0.2),
        A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.3, p=0.4),
        A.RandomGamma(gamma_limit=(70, 140), p=0.3),
        A.GaussianBlur(blur_limit=3, p=0.1),
        A.GaussNoise(std_range=(0.005, 0.03), p=0.2),
    ]


class TrainTransform:
    """Samples of one size for training.

    size: (height, width) of what is made. scale: limits of the log-uniform zoom of every patch, below 1 is
    smaller objects. mosaic_probability: share of samples made of four patches, in epochs before
    `mosaic_epochs` (None: in all); none after. geometry: albumentations transforms that keep size and area
    (flips, turns, shifts); boxes and ignored regions follow. intensity: transforms of the picture alone.
    rule: what becomes of objects that an edge cuts. Raises UserError on values out of range.
    """

    def __init__(
        self,
        size: tuple[int, int],
        scale: tuple[float, float] = (0.5, 1.25),
        *,
        mosaic_probability: float = 0.5,
        mosaic_epochs: int | None = None,
        geometry: Sequence[A.DualTransform] | None = None,
        intensity: Sequence[A.ImageOnlyTransform] | None = None,
        rule: VisibilityRule = DEFAULT_RULE,
    ) -> None:
        if not 0 < scale[0] <= scale[1]:
            raise UserError(f"augment scale: need 0 < smallest <= largest, found {tuple(scale)}")
        if not 0 <= mosaic_probability <= 1:
            raise UserError(f"augment mosaic_probability: must be in [0, 1], found {mosaic_probability}")
        self.size = (int(size[0]), int(size[1]))
        self.scale = (float(scale[0]), float(scale[1]))
        self.mosaic_probability = mosaic_probability
        self.mosaic_epochs = mosaic_epochs
        self.rule = rule
        self.geometry = default_geometry() if geometry is None else list(geometry)
        self.intensity = A.Compose(default_intensity() if intensity is None else list(intensity))

    def __call__(
        self, frames: Sequence[RawSample], index: int, *, epoch: int, rng: np.random.Generator
    ) -> Sample:
        sample = self._compose(frames, index, epoch, rng)
        # albumentations draws from both kinds of generator; sharing ours makes the sample's seed rule them.
        python_random = random.Random(int(rng.integers(2**63)))
        sample = self._move(sample, rng, python_random)
        self.intensity.set_random_state(rng, python_random)
        return replace(sample, image=self.intensity(image=sample.image)["image"])

    def _compose(
        self, frames: Sequence[RawSample], index: int, epoch: int, rng: np.random.Generator
    ) -> Sample:
        """A mosaic or one patch."""
        may_mix = self.mosaic_epochs is None or epoch < self.mosaic_epochs
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
        for transform in self.geometry:
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

"""Where a figure becomes a finding."""

from __future__ import annotations

from dataclasses import dataclass, fields

from detector.errors import UserError


@dataclass(frozen=True)
class Limits:
    """Thresholds of the checks; shares are in [0, 1].

    near_bits: two frames may be near copies where at most so many of their hash's 128 bits differ; a second
    look at the pictures decides (`copies`). On HIT-UAV's training days no pair of frames of different days
    comes below 28 bits (1.2 million pairs), while 50 % of the pairs of one flight that are at most 3 frame
    numbers apart are within 24.
    near_numbers, near_seconds: frames of one series (same name but for the number at its end, same recording)
    are neighbours where number or time differ by no more.
    leak_error, leak_warning: share of a split's frames that have a near copy in the split trained on.
    finest_stride: pixels between the model's finest prediction points (4 for `nano` and `small`).
    small_error, small_warning: share of objects smaller than that.
    near_box: IoU above which two boxes of one class are one object drawn twice.
    saturated: share of a frame's pixels at its lowest or highest count above which it counts as clipped.
    saturated_warning: share of clipped frames.
    bad_pixel: share of frames in which a pixel must outlie its neighbours, always to the same side.
    pixel_frames: how many frames it takes to judge pixels.
    rare_objects: a class with fewer objects in the split trained on is rare.
    Raises UserError where a value is negative.
    """

    near_bits: int
    near_numbers: int
    near_seconds: float
    leak_error: float
    leak_warning: float
    finest_stride: int
    small_error: float
    small_warning: float
    near_box: float
    saturated: float
    saturated_warning: float
    bad_pixel: float
    pixel_frames: int
    rare_objects: int

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) < 0:
                raise UserError(f"limits.{item.name}={getattr(self, item.name)}: must not be negative")

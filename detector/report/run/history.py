"""What a run wrote down while it trained, read back from TensorBoard's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Curve:
    """One scalar, N >= 1 entries: steps [N] int64, values [N] float64, times [N] seconds since 1970."""

    steps: np.ndarray
    values: np.ndarray
    times: np.ndarray


History = dict[str, Curve]
"""Scalars by tag, such as loss/total or val/AP."""


def read_history(folder: Path) -> History:
    """Every scalar under the folder of event files; empty where it holds none or does not exist.

    Steps that a resumed run took again are there once; what was written last counts.
    """
    if not folder.is_dir():
        return {}
    # Slow to load, and a page of a run that nobody logged does without.
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    # 0 keeps every entry; pictures and curves, most of the bytes, are not wanted.
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 1, "tensors": 1})
    accumulator.Reload()
    history = {}
    for tag in accumulator.Tags()["scalars"]:
        events = accumulator.Scalars(tag)
        history[tag] = Curve(
            steps=np.array([event.step for event in events], dtype=np.int64),
            values=np.array([event.value for event in events], dtype=np.float64),
            times=np.array([event.wall_time for event in events], dtype=np.float64),
        )
    return history


def thinned(curve: Curve, points: int) -> Curve:
    """At most `points` entries, each the mean of a stretch: a curve that can be read, and a small file.

    Non-finite values make their stretch non-finite, which a figure leaves out.
    """
    if len(curve.steps) <= points:
        return curve
    stretches = np.array_split(np.arange(len(curve.steps)), points)
    return Curve(
        steps=np.array([curve.steps[stretch[-1]] for stretch in stretches]),
        values=np.array([curve.values[stretch].mean() for stretch in stretches]),
        times=np.array([curve.times[stretch[-1]] for stretch in stretches]),
    )

"""Measure what a gain does to a recording from frame to frame; docs/thermal.md says how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from omegaconf import DictConfig

from detector.app.parts import build
from detector.app.reading import checked_shape
from detector.app.settings import plain
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.agc import Agc

MIN_SHARE = 0.01
"""Pairs of frames with a smaller share of unchanged counts (a shutter closed between them) tell nothing."""


@dataclass(frozen=True)
class Flicker:
    """A gain on a recording; changes are shares of the span, the median frame's 5th to 95th percentile.

    mean, worst: over pairs of successive frames, the median change of the input where the count stayed the
    same. drift: the median change of the input from the first frame to the last. levels: distinct values of
    the input per frame. clipped: share of pixels that are 0 or 1. span: of the input, in [0, 1].
    """

    mean: float
    worst: float
    drift: float
    levels: float
    clipped: float
    span: float


def run(config: DictConfig) -> None:
    """The command: config as in configs/flicker.yaml."""
    frames = io.open_recording(str(config.source), raw_shape=checked_shape(plain(config.raw_shape)))
    gains = {
        str(name): build("thermal", plain(gain), where=f"gains.{name}") for name, gain in config.gains.items()
    }
    print(table({name: measure(gain, frames) for name, gain in gains.items()}))


def measure(gain: Agc, frames: Iterable[Frame]) -> Flicker:
    """A gain's figures on the frames of one recording, which are iterated over more than once.

    Raises UserError unless two successive frames have counts in common.
    """
    gain = gain.for_sequence(frames)
    changes, spans, levels, clipped = [], [], [], []
    first = last = None
    for before, after in _with_previous((frame.counts, gain(frame)) for frame in frames):
        counts, image = after
        spans.append(float(np.subtract(*np.percentile(image, (95, 5)))))
        levels.append(len(np.unique(image)))
        clipped.append(float(np.mean((image == 0) | (image == 1))))
        first, last = image if first is None else first, image
        if before is None:
            continue
        same = counts == before[0]
        if same.mean() >= MIN_SHARE:
            changes.append(float(np.median(np.abs(image - before[1])[same])))
    span = float(np.median(spans)) if spans else 0.0
    if not (changes and span) or first is None or last is None:
        raise UserError(
            "flicker cannot be measured: the recording has no two successive frames that share counts, "
            "or nothing in it but one count"
        )
    return Flicker(
        mean=float(np.mean(changes)) / span,
        worst=max(changes) / span,
        drift=float(np.median(np.abs(last - first))) / span,
        levels=float(np.mean(levels)),
        clipped=float(np.mean(clipped)),
        span=span,
    )


def table(measured: dict[str, Flicker]) -> str:
    """Markdown, a line for each gain."""
    lines = [
        "| gain | flicker, mean % | worst % | drift % | span | levels | clipped % |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {100 * f.mean:.2f} | {100 * f.worst:.1f} | {100 * f.drift:.1f} | {f.span:.2f} "
        f"| {f.levels:.0f} | {100 * f.clipped:.1f} |"
        for name, f in measured.items()
    ]
    return "\n".join(lines)


Pictured = tuple[np.ndarray, np.ndarray]


def _with_previous(pictures: Iterable[Pictured]) -> Iterator[tuple[Pictured | None, Pictured]]:
    previous = None
    for picture in pictures:
        yield previous, picture
        previous = picture

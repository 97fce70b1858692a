"""Draws the figures of docs/thermal.md into docs/images, from a synthetic recording.

python docs/plot_thermal.py [folder]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import cv2
import hydra
import matplotlib.pyplot as plt
import numpy as np

from detector.app import parts
from detector.app.configs import CONFIGS
from detector.app.settings import plain, typed
from detector.structures import Frame
from detector.synth.placement import populate
from detector.synth.scene import Scene, SceneParams
from detector.synth.sensor import Sensor, SensorParams
from detector.thermal.agc import Agc, FixedRange

FRAMES = 60
HOT = range(15, 45)
"""Frames in which something hot is in the picture: it comes in at the left and leaves at the right."""


def settings(command: str, *overrides: str) -> dict[str, Any]:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        composed: dict[str, Any] = plain(hydra.compose(command, overrides=list(overrides)))
        return composed


def gain_of(name: str, **changes: float) -> Agc:
    """configs/thermal/NAME.yaml with other values."""
    gain: Agc = parts.build("thermal", {**settings("train", f"thermal={name}")["thermal"], **changes})
    return gain


def gains(frames: list[Frame]) -> dict[str, Agc]:
    """Each gain by name, made for the recording; `fixed` is set as by somebody who knows the scene."""
    by_hand = gain_of("percentile", low=0.5, high=99.5).prepare(frames[0])[1]
    named: dict[str, Agc] = {
        "fixed": FixedRange(*by_hand),
        "sequence": gain_of("sequence"),
        "percentile, 0 and 100": gain_of("percentile", low=0.0, high=100.0),
        "percentile": gain_of("percentile"),
        "plateau": gain_of("plateau"),
        "clahe": gain_of("clahe"),
    }
    return {name: gain.for_sequence(frames) for name, gain in named.items()}


def recording() -> list[Frame]:
    """A still scene of a drifting camera, through which something of 40 K more than the rest passes."""
    rng = np.random.default_rng(4)
    synth = settings("synth", "scene.objects=[5,6]")
    params = typed(SceneParams, synth["scene"], where="scene")
    scene = Scene(params, rng)
    noise = typed(SensorParams, synth["sensor"], where="sensor")
    sensor = Sensor(noise, rng, width=params.width, height=params.height)
    still, _ = scene.compose(populate(scene, rng))
    frames = []
    for number in range(FRAMES):
        kelvin = still.copy()
        if number in HOT:
            x = np.interp(number, (HOT.start, HOT.stop - 1), (-0.05, 1.05)) * kelvin.shape[1]
            centre, radius = (round(x), round(0.7 * kelvin.shape[0])), round(0.08 * kelvin.shape[0])
            cv2.circle(kelvin, centre, radius, float(still.max() + 40), -1)
        # A tenth of a drift's step a frame: the synthetic set takes its frames seconds apart.
        frames.append(Frame(sensor.expose(kelvin, rng, frame=number // 10), 16, f"frame {number}"))
    return frames


def pictures(frames: list[Frame]) -> plt.Figure:
    """A frame without and with the hot thing, through each gain."""
    bound = gains(frames)
    figure, axes = plt.subplots(2, len(bound), figsize=(11, 3.2), dpi=80, layout="constrained")
    shown = (frames[HOT.start - 1], frames[(HOT.start + HOT.stop) // 2])
    for column, (name, gain) in zip(axes.T, bound.items(), strict=True):
        column[0].set_title(name, fontsize=10)
        for place, frame in zip(column, shown, strict=True):
            place.imshow(gain(frame), cmap="gray", vmin=0, vmax=1)
            place.set_axis_off()
    return figure


def over_time(frames: list[Frame]) -> plt.Figure:
    """The median of the upper quarter, where nothing happens, frame by frame."""
    figure, axes = plt.subplots(figsize=(7, 3), dpi=80, layout="constrained")
    for name, gain in gains(frames).items():
        axes.plot([np.median(gain(frame)[: frame.size[0] // 4]) for frame in frames], label=name)
    axes.set(xlabel="frame", ylabel="network's input, background", ylim=(0, 1))
    axes.axvspan(HOT.start, HOT.stop - 1, color="k", alpha=0.06)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames = recording()
    for name, draw in {"gain_pictures": pictures, "gain_over_time": over_time}.items():
        figure = draw(frames)
        # No version stamp: the file changes only when the picture does.
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")

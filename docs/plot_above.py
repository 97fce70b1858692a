"""Draws the picture of data/README.md, synthetic frames from above and their truth, into docs/images.

python docs/plot_above.py [picture.jpg]
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import hydra
import numpy as np

from detector.app.configs import CONFIGS
from detector.app.settings import typed
from detector.inference.draw import PALETTE, contact_sheet, save_picture
from detector.synth.above import Above, AboveParams
from detector.synth.sensor import Sensor, SensorParams

SHOWN = (8, 14, 22, 38, 42, 59)
"""Seeds of the scenes."""


def picture(seed: int) -> np.ndarray:
    """One frame, [H, W, 3] uint8, with a coloured line about each object."""
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose("synth", overrides=["sensor.bits=8"])
    params = typed(AboveParams, config.above, where="above")
    rng = np.random.default_rng(seed)
    kelvin, truth = Above(params, rng).frame(rng)
    sensor = Sensor(
        typed(SensorParams, config.sensor, where="sensor"), rng, width=params.width, height=params.height
    )
    shown = cv2.cvtColor(sensor.expose(kelvin, rng, frame=0), cv2.COLOR_GRAY2RGB)
    for item in truth:
        x0, y0, x1, y1 = (round(value) for value in item.box)
        cv2.rectangle(shown, (x0, y0), (x1 - 1, y1 - 1), PALETTE[item.label], 1)
    return shown


if __name__ == "__main__":
    default = Path(__file__).parent / "images" / "above.jpg"
    save_picture(
        Path(sys.argv[1]) if len(sys.argv) > 1 else default, contact_sheet([picture(n) for n in SHOWN], 3)
    )

"""Weather and time of day: the temperatures everything else in a scene is derived from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Climate:
    """Temperatures in kelvin. sun: solar load in [0, 1], 0 at night; clear: cloudlessness in [0, 1]."""

    air: float
    ground: float
    sky: float
    sun: float
    clear: float

    @property
    def skin(self) -> float:
        """Bare skin: about 307 K in the warm, some kelvin less where the air is cold."""
        return 307.0 - 0.17 * max(0.0, 300.0 - self.air)

    def clothed(self, conductance: float) -> float:
        """Surface of insulation over skin: conductance 0 gives the air's temperature, 1 the skin's."""
        layers = 0.5 + 0.5 * min(max((self.air - 268.0) / 30.0, 0.0), 1.0)  # thicker in the cold
        return self.air + conductance * layers * (self.skin - self.air) + 3.0 * self.sun


def draw_climate(rng: np.random.Generator) -> Climate:
    """A random hour: half nights, when the ground cools below the air, half days, when it heats up."""
    clear = float(rng.uniform(0, 1))
    if rng.random() < 0.45:
        air, sun = float(rng.uniform(268, 294)), 0.0
        ground = air + float(rng.uniform(0, 5)) - 3 * clear
    else:
        air, sun = float(rng.uniform(272, 304)), float(rng.uniform(0.1, 1))
        ground = air + sun * float(rng.uniform(5, 18))
    return Climate(air=air, ground=ground, sky=air - 4 - 10 * clear, sun=sun, clear=clear)

"""Small scenes for tests."""

import numpy as np

from detector.synth.paint import Sprite
from detector.synth.scene import Scene, SceneParams
from detector.synth.stage import Standing
from tests.built import read

FINE = 2
SMALL = read(SceneParams, "synth:scene", fine=FINE, clutter=(0, 0), overlap=0.0, min_visible=0.4)


def empty_scene(params: SceneParams = SMALL, seed: int = 0) -> Scene:
    return Scene(params, np.random.default_rng(seed))


def block(
    *, left: int, top: int, width: int, height: int, row: float, label: int | None, kelvin: float = 333.0
):
    """A rectangle, given in fine pixels."""
    solid = np.ones((height, width), bool)
    sprite = Sprite(
        kelvin=np.full((height, width), kelvin, np.float32), painted=solid, body=solid, left=0, top=-height
    )
    return Standing(sprite=sprite, left=left, top=top, row=row, label=label)

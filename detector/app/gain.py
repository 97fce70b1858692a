"""The gain of a run: every command needs it that shows frames to a network. Needs neither torch nor YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detector.app.parts import build
from detector.engine.description import scale_of
from detector.thermal.agc import Agc, Scaled


def gain_of(config: Mapping[str, Any], *, scale: float | None = None) -> Agc:
    """From frames to what the network is shown of them, as a run's configuration says.

    scale: in place of the run's own. Raises UserError for settings that no part has.
    """
    gain: Agc = build("thermal", config["thermal"])
    scale = scale_of(config) if scale is None else scale
    return gain if scale == 1 else Scaled(gain, scale)

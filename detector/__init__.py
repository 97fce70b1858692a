"""Train, judge and run small detectors for low-resolution thermal cameras.

What is public is listed in __all__; docs/python.md shows it. Nothing is loaded before it is used, so that
importing this costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from detector.version import __version__ as __version__

if TYPE_CHECKING:
    from detector.app.api import Model, load, train
    from detector.errors import UserError
    from detector.evaluation.coco import Metrics
    from detector.inference.prediction import Prediction
    from detector.inference.sources import read
    from detector.structures import Frame
    from detector.thermal.io import Recording
    from detector.thermal.radiometry import Linear

__all__ = [
    "Frame",
    "Linear",
    "Metrics",
    "Model",
    "Prediction",
    "Recording",
    "UserError",
    "load",
    "read",
    "train",
]

_HOMES = {
    "Frame": "structures",
    "Linear": "thermal.radiometry",
    "Metrics": "evaluation.coco",
    "Model": "app.api",
    "Prediction": "inference.prediction",
    "Recording": "thermal.io",
    "UserError": "errors",
    "load": "app.api",
    "read": "inference.sources",
    "train": "app.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

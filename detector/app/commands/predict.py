"""Find objects in what a user's camera gave, and say where, what and how warm."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from detector.app.bar import bar, tell
from detector.app.opening import changed_postprocess, open_detector
from detector.app.parts import build
from detector.app.predicting import Request, predict
from detector.app.reading import checked_shape, chosen_scale
from detector.app.settings import plain, typed
from detector.app.shipped import THERMAL
from detector.engine.settings import InferenceSettings
from detector.inference.sources import find
from detector.thermal.io.temperatures import checked_unit


def run(config: DictConfig) -> None:
    """The command: config as in configs/predict.yaml.

    What cannot be read is named on stderr when it is met, the rest is done, and the last line says so.
    """
    engine = typed(InferenceSettings, config.engine, where="engine")
    request = Request(
        paths=find(plain(config.source)),
        output=None if config.output is None else Path(str(config.output)),
        pictures=config.pictures,
        confidence=config.confidence,
        raw_shape=checked_shape(plain(config.raw_shape)),
        colour=config.colour,
        unit=checked_unit(config.unit, where="unit"),
        calibration=None if config.calibration is None else build("calibration", plain(config.calibration)),
        tracker=None if config.get("tracker") is None else build("tracker", plain(config.tracker)),
    )
    detector = open_detector(str(config.checkpoint), device=engine.device, scale=chosen_scale(config.scale))
    if config.checkpoint == THERMAL:
        print(f"with the weights that ship, which find {', '.join(detector.classes)}")
    postprocess = changed_postprocess(detector, plain(config.postprocess))
    predict(request, detector, detector.pipeline(engine, postprocess=postprocess), tell=tell, progress=bar)

"""What a training is judged by."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from torch import nn

from detector import distributed
from detector.app.build import build_evaluate
from detector.app.gain import gain_of
from detector.app.parts import build
from detector.app.training.frames import split_with_classes
from detector.engine.device import Precision
from detector.engine.settings import EngineSettings
from detector.evaluation.coco import Metrics
from detector.evaluation.predictions import predictions_json
from detector.inference.network import pipeline_of
from detector.inference.split import SplitFrames, detect
from detector.structures import Detections

PICTURES = 6


class Validation:
    """Evaluates a model on the validation split; keeps what it found for pictures."""

    def __init__(
        self,
        config: dict[str, Any],
        settings: EngineSettings,
        *,
        classes: tuple[str, ...],
        precision: Precision,
    ) -> None:
        self.annotations = split_with_classes(config["data"], config["data"]["val"], classes)
        self.frames = SplitFrames(self.annotations, gain_of(config))
        self.evaluate = build_evaluate(config)
        self.pipeline = partial(
            pipeline_of,
            classes=classes,
            postprocess=build("postprocess", config["postprocess"]),
            precision=precision,
            batch_size=settings.batch_size,
        )
        self.detections: dict[int, Detections] = {}

    def __call__(self, model: nn.Module) -> Metrics | None:
        """Metrics on rank 0, which alone has all detections; None elsewhere."""
        self.detections = detect(self.pipeline(model), self.frames)
        if distributed.rank() > 0:
            return None
        predictions = predictions_json(self.detections, self.annotations)
        return self.evaluate(self.annotations, predictions).metrics

    def pictures(self) -> list[np.ndarray]:
        """Detections of the last evaluation beside truth."""
        return self.frames.pictures(self.detections, count=PICTURES)

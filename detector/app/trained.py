"""A checkpoint or a weights file made usable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from detector.app.gain import gain_of
from detector.app.parts import build
from detector.app.shipped import SHIPPED, THERMAL
from detector.engine import checkpoint
from detector.engine.description import colour_of
from detector.engine.device import pick_precision
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference.network import pipeline_of
from detector.inference.pipeline import Pipeline
from detector.inference.postprocess import Postprocess


class Trained:
    """The averaged model in eval mode, and what it was trained with.

    path: of a checkpoint or of weights, or "thermal", the weights that ship.
    model: on `device`, channels last. gain, postprocess: as the run had them. classes: names by label.
    thresholds: the score of each class that served best on the validation split; None where nobody measured.
    data: the run's data set, plain values; None of a weights file. config: the groups the file keeps.
    colour: how pictures in false colours are read.
    scale: how large it is shown frames, None: as in training.
    Raises UserError as checkpoint.load does, and for settings that no part of this program has.
    """

    def __init__(self, path: str | Path, *, device: torch.device, scale: float | None = None) -> None:
        self.shipped = str(path) == THERMAL
        self.path = SHIPPED if self.shipped else Path(path)
        self.device = device
        state = checkpoint.load(self.path)
        self.config: dict[str, Any] = state["config"]
        self.classes: tuple[str, ...] = tuple(state["classes"])
        self.thresholds: dict[str, float] | None = state["thresholds"]
        self.data: dict[str, Any] | None = self.config.get("data")
        try:
            self.colour = colour_of(self.config)
            self.gain = gain_of(self.config, scale=scale)
            self.postprocess: Postprocess = build("postprocess", self.config["postprocess"])
            model = build("model", self.config["model"], classes=len(self.classes))
        except (UserError, RuntimeError, TypeError, ArithmeticError, LookupError) as error:
            raise UserError(f"checkpoint {path}: {error}") from error
        checkpoint.load_weights(model, state["ema"], source=path)
        self.model = model.to(device).to(memory_format=torch.channels_last).eval()

    @property
    def stride(self) -> int:
        """The network's coarsest: frames are filled up to multiples of it."""
        stride = self.model.stride
        assert isinstance(stride, int)
        return stride

    @property
    def run_folder(self) -> Path:
        """The folder of the run that wrote the checkpoint; of a weights file the one it lies in.

        Of the weights that ship the working directory: they lie in the package.
        """
        if self.shipped:
            return Path()
        folder = self.path.resolve().parent
        return folder.parent if folder.name == "checkpoints" else folder

    def pipeline(self, settings: InferenceSettings, *, postprocess: Postprocess | None = None) -> Pipeline:
        """From frames to detections, all of them; postprocess: in place of the run's own."""
        return pipeline_of(
            self.model,
            classes=self.classes,
            postprocess=postprocess or self.postprocess,
            precision=pick_precision(settings.precision, self.device),
            batch_size=settings.batch_size,
        )

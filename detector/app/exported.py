"""An exported network made usable: what Trained is for checkpoints, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detector.app.gain import gain_of
from detector.app.parts import build
from detector.engine.description import colour_of
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference.onnx_network import OnnxFile, OnnxNetwork
from detector.inference.pipeline import Pipeline
from detector.inference.postprocess import Postprocess


class Exported:
    """A file that `thermal-detector export` wrote, and what it was trained with: as `Trained` where shared.

    It tells nothing of the data it was trained on. runtime, threads: as OnnxFile has them. Raises UserError
    as OnnxFile does, and for settings that no part of this program has.
    """

    data = None

    def __init__(
        self,
        path: str | Path,
        *,
        scale: float | None = None,
        runtime: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.file = OnnxFile(self.path, runtime=runtime, threads=threads)
        about = self.file.about
        self.config: dict[str, Any] = about["config"]
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self.thresholds: dict[str, float] | None = about["thresholds"]
        try:
            self.colour = colour_of(self.config)
            self.gain = gain_of(self.config, scale=scale)
            self.postprocess: Postprocess = build("postprocess", self.config["postprocess"])
        except UserError as error:
            raise UserError(f"checkpoint {path}: {error}") from error

    @property
    def run_folder(self) -> Path:
        """The folder that the file lies in."""
        return self.path.resolve().parent

    def pipeline(self, settings: InferenceSettings, *, postprocess: Postprocess | None = None) -> Pipeline:
        """From frames to detections, all of them; the device is the CPU, the precision the file's own."""
        return Pipeline(
            network=OnnxNetwork(self.file, postprocess=postprocess or self.postprocess),
            multiple=int(self.file.about["stride"]),
            classes=self.classes,
            batch_size=settings.batch_size,
        )

"""What Python programs call: docs/python.md. `detector` itself passes it on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np

from detector.app.full_package import needed_for
from detector.app.opening import Detector, open_detector
from detector.app.reading import chosen_scale
from detector.app.shipped import THERMAL
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference.pipeline import Shot, shots
from detector.inference.prediction import Prediction
from detector.inference.sources import read
from detector.inference.stages import confident, lowest, thresholds
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.io.checks import depth_of
from detector.thermal.io.temperatures import to_counts

if TYPE_CHECKING:
    from detector.evaluation.coco import Metrics

Picture = np.ndarray | Frame | str | Path
"""One frame: counts [H, W] uint8 or uint16, a Frame, or the file of a picture."""

P = TypeVar("P", bound=Picture)


def load(
    path: str | Path = THERMAL,
    *,
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 8,
    scale: float | None = None,
) -> Model:
    """The detector in a checkpoint, a weights file or an exported .onnx file, which needs no torch.

    path: "thermal" is the weights that ship (docs/weights.md).

    device: auto (CUDA where there is one), cpu or cuda. precision: auto, fp32, bf16 or fp16. batch_size: how
    many frames of a list or a recording are computed at once. scale: how large it is shown frames, 0.25 is a
    quarter of width and height, for objects much larger than those it learnt; None: as in training. Raises
    UserError for a file that is none, and for settings that cannot be.
    """
    settings = InferenceSettings(device=device, precision=precision, batch_size=batch_size)
    return Model(open_detector(path, device=device, scale=chosen_scale(scale)), settings)


def train(overrides: Sequence[str] = ()) -> Path:
    """Train as `thermal-detector train` does with these settings, ["data.root=...", "engine.epochs=40"].

    Returns the folder of the run; its detector is checkpoints/best.pt. Raises UserError for settings that
    cannot be. A script that calls it with several processes needs `if __name__ == "__main__":` around it.
    """
    # Only here: using a detector needs none of it.
    with needed_for("detector.train"):
        import hydra
        from hydra.errors import HydraException
        from omegaconf import open_dict
        from omegaconf.errors import OmegaConfBaseException

        from detector.app import overrides as settings
        from detector.app import quoting
        from detector.app.commands.train import train_and_judge
        from detector.app.configs import CONFIGS

    if isinstance(overrides, str):
        raise UserError(f'{overrides}: give a list of settings, ["{overrides}"]')
    overrides = quoting.quoted(overrides)
    try:
        settings.check("train", overrides)
        with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
            config = hydra.compose("train", overrides=list(overrides), return_hydra_config=True)
        folder = Path(str(config.hydra.run.dir))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(" ".join(str(error).partition("Config search path")[0].split())) from error
    with open_dict(config):
        del config["hydra"]
    return train_and_judge(config, folder, overrides=overrides)


class Model:
    """A trained detector; `load` makes it."""

    def __init__(self, trained: Detector, settings: InferenceSettings) -> None:
        self._trained = trained
        self._pipeline = trained.pipeline(settings)

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names; a label is an index into them."""
        return self._trained.classes

    @property
    def thresholds(self) -> dict[str, float]:
        """The score of each class from which `predict` takes a detection for an object.

        The ones that served best on the validation split, 0.3 where nobody measured.
        """
        return thresholds(self.classes, stored=self._trained.thresholds, confidence=None)

    @overload
    def predict(self, x: np.ndarray | Frame, *, confidence: float | None = None) -> Prediction: ...
    @overload
    def predict(self, x: list[P] | tuple[P, ...], *, confidence: float | None = None) -> list[Prediction]: ...
    @overload
    def predict(self, x: io.Recording, *, confidence: float | None = None) -> Iterator[Prediction]: ...
    @overload
    def predict(
        self, x: str | Path, *, confidence: float | None = None
    ) -> Prediction | Iterator[Prediction]: ...
    def predict(
        self, x: Picture | list[P] | tuple[P, ...] | io.Recording, *, confidence: float | None = None
    ) -> Prediction | list[Prediction] | Iterator[Prediction]:
        """One frame gives one prediction, a list of frames a list, and a recording a stream of them.

        x: counts [H, W] uint8 or uint16, floats in kelvin or Celsius, a Frame, or the file of a picture; a
        list of these; a Recording, its file, or a folder of pictures, which are read as the stream is. A
        picture that comes by itself or in a list is a recording of its own to a gain that looks at whole
        recordings.
        confidence: lowest score of an object, in [0, 1]; None: `thresholds`.
        Raises UserError for what is no frame or cannot be read.
        """
        if isinstance(x, str | Path):
            x = read(x, colour=self._trained.colour)
        if isinstance(x, io.Recording):
            return self._stream(shots(x, self._trained.gain), confidence)
        if isinstance(x, list | tuple):
            return list(self._stream(self._shots(x), confidence))
        return next(self._stream(list(self._shots([x])), confidence))

    def evaluate(self, data: str | Path | None = None, split: str | None = None) -> Metrics:
        """COCO's numbers and more on a split of the set that the detector was trained on.

        data: the folder of the set, where it is not the one of training. split: None is the run's own.
        Raises UserError where the set is not there or a frame cannot be read.
        """
        # Only here: finding objects in frames needs none of it.
        with needed_for("evaluate"):
            from detector.app.build import build_evaluate
            from detector.app.commands.evaluate import trained_split
            from detector.evaluation.predictions import predictions_json
            from detector.inference.split import SplitFrames, detect

        asked = {"source": None, "root": None if data is None else str(data), "split": split}
        annotations, _ = trained_split(self._trained, asked)
        found = detect(self._pipeline, SplitFrames(annotations, self._trained.gain))
        evaluated = build_evaluate(self._trained.config)(annotations, predictions_json(found, annotations))
        return evaluated.metrics

    def _stream(self, frames: Iterable[Shot], confidence: float | None) -> Iterator[Prediction]:
        least = thresholds(self.classes, stored=self._trained.thresholds, confidence=confidence)
        return confident(least)(self._pipeline(frames, least=lowest(least)))

    def _shots(self, pictures: Sequence[Picture]) -> Iterator[Shot]:
        """Each picture is a recording of its own."""
        for picture in pictures:
            yield from shots([_frame(picture, self._trained.colour)], self._trained.gain)


def _frame(picture: Picture, colour: str) -> Frame:
    if isinstance(picture, Frame):
        return picture
    if isinstance(picture, str | Path):
        return io.read(picture, colour=colour)
    if not isinstance(picture, np.ndarray) or picture.ndim != 2 or not picture.size:
        shape = getattr(picture, "shape", None)
        what = type(picture).__name__ if shape is None else f"an array {list(shape)}"
        raise UserError(f"predict takes frames [height, width], their files or lists of these, found {what}")
    counts, calibration, taken_for = to_counts(picture, Path("array"), unit=None)
    return Frame(counts, depth_of(counts), "array", calibration=calibration, taken_for=taken_for)

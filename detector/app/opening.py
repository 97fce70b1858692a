"""Whatever holds a detector, opened: a checkpoint, a weights file, an exported network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from detector.app.exported import Exported
from detector.app.full_package import needed_for
from detector.app.parts import build
from detector.data.annotations import Annotations
from detector.data.classes import with_classes
from detector.data.readers.assemble import shown
from detector.errors import UserError
from detector.inference.onnx_network import SUFFIX
from detector.inference.postprocess import Postprocess

if TYPE_CHECKING:
    from detector.app.trained import Trained

Detector: TypeAlias = "Trained | Exported"


def open_detector(path: str | Path, *, device: str, scale: float | None = None) -> Detector:
    """By the file's name. Raises UserError as they do.

    device: of the settings, for those that torch runs. scale: how large it is shown frames, None: as in
    training.
    """
    if Path(path).suffix == SUFFIX:
        return Exported(path, scale=scale)
    # Only here: an exported network needs no torch.
    with needed_for(f"checkpoint {path}"):
        from detector.app.trained import Trained
        from detector.engine.device import pick_device
    return Trained(path, device=pick_device(device), scale=scale)


def labelled(detector: Detector, annotations: Annotations) -> Annotations:
    """The truth with the detector's classes, of a set that may have fewer or in another order.

    UserError where the set has one that the detector does not know.
    """
    unknown = [name for name in annotations.classes if name not in detector.classes]
    if unknown:
        raise UserError(
            f"checkpoint {detector.path}: knows the classes {shown(detector.classes, 20)}; the data set has "
            f"{shown(unknown, 20)} too: choose with data.source.classes, or rename with data.remap"
        )
    return with_classes(annotations, detector.classes)


def changed_postprocess(detector: Detector, asked: Mapping[str, Any]) -> Postprocess:
    """The detector's own, with what is not None in `asked` in its place. Raises UserError as `build` does."""
    given = {key: value for key, value in asked.items() if value is not None}
    made: Postprocess = build("postprocess", {**detector.config["postprocess"], **given})
    return made

"""Settings of a training that are left to its data."""

from __future__ import annotations

from typing import Any

from detector.app.parts import build
from detector.data.annotations import Annotations
from detector.data.scale import AUTO, enlarged_patch, patch_for, scale_for
from detector.engine.budget import fitted
from detector.thermal.resolution import checked_scale


def fitted_to(training: Annotations, values: dict[str, Any], *, processes: int) -> dict[str, Any]:
    """The settings with what the training split decides: palette, scale, patches, epochs and batches.

    So every other split and every later prediction is read in the same way. Raises UserError for values that
    cannot be.
    """
    data, augment = dict(values["data"]), dict(values["augment"])
    data["colour"] = training.records[0].colour
    scale = data.get("scale", 1.0)  # older runs have no such key
    fits = scale == AUTO
    scale = scale_for(training) if fits else checked_scale(scale, where="data.scale")
    data["scale"] = scale
    if "size" in augment:
        multiple = build("model", values["model"], classes=1).stride
        size = tuple(augment["size"])
        if fits and scale > 1:
            size = enlarged_patch(size, scale=scale, multiple=multiple)
        augment["size"] = list(patch_for(size, training, scale=scale, multiple=multiple))
    engine = fitted(values["engine"], frames=len(training.records), processes=processes)
    return {**values, "data": data, "augment": augment, "engine": engine}

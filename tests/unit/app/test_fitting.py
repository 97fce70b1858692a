"""What a training split decides of its training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.app.fitting import fitted_to
from detector.data.annotations import Annotations
from tests.built import settings_at
from tests.unit.data.made import record


def small() -> Annotations:
    """A frame of 160x120 with an object of 6x10."""
    one = replace(record(Path("one.png"), [((10, 10, 16, 20), 0, False)]), width=160, height=120)
    return Annotations(("person",), (one,), (1,))


def settings(**data: Any) -> dict[str, Any]:
    values = settings_at("train")
    values = {key: values[key] for key in ("data", "augment", "model", "engine")}
    return {**values, "data": {**values["data"], **data}}


def test_frames_of_small_objects_are_enlarged_with_larger_patches_and_that_stays_on_resuming():
    values = fitted_to(small(), settings(), processes=1)
    assert (values["data"]["scale"], values["augment"]["size"]) == (2, [192, 240])
    assert fitted_to(small(), values, processes=1) == values


@pytest.mark.parametrize(("scale", "size"), [(1, [128, 160]), (2, [128, 160]), (0.5, [64, 80])])
def test_a_scale_that_is_told_leaves_patches_as_they_are_told(scale, size):
    values = fitted_to(small(), settings(scale=scale), processes=1)
    assert (values["data"]["scale"], values["augment"]["size"]) == (scale, size)

"""The recipes of configs/augment, built as training builds them."""

from __future__ import annotations

from typing import Any

import hydra

from detector.app import parts
from detector.app.settings import plain
from detector.data.augment.recipe import PatchTransform
from tests.built import CONFIGS, built


def recipe(name: str, *overrides: str) -> Any:
    """configs/augment/<name>.yaml with the command line's overrides, for a network of stride 16."""
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = hydra.compose(f"augment/{name}", overrides=list(overrides)).augment
    return parts.build("augment", plain(config), multiple=16)


def patches(size: tuple[int, int], **changes: Any) -> PatchTransform:
    """The default's patches and mosaics without its steps. changes: arguments; steps in a list."""
    steps = {name: changes.pop(name, []) for name in ("objects", "geometry", "intensity")}
    named = {name: {str(n): step for n, step in enumerate(those)} for name, those in steps.items()}
    transform: PatchTransform = built("augment/default", size=size, **named, **changes)
    return transform

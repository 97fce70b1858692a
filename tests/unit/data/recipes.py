"""The recipes of configs/augment, built as training builds them."""

from __future__ import annotations

from typing import Any

import hydra
from hydra.utils import instantiate

from detector.app.cli import CONFIGS


def recipe(name: str, *overrides: str) -> Any:
    """configs/augment/<name>.yaml with the command line's overrides."""
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        return instantiate(hydra.compose(f"augment/{name}", overrides=list(overrides)).augment)

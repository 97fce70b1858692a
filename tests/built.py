"""Parts as configs/ describes them, with what a test needs changed: tests repeat no default."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar

import hydra
from omegaconf import OmegaConf

from detector.app import parts
from detector.app.settings import plain, typed

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
T = TypeVar("T")


def built(place: str, /, **changes: Any) -> Any:
    """The part at a place, "thermal/percentile" or, inside an option, "augment/default:objects.pole".

    changes: arguments in place of the file's, as the constructor takes them. Of a data option its source.
    """
    settings = dict(settings_at(place))
    keys = (place.partition("/")[0], *filter(None, place.partition(":")[2].split(".")))
    if keys == ("data",):
        keys, settings = ("source",), dict(settings["source"])
    kind = keys[-2] if len(keys) > 1 and keys[-2] in parts.GROUPS else keys[-1]
    kept = {key: value for key, value in settings.items() if key not in changes}
    return parts.build(kind, kept, **changes)


def read(kind: type[T], place: str, /, **changes: Any) -> T:
    """A command's group of settings, "synth:scene", as the dataclass that says their types."""
    return typed(kind, {**settings_at(place), **changes}, where=place)


@functools.cache
def settings_at(place: str) -> dict[str, Any]:
    """The plain settings there; nobody may change them."""
    option, _, inside = place.partition(":")
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = hydra.compose(option)
    group, _, name = option.partition("/")
    node = OmegaConf.select(config, ".".join(filter(None, (group if name else "", inside))))
    found: dict[str, Any] = plain(node)
    return found

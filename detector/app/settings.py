"""From a composed configuration to plain values and to typed settings."""

from __future__ import annotations

from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from detector.errors import UserError

T = TypeVar("T")


def plain(node: Any) -> Any:
    """Dicts, lists and values of a configuration, interpolations resolved; anything else as it is."""
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def typed(kind: type[T], node: Any, *, where: str) -> T:
    """A group of settings as the frozen dataclass that says their types.

    Raises UserError, naming the setting, for a value of another type and for a key that it does not have; and
    whatever the dataclass raises for values out of range.
    """
    try:
        checked = OmegaConf.merge(OmegaConf.structured(kind), node)
        # A plain call and not OmegaConf's own, which would wrap what the dataclass raises.
        values = OmegaConf.to_container(checked, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{where}.{error.full_key or error.key}: {str(error.msg).splitlines()[0]}") from error
    assert isinstance(checked, DictConfig)
    assert isinstance(values, dict)
    return kind(**{str(key): value for key, value in values.items()})

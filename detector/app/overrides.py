"""What a command line may say of a configuration, checked before anything slow is loaded."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, InterpolationResolutionError, OmegaConfBaseException

from detector.app import parts
from detector.app.configs import CONFIGS
from detector.errors import UserError

FREE = ("study.arms", "study.conditions", "gains", "methods")
"""Groups of settings whose keys are the user's own names."""


def check(name: str, words: Sequence[str]) -> None:
    """UserError for a setting that does not exist, is of another kind than its default, or is missing.

    words: what follows the command. Raises what Hydra does for what it cannot read or find.
    """
    arguments = _parsed(words)
    extra = [Path(arguments.config_dir).resolve()] if arguments.config_dir else []
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        choices, values = _read(arguments.overrides, [Path(CONFIGS), *extra])
        defaults = _compose(
            name, [f"hydra.searchpath=[file://{folder}]" for folder in extra], choices, arguments
        )
    config = defaults.copy()
    OmegaConf.set_struct(config, False)
    for override in values:
        _apply(override, config, defaults)
    if not arguments.cfg and not arguments.info:
        _check_complete(config)


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """As Hydra reads them; UserError where it would print its usage."""

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{message}; a setting is KEY=VALUE")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    return parser.parse_args(list(words))


def _read(lines: Sequence[str], folders: Sequence[Path]) -> tuple[list[Override], list[Override]]:
    """Those that choose an option of a group or are Hydra's own, and those that give a value."""
    choices: list[Override] = []
    values: list[Override] = []
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    for line in lines:
        try:
            (override,) = parser.parse_overrides([line])
        except OverrideParseException:
            raise UserError(
                f"{line}: must be KEY=VALUE; a value with special characters needs quotes of its own"
            ) from None
        group = any((folder / override.key_or_group).is_dir() for folder in folders)
        (choices if group or override.is_hydra_override() else values).append(override)
    return choices, values


def _compose(
    name: str, searchpath: Sequence[str], choices: Sequence[Override], arguments: argparse.Namespace
) -> DictConfig:
    """The configuration with the command line's choices but none of its values."""
    lines = [_first(choice) if arguments.multirun else str(choice.input_line) for choice in choices]
    try:
        return hydra.compose(arguments.config_name or name, [*searchpath, *lines])
    except Exception as error:
        if "Config group override" in str(error):  # engine=3 is a number where an option's name belongs
            raise UserError(f"{' '.join(lines)}: {error}") from error
        raise


def _first(override: Override) -> str:
    """Of the options that a multirun goes through."""
    if not override.is_sweep_override():
        return str(override.input_line)
    return f"{override.get_key_element()}={next(override.sweep_string_iterator())}"


def _apply(override: Override, config: DictConfig, defaults: DictConfig) -> None:
    """Changes `config` as Hydra will; UserError where it will not, or nobody reads the value."""
    key = override.key_or_group
    known = key in _keys(config) or isinstance(_look_up(config, _above(key)), ListConfig)
    may_add = (override.is_add() or override.is_force_add()) and _may_be_new(key)
    if not known and not may_add:
        near = difflib.get_close_matches(key, list(_keys(config)), n=1, cutoff=0.5)
        raise UserError(f"unknown setting {key}" + (f"; did you mean {near[0]}?" if near else ""))
    if override.is_delete():
        place = _look_up(config, _above(key))
        if place is None:
            raise UserError(f"~{key}: a name with a dot in it cannot be taken out")
        place.pop(key.rpartition(".")[2], None)
        return
    before = _look_up(defaults, key)
    above = _look_up(defaults, _above(key))
    must_be_given = isinstance(above, DictConfig) and OmegaConf.is_missing(above, key.rpartition(".")[2])
    for value in _values(override):
        if value is None and must_be_given:
            raise UserError(f"{key} must be given: null is none")
        OmegaConf.update(config, key, value, merge=True)
        after = _look_up(config, key)
        # What refers to Hydra's own settings cannot be told yet.
        told = after is not None or value is None
        if told and not _same_kind(before, after):
            raise UserError(f"{key}={after}: must be {_kind_name(before)}, as its default {before}")


def _values(override: Override) -> Iterator[Any]:
    """The one value, or all that a multirun goes through."""
    if override.is_discrete_sweep():
        yield from override.sweep_iterator()
    elif not override.is_sweep_override():
        yield override.value()


def _look_up(config: DictConfig, key: str) -> Any:
    """The value of a dotted key, of "" all; None where there is none, or it refers to what is missing yet."""
    try:
        return OmegaConf.select(config, key)
    except InterpolationKeyError:  # to what will never be there
        raise
    except InterpolationResolutionError:
        return None


def _above(key: str) -> str:
    return key.rpartition(".")[0]


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    for key in map(str, config):
        yield f"{prefix}{key}"
        if not OmegaConf.is_missing(config, key) and not OmegaConf.is_interpolation(config, key):
            node = config[key]
            if isinstance(node, DictConfig):
                yield from _keys(node, f"{prefix}{key}.")


def _may_be_new(key: str) -> bool:
    """Whether names are free there, or it stands in a part, which refuses settings that it does not know."""
    if any(key.startswith(f"{group}.") for group in FREE):
        return True
    above = _above(key).split(".")
    return any(word in parts.PARTS or word in parts.ONLY or word in parts.SAME_KIND for word in above)


def _check_complete(config: DictConfig) -> None:
    """UserError for a value that must be given and was not."""
    try:
        missing = OmegaConf.missing_keys(config)
    except OmegaConfBaseException as error:  # an interpolation of a missing value
        missing = set(re.findall(r"Missing mandatory value: (\S+)", str(error)))
    if missing:
        key = min(missing, key=lambda name: (len(name), name))
        raise UserError(f"{key} must be given: add {key}=... to the command")


def _same_kind(before: Any, after: Any) -> bool:
    if before is None:  # not given yet, or null: its reader knows what it takes
        return True
    if isinstance(before, ListConfig):
        return isinstance(after, ListConfig) and (
            not before or all(_same_kind(before[0], value) for value in after)
        )
    if isinstance(before, DictConfig):
        return isinstance(after, DictConfig)
    if isinstance(before, float):
        return isinstance(after, (int, float)) and not isinstance(after, bool)
    if isinstance(before, str):
        # A folder may be called 2024, "auto" stands where a number may, null where there is to be none: the
        # value's reader knows.
        return after is None or (isinstance(after, (str, int, float)) and not isinstance(after, bool))
    return type(after) is type(before)


def _kind_name(value: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    if isinstance(value, ListConfig):
        return "a list, each entry " + names.get(type(value[0]), "as there") if value else "a list"
    return names.get(type(value), "a group of settings")

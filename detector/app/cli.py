"""What every command shares: Hydra around it, and one clear line where the user can put something right."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from detector.errors import Interrupted, NonFiniteError, UserError

# Absolute: Hydra reads a relative path of a packaged module as the name of another package.
CONFIGS = str(Path(__file__).resolve().parents[2] / "configs")
INTERRUPTED = 130
FREE = ("study.arms", "study.conditions", "gains")
"""Groups of settings whose keys are the user's own names."""


def command(name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Makes a function of a config a program: configs/<name>.yaml with the command line's overrides.

    What the user can put right ends it with one line on stderr and status 1; an interruption with status
    130; anything else is a bug and shows its trace.
    """

    def decorate(run: Callable[[DictConfig], None]) -> Callable[[], None]:
        def main() -> None:
            entered = False

            def checked(config: DictConfig) -> None:
                nonlocal entered
                entered = True
                try:
                    _check_complete(config)
                    _check_overrides(name)
                    run(config)
                # Here and not around hydra.main, which prints a line of its own about what passes it.
                except InstantiationException as error:
                    _fail(_root_cause(error))
                except (UserError, NonFiniteError, OmegaConfBaseException) as error:
                    _fail(_explain(error, name))
                except Interrupted as error:
                    _stop(str(error))
                except BrokenPipeError:  # whoever read our output has had enough, as head does
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                    sys.exit(1)
                except OSError as error:
                    if error.filename is None:
                        raise
                    _fail(f"{error.filename}: {error.strerror}")
                finally:
                    _remove_empty_folders()

            # Hydra then passes exceptions on instead of printing them in its own many lines.
            os.environ["HYDRA_FULL_ERROR"] = "1"
            try:
                hydra.main(version_base="1.3", config_path=CONFIGS, config_name=name)(checked)()
            except (HydraException, OmegaConfBaseException, ValueError, OSError) as error:
                if entered:
                    raise
                _fail(_explain(error, name))
            except KeyboardInterrupt:
                _stop("stopped")

        return main

    return decorate


def _fail(message: str) -> NoReturn:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(1)


def _stop(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(INTERRUPTED)


def _remove_empty_folders() -> None:
    """Hydra makes the run's folder before it calls us; where nothing was written to it, it goes again.

    So do folders above it that are empty then, up to the working directory.
    """
    here = Path.cwd()
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        while folder != here:
            folder.rmdir()
            if here not in folder.parents:
                return
            folder = folder.parent
    except OSError:  # not empty
        return


def _root_cause(error: InstantiationException) -> str:
    """Our own message where a constructor raised one, else one that names the key."""
    cause = error.__cause__
    if isinstance(cause, UserError):
        return str(cause)
    lines = str(error).splitlines()
    return f"{lines[-1]}: {cause if cause is not None else lines[0]}"


def _explain(error: Exception, name: str) -> str:
    """Hydra's message on one line; for an unknown key, with the nearest that exists."""
    text = f"{error} {error.__cause__ or ''}"
    missing = re.search(r"Key '[^']+' is not in struct\s+full_key: (\S+)", text)
    if missing:
        return _unknown(missing[1], _defaults(name))
    if isinstance(error, OverrideParseException):
        return f"{error.override}: must be KEY=VALUE; a value with special characters needs quotes of its own"
    if "Config group override" in str(error):  # engine=3 is a number where an option's name belongs
        return f"{' '.join(_chosen_groups())}: {error}"
    return str(error).partition("Config search path")[0]


def _unknown(key: str, known: DictConfig) -> str:
    near = difflib.get_close_matches(key, list(_keys(known)), n=1, cutoff=0.5)
    return f"unknown setting {key}" + (f"; did you mean {near[0]}?" if near else "")


def _defaults(name: str) -> DictConfig:
    """The configuration with the command line's choices of groups but none of its values."""
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        return hydra.compose(name, overrides=[*_search_path(), *_chosen_groups()])


def _search_path() -> list[str]:
    """The folder that --config-dir adds, as an override."""
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        key, _, value = word.partition("=")
        if key in ("--config-dir", "-cd"):
            return [f"hydra.searchpath=[file://{Path(value or following).resolve()}]"]
    return []


def _chosen_groups() -> list[str]:
    """The command line's choices of groups, as written."""
    return [
        argument
        for argument in sys.argv[1:]
        if (Path(CONFIGS) / argument.partition("=")[0].lstrip("+~")).is_dir()
    ]


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    for key in map(str, config):
        yield f"{prefix}{key}"
        if not OmegaConf.is_missing(config, key) and not OmegaConf.is_interpolation(config, key):
            node = config[key]
            if isinstance(node, DictConfig):
                yield from _keys(node, f"{prefix}{key}.")


def _check_complete(config: DictConfig) -> None:
    """UserError for a value that must be given and was not."""
    try:
        missing = OmegaConf.missing_keys(config)
    except OmegaConfBaseException as error:  # an interpolation of a missing value
        missing = set(re.findall(r"Missing mandatory value: (\S+)", str(error)))
    if missing:
        key = min(missing, key=lambda name: (len(name), name))
        raise UserError(f"{key} must be given: add {key}=... to the command")


def _check_overrides(name: str) -> None:
    """UserError where an override is of another kind than the default it replaces, or read by nobody."""
    values = HydraConfig.get().overrides.task
    choices = HydraConfig.get().runtime.choices
    groups = [value for value in values if value.partition("=")[0].lstrip("+~") in choices]
    if len(groups) == len(values):
        return
    config = hydra.compose(name, overrides=list(values))
    default = hydra.compose(name, overrides=groups)
    for value in values:
        if value in groups or value.startswith("~"):
            continue
        key = value.partition("=")[0].lstrip("+")
        if value.startswith("+") and key not in _keys(default) and not _may_be_new(config, key):
            raise UserError(_unknown(key, default))
        before, after = OmegaConf.select(default, key), OmegaConf.select(config, key)
        if not _same_kind(before, after):
            kind = _kind_name(before)
            raise UserError(f"{key}={after}: must be {kind}, as its default {before}")


def _may_be_new(config: DictConfig, key: str) -> bool:
    """Whether names are free there, or a constructor reads the key and so refuses what it does not know."""
    parts = key.split(".")
    if ".".join(parts[:-1]) in FREE:
        return True
    above = (OmegaConf.select(config, ".".join(parts[:count])) for count in range(1, len(parts)))
    return any(isinstance(node, DictConfig) and "_target_" in node for node in above)


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
        # A folder may be called 2024, and "auto" stands where a number may: the value's reader knows.
        return isinstance(after, (str, int, float)) and not isinstance(after, bool)
    return type(after) is type(before)


def _kind_name(value: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    if isinstance(value, ListConfig):
        return "a list, each entry " + names.get(type(value[0]), "as there") if value else "a list"
    return names.get(type(value), "a group of settings")

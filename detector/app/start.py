"""Hydra around a command: what was asked is checked, then the command's module is loaded and run."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from detector.app import commands, overrides, quoting
from detector.app.configs import CONFIGS
from detector.app.ending import one_line
from detector.errors import UserError


def start(name: str, words: Sequence[str]) -> None:
    """Run a command with the settings and flags that follow its name; UserError for any that cannot be."""
    entered = False

    def run(config: DictConfig) -> None:
        nonlocal entered
        entered = True
        # Here, because Hydra prints a line of its own about what passes it.
        with one_line(), _warned(), _told():
            try:
                commands.load(name)(config)
            except OmegaConfBaseException as error:
                raise UserError(_explain(error)) from error
            finally:
                _remove_empty_folders()

    # Hydra then passes exceptions on instead of printing them in its own many lines.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # torch's threads that wait for each other then sleep; spinning, they take the core of the one they wait
    # for wherever something else runs too. Here, because it is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = quoting.quoted(words)
    sys.argv = [f"{commands.PROGRAM} {name}", *words]  # Hydra's own place to read them
    try:
        overrides.check(name, words)
        hydra.main(version_base="1.3", config_path=CONFIGS, config_name=name)(run)()
    except UserError:
        raise
    except (HydraException, OmegaConfBaseException, ValueError, OSError) as error:
        if entered:
            raise
        raise UserError(_explain(error)) from error


class _Once(logging.Filter):
    """Lets a text pass the first time: a split that is read again tells nothing new."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        new = text not in self._told
        self._told.add(text)
        return new


@contextmanager
def _warned() -> Iterator[None]:
    """Warnings go to stderr, each once."""
    logger = logging.getLogger()
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(_Once())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _told() -> Iterator[None]:
    """What was decided about a set's layout and splits is printed, as a command's own lines are.

    So is which frames were left out, and once more at the end, far below.
    """
    left_out = _Remembering(sys.stdout)
    handlers = {"detector.data.auto": logging.StreamHandler(sys.stdout), "detector.data.unreadable": left_out}
    for name, handler in handlers.items():
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
        for line in left_out.lines:
            print(line)
    finally:
        for name, handler in handlers.items():
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(logging.NOTSET)


class _Remembering(logging.StreamHandler):
    """Prints every line once; lines: all of them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if line not in self.lines:
            self.lines.append(line)
            super().emit(record)


def _explain(error: Exception) -> str:
    """Hydra's message without the options that are none, and what only Hydra's authors read."""
    message, options, rest = f"{error} {error.__cause__ or ''}".partition("Available options in")
    return message + options + re.sub(r"\s_\w+", "", rest.partition("Config search path")[0])


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

"""Checkpoints: tensors and plain values only, written so that an interruption leaves the old file whole."""

from __future__ import annotations

import os
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from detector import __version__
from detector.errors import UserError

REQUIRED = ("version", "config", "classes", "model", "ema")


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` beside `path`, flush it to disk, then rename it over `path`.

    Whatever interrupts it, `path` holds the old state or the new one, whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            torch.save({"version": __version__, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: str | Path) -> dict[str, Any]:
    """The state `save` wrote, on the CPU; unpickles nothing but tensors and plain values.

    Raises UserError naming the file where it is missing, damaged or no checkpoint of this program.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint {path}: no such file; train first, or give checkpoint=PATH")
    try:
        if not zipfile.is_zipfile(path):  # torch would read it as its old format, with warnings of its own
            raise ValueError("no archive as torch writes them")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can raise anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"checkpoint {path}: cannot be read ({reason}); is it complete?") from error
    missing = [key for key in REQUIRED if not isinstance(state, dict) or key not in state]
    if missing:
        raise UserError(f"checkpoint {path}: not a checkpoint of this program, {', '.join(missing)} missing")
    return state


def load_weights(model: nn.Module, weights: dict[str, torch.Tensor], *, source: str | Path) -> None:
    """Copy weights into a model of the same layout; UserError says where they differ."""
    own = model.state_dict()
    for name in own | weights:
        if name not in own or name not in weights:
            side = "unknown to" if name not in own else "missing for"
            raise UserError(f"checkpoint {source}: belongs to another model ({name} is {side} this one)")
        if own[name].shape != weights[name].shape:
            raise UserError(
                f"checkpoint {source}: belongs to another model ({name} is {list(weights[name].shape)}, "
                f"this model has {list(own[name].shape)})"
            )
    model.load_state_dict(weights)


def random_state() -> dict[str, Any]:
    """State of every global generator, as tensors and plain values."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    version, internal, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
        "python": [version, list(internal), gauss],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Undo of `random_state`."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))

"""Checkpoints: tensors and plain values only, written so that an interruption leaves the old file whole.

Two kinds of file. A checkpoint (`save`) holds all that a run needs to go on: torch's archive. A weights file
(`save_weights`) holds the averaged network at half precision and how to use it, small enough to mail and to
ship: safetensors, whose metadata is the description as JSON. `load` reads both. What a file says is never
executed: it is names and numbers, which detector/app/parts.py looks up.
"""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from detector.engine.description import FORMAT, KEY, check, describe
from detector.errors import UserError
from detector.version import __version__


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` beside `path`, flush it to disk, then rename it over `path`.

    Whatever interrupts it, `path` holds the old state or the new one, whole.
    """
    with _replacing(path) as file:
        torch.save({"format": FORMAT, "version": __version__, **state}, file)


def save_weights(path: Path, state: Mapping[str, Any]) -> None:
    """Write what uses the network of a state (as `load` gives it) needs, and nothing of its training.

    Convolutions are kept in half precision; biases and statistics, which are few and small numbers, are not.
    """
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).contiguous()
        for name, tensor in state["ema"].items()
    }
    content = safetensors.torch.save(tensors, metadata={KEY: json.dumps(describe(state))})
    with _replacing(path) as file:
        file.write(content)


def load(path: str | Path) -> dict[str, Any]:
    """The state that `save` or `save_weights` wrote, on the CPU; weights are float32.

    Keys: `config`, plain values; `classes`, names; `thresholds`, score by class or None; `ema`, the averaged
    weights; of a checkpoint also what Trainer.state tells.
    Raises UserError naming the file where it is missing, damaged, of another format or no file of ours, and
    where it holds anything else than plain values and tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint {path}: no such file; train first, or give checkpoint=PATH")
    try:
        # Of its old format torch would read pickles with warnings of its own.
        state = _load_torch(path) if zipfile.is_zipfile(path) else _load_safetensors(path)
    except Exception as error:  # damaged bytes can raise anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"checkpoint {path}: cannot be read ({reason}); is it complete?") from error
    check(state, path)
    if "ema" not in state:
        raise UserError(f"checkpoint {path}: not a checkpoint of this program, ema missing")
    return state


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], *, source: str | Path) -> None:
    """Copy weights into a model of the same layout; UserError says where they differ."""
    own = model.state_dict()
    for name in own | dict(weights):
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


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path`, which takes its place when it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _load_torch(path: Path) -> Any:
    """What is in torch's archive; unpickles nothing but tensors and plain values."""
    return torch.load(path, map_location="cpu", weights_only=True)


def _load_safetensors(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY, "{}")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except SafetensorError as error:
        raise ValueError(f"neither an archive as torch writes them nor safetensors: {error}") from error
    single = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()
    }
    return {**json.loads(text), "ema": single}

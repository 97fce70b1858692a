"""Checkpoints: tensors and plain values only, written so that an interruption leaves the old file whole.

Two kinds of file. A checkpoint (`save`) holds all that a run needs to go on: torch's archive. A weights file
(`save_weights`) holds the averaged network at half precision and how to use it, small enough to mail and to
ship: safetensors, whose metadata is the description as JSON. `load` reads both. What a file says is never
executed: it is names and numbers, which detector/app/parts.py looks up. Both are sealed (seal.py): a file
that changed by a bit is refused.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from detector.engine import seal
from detector.engine.description import FORMAT, KEY, check, describe
from detector.errors import UserError, first_line
from detector.files import replacing
from detector.version import __version__


def save(path: Path, state: dict[str, Any], *, keep: int = 0) -> None:
    """Write `state` beside `path`, flush it to disk, then rename it over `path`.

    Whatever interrupts it, `path` holds the old state or the new one, whole. keep: how many of the former
    files stay, as NAME-1 (the newest), NAME-2, ...
    """
    content = io.BytesIO()
    torch.save({"format": FORMAT, "version": __version__, seal.KEY: True, **state}, content)
    with replacing(path) as file:
        file.write(seal.sealed_archive(content.getvalue()))
        if keep:
            _keep_former(path, keep)


def former(path: Path, number: int) -> Path:
    """Where the checkpoint before that at `path` is kept; number: 1 for the last one, 2 for that before."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def save_weights(path: Path, state: Mapping[str, Any]) -> None:
    """Write what uses the network of a state (as `load` gives it) needs, and nothing of its training.

    Convolutions are kept in half precision; biases and statistics, which are few and small numbers, are not.
    """
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).contiguous()
        for name, tensor in state["ema"].items()
    }
    about = {**describe(state), seal.KEY: True}
    content = safetensors.torch.save(tensors, metadata={KEY: json.dumps(about), **seal.BLANK})
    with replacing(path) as file:
        file.write(seal.sealed_tensors(content))


def load(path: str | Path) -> dict[str, Any]:
    """The state that `save` or `save_weights` wrote, on the CPU; weights are float32.

    Keys: `config`, plain values; `classes`, names; `thresholds`, score by class or None; `ema`, the averaged
    weights; of a checkpoint also what Trainer.state tells.
    Raises UserError naming the file where it is missing, changed since it was written, of another format or
    no file of ours, and where it holds anything else than plain values and tensors.
    """
    path = Path(path)
    if not path.is_file():
        inside = path / "checkpoints" / "best.pt"
        told = f"is the folder of a run: give {inside}" if inside.is_file() else "no such file; train first"
        raise UserError(f"checkpoint {path}: {told}")
    try:
        content = path.read_bytes()
        # Of its old format torch would read pickles with warnings of its own.
        archive = zipfile.is_zipfile(io.BytesIO(content))
        state = _load_torch(content) if archive else _load_safetensors(content)
    except Exception as error:  # damaged bytes can raise anything
        reason = first_line(error)
        raise UserError(
            f"checkpoint {path}: cannot be read ({reason}); is it complete?{_whole_one(path)}"
        ) from error
    check(state, path)
    weights = state.get("ema")
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
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
    """State of every global generator, as tensors and plain values; of several GPUs this process's own."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    version, internal, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
        "python": [version, list(internal), gauss],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Undo of `random_state`, on any process: all draw the same numbers, see models/dropout.py."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"][0])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))


@contextmanager
def as_saved(source: str) -> Iterator[None]:
    """A UserError where what is taken from a checkpoint, which may be anybody's, is not built as ours are."""
    try:
        yield
    except UserError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"checkpoint {source}: its training cannot go on ({reason})") from error


def _keep_former(path: Path, keep: int) -> None:
    """Move each kept file one number up; the one at `path`, where it is whole, becomes number 1.

    It stays at `path` too: there is no moment without one.
    """
    if not path.is_file() or not seal.is_whole(path):
        return  # a damaged one must not take the place of a good one
    for number in range(keep - 1, 0, -1):
        if former(path, number).exists():
            former(path, number).replace(former(path, number + 1))
    beside = former(path, 1)
    beside.unlink(missing_ok=True)
    try:
        beside.hardlink_to(path)
    except OSError:  # a disk without links
        shutil.copyfile(path, beside)


def _whole_one(path: Path) -> str:
    """The remedy where an earlier checkpoint of the same run is whole."""
    beside = former(path, 1)
    return f" {beside} is whole, and goes on a little earlier" if seal.is_whole(beside) else ""


def _load_torch(content: bytes) -> Any:
    """What is in torch's archive; unpickles nothing but tensors and plain values."""
    whole = seal.check_archive(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # torch never compresses, so that a small file does not become a large one in memory.
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("a compressed archive, which torch does not write")
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if isinstance(state, dict):
        seal.check_told(state.pop(seal.KEY, False), whole)
    return state


def _load_safetensors(content: bytes) -> dict[str, Any]:
    whole = seal.check_tensors(content)
    try:
        weights = safetensors.torch.load(content)
    except SafetensorError as error:
        raise ValueError(f"neither an archive as torch writes them nor safetensors: {error}") from error
    # safe_open would read the file again, which may have become another one by then.
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    about = json.loads(header.get("__metadata__", {}).get(KEY, "{}"))
    if isinstance(about, dict):
        seal.check_told(about.pop(seal.KEY, False), whole)
    single = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()
    }
    return {**about, "ema": single}

"""Where and how precisely to compute."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from detector.errors import UserError


def pick_device(name: str) -> torch.device:
    """The device that auto (CUDA where there is one), cpu or cuda means; of several GPUs this process's own.

    Raises UserError for another name, or for cuda on a machine without it.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"engine.device={name}: must be auto, cpu or cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError("engine.device=cuda: torch sees no CUDA device here; use engine.device=auto or cpu")
    if name == "cpu" or not available:
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@dataclass(frozen=True)
class Precision:
    """The type convolutions compute in; weights and losses stay float32."""

    dtype: torch.dtype
    device: torch.device

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            yield

    def scaler(self) -> torch.amp.GradScaler:
        """Loss scaling, which half precision needs and the others do not."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


def pick_precision(name: str, device: torch.device) -> Precision:
    """The precision that auto, fp32, bf16 or fp16 means on `device`; UserError for another name.

    auto is bf16 where the device computes it natively: a GPU since Ampere, a CPU with AVX512-BF16 or AMX.
    Elsewhere bf16 is emulated and slower than float32; older GPUs gain from fp16 instead.
    """
    known = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if name in known:
        return Precision(known[name], device)
    if name != "auto":
        raise UserError(f"engine.precision={name}: must be auto, fp32, bf16 or fp16")
    if device.type == "cuda":
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return Precision(dtype, device)
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return Precision(torch.bfloat16 if native else torch.float32, device)

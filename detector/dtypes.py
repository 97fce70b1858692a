"""The one rule on precision: box maths and losses are computed in float32 or better."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """`x` as float32 where it was half, bfloat16, integer or bool; float32 and float64 pass unchanged.

    Half precision keeps 11 bits and bfloat16 8: a coordinate of 300 px is already off by a pixel there,
    and the product of a few small losses underflows.
    """
    return x.to(torch.promote_types(x.dtype, torch.float32))


def no_autocast(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Context in which operations on `device` keep their inputs' precision."""
    if device.type == "meta":  # Has no autocast to switch off, and raises when asked to.
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)

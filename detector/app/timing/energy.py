"""What the processor has used, where the machine tells it: Intel's and AMD's counters through Linux."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
MICRO = 1e-6


def read(powercap: Path = POWERCAP) -> Mapping[Path, int]:
    """Microjoules by counter, one for each processor; none where nobody tells or only root may ask."""
    files = sorted(powercap.glob("*:*/energy_uj"))
    whole = (file for file in files if file.parent.name.count(":") == 1)  # two are of a part of a processor
    return {file.parent: int(file.read_text()) for file in whole if os.access(file, os.R_OK)}


def joules(before: Mapping[Path, int], after: Mapping[Path, int]) -> float | None:
    """Of all processors between two readings; None where there are none. A counter begins anew at its end."""
    if not before or before.keys() != after.keys():
        return None
    used = 0
    for counter, value in after.items():
        wrapped = int((counter / "max_energy_range_uj").read_text()) if value < before[counter] else 0
        used += value - before[counter] + wrapped
    return MICRO * used

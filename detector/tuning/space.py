"""What is tuned: parameters by short names, and what a setting of them changes in a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from detector.errors import UserError

Setting = Mapping[str, float]
"""A value for every parameter, by its short name."""


@dataclass(frozen=True)
class Range:
    """low <= value <= high; log: sampled by its logarithm. UserError for a range that is none."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UserError(f"tune.ranges: {self.low} to {self.high} is no range")
        if self.log and self.low <= 0:
            raise UserError(f"tune.ranges: a logarithmic range starts above 0, not at {self.low}")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Space:
    """keys: of configs/train.yaml by short name. start: a value for each. ranges: of all, some or none.

    UserError for a name that is not in keys, a parameter without a start, a start outside its range.
    """

    keys: Mapping[str, str]
    start: Setting
    ranges: Mapping[str, Range]

    def __post_init__(self) -> None:
        if not self.keys:
            raise UserError("tune.parameters: must name at least one")
        if missing := [name for name in self.keys if name not in self.start]:
            raise UserError(f"tune.start: has no value for {', '.join(missing)}")
        self.changed({}, self.start, where="tune.start")
        for name in self.ranges:
            self.require(name, where="tune.ranges")

    def changed(self, setting: Setting, changes: Setting, *, where: str) -> dict[str, float]:
        """The setting with some values replaced; UserError that begins with `where` for a wrong one."""
        for name, value in changes.items():
            self.require(name, where=where)
            if not math.isfinite(value):
                raise UserError(f"{where}: {name}={value}: must be finite")
            if not self.allows(name, value):
                held = self.ranges[name]
                raise UserError(f"{where}: {name}={value}: outside its range {held.low} to {held.high}")
        both = {**setting, **{name: float(value) for name, value in changes.items()}}
        return {name: both[name] for name in self.keys}

    def allows(self, name: str, value: float) -> bool:
        """Whether the value is in its parameter's range, or that has none."""
        return name not in self.ranges or value in self.ranges[name]

    def require(self, name: str, *, where: str) -> None:
        """UserError that begins with `where` unless there is such a parameter."""
        if name not in self.keys:
            raise UserError(f"{where}: {name} is none of tune.parameters ({', '.join(self.keys)})")

    def overrides(self, setting: Setting) -> tuple[str, ...]:
        """What the setting changes in configs/train.yaml."""
        return tuple(f"{key}={shown(setting[name])}" for name, key in self.keys.items())


def shown(value: float) -> str:
    """A value as it is given to a training and read in the record: 3, 0.25, 1e-05."""
    return f"{value:.10g}"

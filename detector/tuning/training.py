"""One call of `thermal-detector train` with a folder of its own, whether it was run yet or not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.errors import UserError

METRICS, COMMAND = "metrics.json", "overrides.json"


@dataclass(frozen=True)
class Training:
    """Its folder, and what it changes in configs/train.yaml."""

    folder: Path
    overrides: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether its final metrics are there."""
        return (self.folder / METRICS).is_file()

    @property
    def checkpoint(self) -> Path | None:
        """From where it can go on, once it has saved anything."""
        path = self.folder / "checkpoints" / "last.pt"
        return path if path.is_file() else None

    def claim(self) -> None:
        """Write down what the folder is for; UserError where it holds a training of other overrides."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record, mine = self.folder / COMMAND, list(self.overrides)
        taken = self.finished or self.checkpoint
        if taken and (not record.is_file() or read_json(record) != mine):
            raise UserError(
                f"{self.folder}: holds a run of other overrides; move it away or give another output"
            )
        record.write_text(json.dumps(mine, indent=1) + "\n")

    def metric(self, name: str) -> float:
        """One of the final metrics; NaN where there was no truth to measure it on.

        name: a key of metrics.json, or several with slashes between: per_class/person/AP.
        UserError where there is no such key.
        """
        path = self.folder / METRICS
        found: Any = read_json(path)
        for key in name.split("/"):
            if not isinstance(found, dict) or key not in found:
                raise UserError(f"{path}: has no metric '{name}'")
            found = found[key]
        if not isinstance(found, int | float | None):
            raise UserError(f"{path}: metric '{name}' is no number")
        return float("nan") if found is None else float(found)


def read_json(path: Path) -> Any:
    """What a file of a run says; UserError where it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON: {error}") from None

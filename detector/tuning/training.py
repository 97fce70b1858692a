"""One call of `thermal-detector train` with a folder of its own, whether it was run yet or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detector.errors import UserError

METRICS, COMMAND, TESTS = "metrics.json", "overrides.json", "tests"


@dataclass(frozen=True)
class Training:
    """Its folder, and what it changes in configs/train.yaml.

    tests: splits that its weights are judged on at its end beside the run's own, by name, each as what it
    changes in configs/evaluate.yaml.
    """

    folder: Path
    overrides: tuple[str, ...]
    tests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """Whether its final metrics are there."""
        return (self.folder / METRICS).is_file()

    @property
    def untested(self) -> list[str]:
        """The tests whose metrics are not there yet, or are of other overrides."""
        return [name for name, overrides in self.tests.items() if not self._tested(name, list(overrides))]

    @property
    def finished(self) -> bool:
        """Whether it is trained and judged."""
        return self.trained and not self.untested

    @property
    def checkpoint(self) -> Path | None:
        """From where it can go on, once it has saved anything."""
        path = self.folder / "checkpoints" / "last.pt"
        return path if path.is_file() else None

    def test_folder(self, test: str) -> Path:
        """Where a test of this name writes to; the run's own folder for ""."""
        return self.folder / TESTS / test if test else self.folder

    def note_test(self, test: str) -> None:
        """Write down what a test's metrics, which are there now, are of."""
        record = self.test_folder(test) / COMMAND
        record.write_text(json.dumps(list(self.tests[test]), indent=1) + "\n")

    def _tested(self, test: str, overrides: list[str]) -> bool:
        record = self.test_folder(test) / COMMAND
        there = record.is_file() and (self.test_folder(test) / METRICS).is_file()
        return there and read_json(record) == overrides

    def claim(self) -> None:
        """Write down what the folder is for; UserError where it holds a training of other overrides."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record, mine = self.folder / COMMAND, list(self.overrides)
        taken = self.trained or self.checkpoint
        if taken and (not record.is_file() or read_json(record) != mine):
            raise UserError(
                f"{self.folder}: holds a run of other overrides; move it away or give another output"
            )
        record.write_text(json.dumps(mine, indent=1) + "\n")

    def metric(self, name: str, *, test: str = "") -> float:
        """One of the final metrics, or of a test; NaN where there was no truth to measure it on.

        name: a key of metrics.json, or several with slashes between: per_class/person/AP.
        UserError where there is no such key.
        """
        path = self.test_folder(test) / METRICS
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

"""All that is known of a run, for the sections of its page to pick from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detector.data.annotations import Annotations
from detector.evaluation.split import EvaluatedSplit
from detector.evaluation.uncertainty.headline import Headline
from detector.report.kit.page import Notice, Section
from detector.report.run.history import History


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A run as its folder tells it.

    name: the folder's. split: the one judged. config: config.yaml as plain values.
    numbers: as in metrics.json; empty where the run was not judged. headline: None too where an older version
    judged it and it cannot be measured again. evaluated: None where the truth or the predictions are gone.
    splits: those that could be read, by name. history: scalars of its training. environment: as train writes
    environment.json, empty where it did not. problems: what could not be read, a sentence each.
    """

    name: str
    split: str
    config: Mapping[str, Any]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    headline: Headline | None = None
    evaluated: EvaluatedSplit | None = None
    splits: Mapping[str, Annotations] = field(default_factory=dict)
    history: History = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def setting(self, path: str) -> Any:
        """The value at a dotted path of the configuration, None where it has none."""
        node: Any = self.config
        for key in path.split("."):
            node = node.get(key) if isinstance(node, Mapping) else None
        return node


def left_out(title: str, reason: str) -> Section:
    """A section of which there is nothing to show."""
    return Section(title, (Notice("note", "Not shown", reason),))

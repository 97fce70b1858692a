"""All checks together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from detector.data.annotations import Annotations
from detector.doctor.boxes import BoxFacts, check_boxes, measure_boxes
from detector.doctor.classes import check_classes
from detector.doctor.colour import check_colour
from detector.doctor.counts import check_counts
from detector.doctor.files import check_files
from detector.doctor.findings import Finding, Severity
from detector.doctor.leaks import Leak, check_leaks, check_recordings, check_repeats, measure_leaks
from detector.doctor.limits import Limits
from detector.doctor.pixels import check_pixels
from detector.doctor.placement import check_placement
from detector.doctor.scan import Scan, scan
from detector.doctor.stored import check_stored
from detector.doctor.turned import check_turned


@dataclass(frozen=True, eq=False)
class Examination:
    """What was found in a data set, worst first, and the figures it follows from."""

    splits: Mapping[str, Annotations]
    findings: tuple[Finding, ...]
    scan: Scan
    boxes: Mapping[str, BoxFacts]
    leaks: tuple[Leak, ...]

    @property
    def fit(self) -> bool:
        """Whether no finding is an error."""
        return self.count(Severity.ERROR) == 0

    def count(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The outcome on one line."""
        counts = ", ".join(f"{self.count(s)} {s.value}{'s' * (self.count(s) != 1)}" for s in Severity)
        return f"{'fit' if self.fit else 'not fit'} to train on: {counts}"


def examine(
    splits: Mapping[str, Annotations], *, train: str, limits: Limits, warnings: Sequence[str] = ()
) -> Examination:
    """Read every frame once and check everything.

    splits: at least one, by name. train: the one that is trained on; may be absent. warnings: what readers
    said while they loaded the splits.
    """
    seen = scan(splits)
    names = list(splits)
    boxes = {split: measure_boxes(annotations.records) for split, annotations in splits.items()}
    leaks = measure_leaks(seen, names, train=train, limits=limits)
    records = [record for annotations in splits.values() for record in annotations.records]
    findings = [
        *(Finding(Severity.WARNING, "annotations", warning, "see the file") for warning in warnings),
        *check_files(seen, limits),
        *check_counts(seen.frames),
        *check_colour(seen, records),
        *check_turned(seen.turns),
        *check_pixels(seen.pixels, limits),
        *check_stored(records),
        *check_boxes(splits, boxes, limits),
        *chain.from_iterable(
            check_placement(split, seen.placements[split], splits[split].records) for split in names
        ),
        *check_classes(splits, train=train, limits=limits),
        *check_leaks(leaks, limits),
        *check_recordings(splits, leaks),
        *check_repeats(seen, names, limits),
    ]
    order = list(Severity)
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Examination(splits, tuple(findings), seen, boxes, tuple(leaks))

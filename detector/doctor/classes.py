"""Checks of the classes: the same in every split, and enough of each."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from detector.data.annotations import Annotations
from detector.doctor.findings import Finding, Severity, listed
from detector.doctor.limits import Limits
from detector.evaluation.worst import worst


def rarest(splits: Mapping[str, Annotations]) -> list[str]:
    """All class names; of more than a table shows those with the fewest objects in all splits, but some."""
    totals: dict[str, int] = {}
    for truth in splits.values():
        for name, count in zip(truth.classes, truth.object_counts().tolist(), strict=True):
            totals[name] = totals.get(name, 0) + count
    return worst({name: count or None for name, count in totals.items()})


def check_classes(splits: Mapping[str, Annotations], *, train: str, limits: Limits) -> list[Finding]:
    """train: the split that is trained on; where it is absent, rare classes are not looked for."""
    findings = _gaps(splits)
    if len({annotations.classes for annotations in splits.values()}) > 1:
        details = tuple(f"{split}: {', '.join(a.classes)}" for split, a in splits.items())
        told = "; ".join(f"{split}: {listed(a.classes, 10)}" for split, a in splits.items())
        message = f"splits name different classes ({told})"
        return [*findings, Finding(Severity.ERROR, "classes", message, "choose data.source.classes", details)]
    names = next(iter(splits.values())).classes
    counts = {split: annotations.object_counts() for split, annotations in splits.items()}
    for split, of_split in counts.items():
        missing = [name for name, count in zip(names, of_split, strict=True) if not count]
        if missing:
            findings.append(_missing(missing, split, train=train))
    if train in counts:
        pairs = zip(names, counts[train], strict=True)
        rare = [f"{name} ({count})" for name, count in pairs if 0 < count < limits.rare_objects]
        if rare:
            message = f"few objects in {train}: {listed(rare, 10)}"
            advice = "label more, merge classes, or expect nothing of them"
            findings.append(Finding(Severity.WARNING, "classes", message, advice))
    return findings


def _missing(missing: list[str], split: str, *, train: str) -> Finding:
    message = f"no object in {split} of {listed(missing, 10)}"
    if split == train:
        return Finding(Severity.ERROR, "classes", message, "label some or leave the class out")
    return Finding(Severity.WARNING, "classes", message, "its figures there will be missing: split anew")


def _gaps(splits: Mapping[str, Annotations]) -> list[Finding]:
    """Ids are of no importance here, but a gap may be a class that the file lost."""
    known = {key for annotations in splits.values() for key in annotations.category_ids}
    ids = sorted(known)
    count = ids[-1] - ids[0] + 1 - len(ids)
    if not count:
        return []
    # Never all of them: a stray id may lie anywhere.
    gaps = list(islice((str(key) for key in range(ids[0], ids[-1]) if key not in known), 5))
    rest = f" and {count - len(gaps)} more" if count > len(gaps) else ""
    message = f"category ids {listed(list(map(str, ids)), 10)} leave out {', '.join(gaps)}{rest}"
    return [Finding(Severity.NOTE, "classes", message)]

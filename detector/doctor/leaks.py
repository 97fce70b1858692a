"""Checks of the splits: does one contain what another is judged on?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from detector.data.annotations import Annotations
from detector.doctor.copies import SecondLook, second_look
from detector.doctor.findings import Exhibit, Finding, Severity, evenly_spaced, listed, percent
from detector.doctor.hashing import near_copies, near_copies_within
from detector.doctor.limits import Limits
from detector.doctor.scan import FrameFacts, Scan
from detector.doctor.series import by_number, by_time, near_in_series, reused_names

_EXHIBITS = 4
_ADVICE = "split by recording, so that neighbouring frames stay together"


@dataclass(frozen=True, eq=False)
class Leak:
    """How much of a split is known from another. frames: those of the split; known: those of the other.

    looked: which frames are copies, by pictures. reused: recordings whose names mean other pictures in the
    other split (None: frames without recording). neighbours [frames] bool: a frame of the other split is near
    in the same series, by number or by time, and the series is not of a reused name.
    """

    split: str
    other: str
    frames: Sequence[FrameFacts]
    known: Sequence[FrameFacts]
    looked: SecondLook
    reused: Collection[str | None]
    neighbours: np.ndarray

    @property
    def share(self) -> float:
        """The share of the split's frames with a near copy in the other."""
        return self.looked.share


def measure_leaks(scan: Scan, splits: Sequence[str], *, train: str, limits: Limits) -> list[Leak]:
    """For every two splits, what the second has of the first; `train` is the first of its pairs."""
    ordered = sorted(splits, key=lambda split: split != train)
    return [_leak(scan, split, other, limits) for other, split in combinations(ordered, 2)]


def _leak(scan: Scan, split: str, other: str, limits: Limits) -> Leak:
    frames, known = scan.of(split), scan.of(other)
    frames, known = ([f for f in of_split if f.hash is not None] for of_split in (frames, known))
    reused = reused_names(frames, known, bits=limits.near_bits)
    beside = near_in_series(frames, known, by_number, reach=limits.near_numbers)
    beside |= near_in_series(frames, known, by_time, reach=limits.near_seconds)
    beside &= np.array([facts.record.sequence not in reused for facts in frames], bool)
    near = near_copies(_hashes(frames), _hashes(known), bits=limits.near_bits)
    return Leak(split, other, frames, known, second_look(frames, known, near.nearest), reused, beside)


def check_leaks(leaks: Sequence[Leak], limits: Limits) -> list[Finding]:
    """A finding for each pair of splits, and one more where they show the same places."""
    return [
        finding
        for leak in leaks
        for finding in (_leak_finding(leak, limits), _places_finding(leak, limits))
        if finding is not None
    ]


def _leak_finding(leak: Leak, limits: Limits) -> Finding:
    share, beside = leak.share, float(leak.neighbours.mean()) if len(leak.neighbours) else 0.0
    severity = Severity.NOTE
    if share > limits.leak_warning:
        severity = Severity.ERROR if share > limits.leak_error else Severity.WARNING
    pairs = _pairs(leak, leak.looked.copies)
    return Finding(
        severity,
        "leak",
        f"{percent(share)} of {leak.split} frames have a near copy in {leak.other}{_first(pairs)}; "
        f"{percent(beside)} have a neighbour there by frame number or time",
        _ADVICE if severity is not Severity.NOTE else "",
        tuple(f"{one.record.path} ~ {other.record.path}: {alike:.2f} alike" for one, other, alike in pairs),
        tuple(_side_by_side(*pairs[k]) for k in evenly_spaced(len(pairs), _EXHIBITS)),
    )


def _places_finding(leak: Leak, limits: Limits) -> Finding | None:
    """Frames that are no copies, but show a place that the other split shows too."""
    pairs = _pairs(leak, leak.looked.places)
    if not pairs:
        return None
    share = leak.looked.places_share
    return Finding(
        Severity.WARNING if share > limits.leak_error else Severity.NOTE,
        "places",
        f"{percent(share)} of {leak.split} frames show a place that {leak.other} shows too, at another time "
        f"or moved{_first(pairs)}",
        "figures tell little of new places: keep places apart if yours will be new",
        tuple(f"{one.record.path} ~ {other.record.path}: {alike:.2f} alike" for one, other, alike in pairs),
        tuple(_side_by_side(*pairs[k]) for k in evenly_spaced(len(pairs), _EXHIBITS)),
    )


Alike = tuple[FrameFacts, FrameFacts, float]
"""A frame, one of the other split, and how alike they are."""


def _pairs(leak: Leak, of: np.ndarray) -> list[Alike]:
    """The frames that have a partner in the other split, `of` [frames] as SecondLook has it; likest first."""
    paired = np.flatnonzero(of >= 0)
    paired = paired[np.argsort(-leak.looked.likeness[paired], kind="stable")]
    return [(leak.frames[k], leak.known[of[k]], float(leak.looked.likeness[k])) for k in paired.tolist()]


def _first(pairs: Sequence[Alike]) -> str:
    names = [f"{one.record.path.name} ~ {other.record.path.name}" for one, other, _ in pairs]
    return f" ({listed(names)})" if names else ""


def check_repeats(scan: Scan, splits: Sequence[str], limits: Limits) -> list[Finding]:
    """Near copies within a split: how many frames really differ."""
    findings = []
    for split in splits:
        frames = [facts for facts in scan.of(split) if facts.hash is not None]
        near = near_copies_within(_hashes(frames), bits=limits.near_bits)
        looked = second_look(frames, frames, near.nearest)
        if looked.share > 0:
            exact = int(((near.distances == 0) & (looked.copies >= 0)).sum())
            findings.append(
                Finding(
                    Severity.NOTE,
                    "near copies",
                    f"{percent(looked.share)} of {split} frames have a near copy in {split}, {exact} of them "
                    "one of the same hash",
                )
            )
    return findings


def check_recordings(splits: Mapping[str, Annotations], leaks: Sequence[Leak]) -> list[Finding]:
    """Recordings of which frames lie in two splits; a note where none is known."""
    of_split = {
        split: {record.sequence for record in annotations.records if record.sequence is not None}
        for split, annotations in splits.items()
    }
    if not any(of_split.values()):
        message = "no recording is known of any frame, so only pictures and names tell whether splits leak"
        return [Finding(Severity.NOTE, "recordings", message)]
    findings = []
    for leak in leaks:
        both = of_split[leak.split] & of_split[leak.other]
        straddling = sorted(both.difference(leak.reused))
        kept = set(straddling)
        pair = f"{leak.other} and {leak.split}"
        if straddling:
            records = splits[leak.split].records
            share = sum(record.sequence in kept for record in records) / len(records)
            names = listed(straddling)
            message = (
                f"{len(straddling)} straddle {pair} ({names}), with {percent(share)} of {leak.split} frames"
            )
            details = tuple(straddling)
            findings.append(Finding(Severity.WARNING, "recordings", message, _ADVICE, details))
        if len(both) > len(straddling):
            message = f"{len(both) - len(straddling)} names are used for different recordings in {pair}"
            findings.append(Finding(Severity.NOTE, "recordings", message))
    return findings


def _hashes(frames: Sequence[FrameFacts]) -> list[bytes]:
    return [facts.hash for facts in frames if facts.hash is not None]


def _side_by_side(one: FrameFacts, other: FrameFacts, alike: float) -> tuple[Exhibit, ...]:
    return (
        Exhibit(one.record, f"{one.split}: {one.record.path.name}"),
        Exhibit(other.record, f"{other.split}: {other.record.path.name}, {alike:.2f} alike"),
    )

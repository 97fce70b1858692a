"""What a split is too small for, said before a training spends its time."""

from __future__ import annotations

from detector.data.annotations import Annotations
from detector.data.readers.assemble import shown

BOXES = 10
"""Of a class: with fewer a detector learns these objects, not the class."""
LINES = 5
"""Classes that have a line of their own."""
TRAINING_FRAMES = 50
JUDGING_FRAMES = 30
JUDGING_BOXES = 50
"""With fewer, AP moves by tenths when a few frames are exchanged (docs/comparing.md)."""


def too_few_to_learn(training: Annotations) -> list[str]:
    """A line for each thing that a training split has too few of, with what to do; none where it is fine."""
    lines = []
    frames = len(training.records)
    if frames < TRAINING_FRAMES:
        lines.append(f"only {frames} training frames: label more, of other days and places above all")
    counts = zip(training.classes, training.object_counts().tolist(), strict=True)
    few = [(name, count) for name, count in counts if count < BOXES]
    if len(few) > LINES:
        named = shown([f"{name} {count}" for name, count in few], LINES)
        lines.append(
            f"{len(few)} of {len(training.classes)} classes have fewer than {BOXES} boxes to learn from "
            f"({named}): label more, merge them (data.remap), or leave them out (data.source.classes)"
        )
        return lines
    for name, count in few:
        lines.append(
            f"class {name}: only {count} boxes to learn from: label more, or merge it with another class "
            "(data.remap)"
        )
    return lines


def too_few_to_judge(validation: Annotations) -> list[str]:
    """As `too_few_to_learn`, of a split that weights are chosen or judged by."""
    lines = []
    frames, counts = len(validation.records), validation.object_counts()
    if frames < JUDGING_FRAMES or counts.sum() < JUDGING_BOXES:
        lines.append(
            f"only {frames} frames with {counts.sum()} objects to judge by: the numbers may be far off"
        )
    absent = [name for name, count in zip(validation.classes, counts.tolist(), strict=True) if not count]
    if absent:
        lines.append(
            f"no {shown(absent, 20)} in the frames to judge by: nothing is said of how they are found"
        )
    return lines

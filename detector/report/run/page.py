"""The page of a run: what it is worth, what it does wrong, how it was trained, what it was made of.

Each section is a function of the record; where its piece is missing it says so and the rest stands.
"""

from __future__ import annotations

from detector.report.kit.page import Page
from detector.report.run.breakdown import overlaps, sizes
from detector.report.run.mistakes import mistakes
from detector.report.run.pictures import false_alarms, misses
from detector.report.run.record import RunRecord
from detector.report.run.results import classes, headline, score_threshold
from detector.report.run.scores import calibration, false_alarms_at_recall
from detector.report.run.setup import data, setup
from detector.report.run.training import training

SECTIONS = (
    headline,
    classes,
    score_threshold,
    mistakes,
    false_alarms,
    misses,
    sizes,
    overlaps,
    false_alarms_at_recall,
    calibration,
    training,
    data,
    setup,
)


def run_page(record: RunRecord) -> Page:
    """The whole page."""
    lead = f"Judged on the {record.split} split"
    if record.numbers:
        lead += f": {record.numbers['images']} frames, {record.numbers['truths']} objects"
    return Page(f"Run {record.name}", f"{lead}.", tuple(section(record) for section in SECTIONS))

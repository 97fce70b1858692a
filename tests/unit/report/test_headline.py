"""The words of a headline, on the console and on a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detector.evaluation.uncertainty.headline import Estimate, Figures, Headline
from detector.report.headline import console, false_alarms, per

KNOWN = Headline(
    frames=400,
    thresholds={"person": 0.5},
    chosen_here=False,
    drawn="recordings",
    caution="by recording",
    frames_per_second=None,
    overall=Figures(
        AP=Estimate(0.4, 0.35, 0.45),
        AP50=Estimate(0.7, 0.65, 0.75),
        found=Estimate(0.8, 0.71, 0.88),
        right=Estimate(0.9, 0.84, 0.95),
        false_alarms=Estimate(0.05, 0.02, 0.11),
    ),
    per_class={},
)


def test_the_console():
    assert console(KNOWN).splitlines() == [
        "Good: at worst 71 % found, 84 % right",
        "  AP50 0.700 (0.650-0.750), AP 0.400 (0.350-0.450)",
        "  found 80 % (71-88) of the objects; right 90 % (84-95) of what it reports",
        "  50 (20-110) false alarms in 1000 frames",
        "  from score person 0.50",
        "  in brackets: 95 % intervals by recording",
    ]


@pytest.mark.parametrize(
    ("chosen_here", "words"),
    [
        (True, "0.50, chosen on these frames, so the figures are too optimistic"),
        (None, "perhaps chosen on these frames"),
    ],
)
def test_thresholds_chosen_on_the_same_frames_are_marked(chosen_here, words):
    assert words in console(replace(KNOWN, chosen_here=chosen_here))


def test_false_alarms_an_hour():
    """9 frames a second are 32,400 an hour; 0.05 of them are 1620."""
    timed = replace(KNOWN, frames_per_second=9.0)
    assert (false_alarms(timed, timed.overall), per(timed)) == (
        "1,620 (648-3,560)",
        "an hour at 9 frames a second",
    )


def test_too_few_frames():
    few = {name: Estimate(value.value) for name, value in vars(KNOWN.overall).items()}
    lines = console(replace(KNOWN, drawn=None, caution="6 frames are too few", overall=Figures(**few)))
    assert lines.startswith("Too few frames or objects to say how good it is\n  AP50 0.700, AP 0.400\n")
    assert lines.endswith("\n  6 frames are too few")


def test_a_failed_run_is_sent_to_the_report():
    failed = replace(KNOWN, overall=replace(KNOWN.overall, AP50=Estimate(0.013, 0.0, 0.05)))
    text = console(failed)
    assert text.startswith("Failed: next to nothing was learned\n")
    assert text.endswith("thermal-detector report")

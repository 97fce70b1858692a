"""A run's page says what the run's folder holds, in words and numbers, and stands without what is missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.evaluation.split import EvaluatedSplit
from detector.evaluation.uncertainty.headline import Headline
from detector.evaluation.uncertainty.headline import headline as headline_of
from detector.report.kit.page import Drawing, Facts, Notice, Picture, Row, Section, Table, Text, Tiles, render
from detector.report.run.breakdown import overlaps, sizes
from detector.report.run.history import Curve, History
from detector.report.run.mistakes import biggest_losses, mistakes
from detector.report.run.page import SECTIONS, run_page
from detector.report.run.pictures import false_alarms, misses
from detector.report.run.record import RunRecord
from detector.report.run.results import classes, headline, score_threshold
from detector.report.run.setup import data, setup
from detector.report.run.training import training
from tests.built import built
from tests.unit.evaluation.builders import annotations, evaluated, found
from tests.unit.evaluation.builders import record as frame
from tests.unit.report.kit.test_page import Reader
from tests.unit.report.run_builders import made_config, made_split

HOSTILE = "\"'><script>alert(1)</script>&amp;{{ 7 * 7 }}"


def curve(values: list[float], *, every: int = 1) -> Curve:
    steps = np.arange(1, len(values) + 1) * every
    return Curve(steps, np.array(values), 1.8e9 + 60.0 * steps)


def history() -> History:
    return {
        "loss/box": curve([4.0, 3, 2, 1]),
        "loss/f1": curve([2.0, 2, 1, 1]),
        "train/lr": curve([0.1, 0.05, 0.02, 0.01]),
        "val/AP": curve([0.1, 0.3], every=2),
        "val/AP50": curve([0.2, 0.5], every=2),
        "time/images_per_second": curve([10.0, 12], every=2),
        "time/data_wait_share": curve([0.3, 0.5], every=2),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def whole(folder) -> RunRecord:
    split = made_split(folder)
    return RunRecord(
        name="first",
        split="val",
        config=made_config(folder / "data"),
        numbers=split.metrics.to_dict(),
        headline=told(split),
        evaluated=split,
        splits={split: built("data/coco", root=folder / "data").load(split) for split in ("train", "val")},
        history=history(),
        environment={
            "command": "thermal-detector train",
            "device": "1 x cpu",
            "parameters": 1_234_567,
            "versions": {"torch": "2.9"},
        },
    )


def told(split: EvaluatedSplit, **changes) -> Headline:
    """At one threshold for all classes, chosen on the split."""
    limits = dict.fromkeys(split.annotations.classes, 0.85)
    return headline_of(
        split.annotations, split.pool, **{"thresholds": limits, "chosen_here": True, **changes}
    )


def of_split(record: RunRecord, split: EvaluatedSplit) -> RunRecord:
    """The record, judged on another split."""
    return replace(record, evaluated=split, numbers=split.metrics.to_dict(), headline=told(split))


def said(section: Section) -> str:
    """All text outside tables."""
    parts: list[str] = []
    for block in section.blocks:
        if isinstance(block, Text):
            parts.append(block.text)
        if isinstance(block, Notice):
            parts += [block.title, block.text, block.hint]
    return " ".join(parts)


def table(section: Section, header: str) -> dict[str, tuple[str, ...]]:
    """The rows, by their name, of the table whose first column is called so."""
    blocks = [
        inner for block in section.blocks for inner in (block.figures if isinstance(block, Row) else [block])
    ]
    found = next(block for block in blocks if isinstance(block, Table) and block.header[0] == header)
    return {row[0]: row[1:] for row in found.rows}


def not_shown(record: RunRecord) -> list[str]:
    return [
        section.title
        for section in run_page(record).sections
        if [block.title for block in section.blocks if isinstance(block, Notice)] == ["Not shown"]
    ]


def test_nothing_is_left_out_of_a_whole_run(whole):
    page = run_page(whole)
    assert len(page.sections) == len(SECTIONS)
    assert not_shown(whole) == []
    assert page.title == "Run first"
    assert page.lead == "Judged on the val split: 6 frames, 18 objects."
    assert Reader(render(page)).of("script") == []


def test_the_result_is_said_in_words(whole):
    """Best first from 0.85 on: 1 wrong, 9 right, of 18."""
    part = headline(whole)
    notice = part.blocks[0]
    assert isinstance(notice, Notice)
    assert (notice.level, notice.title) == ("warning", "Too few frames or objects to say how good it is")
    assert "Found 50 % of the objects; right 90 % of what it reports. 167 false alarms in 1000" in notice.text
    assert notice.hint == (
        "From score person 0.85, car 0.85, chosen on these frames, so the figures are too optimistic. "
        "6 frames are too few to tell of others."
    )
    assert "Weakest class" not in said(part)  # who could say?


def test_good_is_said_of_low_ends_only(whole):
    """All of 50 are found, each in a frame: at worst 0.025 ** (1 / 50) = 0.93."""
    frames = [frame(number, truths=[([10.0, 10, 30, 30], 0)]) for number in range(50)]
    split = evaluated(annotations(*frames), {n: found(([10, 10, 30, 30], 0.9, 0)) for n in range(50)})
    record = of_split(whole, split)
    for chosen_here, level in ((False, "good"), (True, "note")):
        notice = headline(replace(record, headline=told(split, chosen_here=chosen_here))).blocks[0]
        assert isinstance(notice, Notice)
        assert notice.level == level
        assert "t worst 93 % found, 93 % right" in notice.title


def test_weakest_and_strongest_class_are_named_where_they_are_apart(whole):
    boxes = [([10.0, 10, 30, 30], 0), ([50.0, 50, 70, 70], 1)]
    frames = [frame(number, truths=boxes) for number in range(50)]
    split = evaluated(annotations(*frames), {n: found(([10, 10, 30, 30], 0.9, 0)) for n in range(50)})
    assert "Weakest class car, AP50 0.000 (0.000-0.071); strongest: person" in said(
        headline(of_split(whole, split))
    )


def test_what_each_threshold_keeps(whole):
    rows = table(score_threshold(whole), "from score")
    assert rows["0.50"] == ("50 %", "69 %", "0.581", "0.67")
    assert rows["0.85 (best)"] == ("50 %", "90 %", "0.643", "0.17")
    assert rows["0.10"] == ("56 %", "71 %", "0.625", "0.67")


def test_each_class_has_its_row(whole):
    rows = table(classes(whole), "class")
    assert list(rows) == ["person", "car", "all"]
    assert rows["person"][0] == "12"
    assert rows["person"] == ("12", "0.584", "0.85", "58 %", "100 %", "0")  # 7 of 12
    assert rows["car"][3:] == ("33 %", "67 %", "167")


def test_the_kinds_of_mistakes_and_who_is_taken_for_whom(whole):
    part = mistakes(whole)
    counts = table(part, "kind, at any score")
    assert counts["on nothing"] == ("1", "0", "1")
    assert counts["wrong class"] == ("1", "1", "0")
    assert counts["badly placed"] == ("1", "0", "1")
    assert counts["reported twice"] == ("1", "0", "1")
    # From 0.85 on: the second people of five frames, the cars of four.
    assert table(part, "truth") == {
        "person": ("7", "0", "5"),
        "car": ("0", "2", "4"),
        "nothing": ("0", "1", ""),
    }
    assert said(part) == ""  # no class is taken for another, no object has two boxes


def test_several_boxes_on_one_object_are_told_as_what_they_are(whole):
    split = whole.evaluated
    assert split is not None
    lower = dict.fromkeys(split.annotations.classes, 0.5)
    notice = next(
        block
        for block in mistakes(replace(whole, headline=told(split, thresholds=lower))).blocks
        if isinstance(block, Notice)
    )
    assert notice.text == "1 same class."
    assert "postprocess.suppression.iou_threshold" in notice.hint


def test_confused_classes_are_named(whole):
    confusion = {
        "names": ["cat", "dog", "cow", "background"],
        "matrix": [[9, 3, 0, 1], [7, 9, 0, 1], [0, 0, 5, 0], [1, 1, 1, 0]],
        "least_score": 0.4,
        "iou": 0.5,
    }
    changed = replace(whole, numbers={**whole.numbers, "confusion": confusion})
    assert "Most often confused: dog as cat (7) and cat as dog (3)." in said(mistakes(changed))


def losses(found: float, unfound: float, **gains: float) -> Notice | None:
    kinds = dict.fromkeys(
        ("classification", "localisation", "both", "duplicate", "background", "missed"), 0.0
    )
    dap = {**kinds, **gains, "false_positives": found, "false_negatives": unfound}
    return biggest_losses({"tide": {"AP": 0.5, "dAP": dap}})


def test_the_biggest_losses_come_first_and_small_ones_are_not_named():
    notice = losses(0.1, 0.3, missed=0.2, localisation=0.05, background=0.004)
    assert notice is not None
    assert notice.text == "not found (0.200), badly placed (0.050)."
    assert "Add frames" in notice.hint
    assert losses(0.0, 0.0) is None
    assert biggest_losses({}) is None


def test_pictures_say_what_is_wrong(whole):
    groups = [block for block in false_alarms(whole).blocks if isinstance(block, Tiles)]
    captions = [[picture.caption for picture in group.pictures] for group in groups]
    assert captions == [
        ["car 0.97; nothing there (3.png)"],
        ["person 0.80; there is car, IoU 1.00 (1.png)"],
        ["car 0.70; there is car, IoU 0.43 (2.png)", "car 0.60; there is car, IoU 1.00 (0.png)"],
    ]  # and none from 0.85 on that is a second box
    groups = [block for block in misses(whole).blocks if isinstance(block, Tiles)]
    all_of_them, overlapping = ([picture.caption for picture in group.pictures] for group in groups)
    assert len(all_of_them) == 6
    assert any(
        "car, 30 x 18 pixels" in text and "no detection on it at any score" in text for text in all_of_them
    )
    assert any("nearest: car 0.20, IoU 1.00" in text for text in all_of_them)
    assert len(overlapping) == 5
    assert all(text.startswith("person, 8 x 16 pixels, contrast +") for text in overlapping)
    assert "9 of 18 objects are not found, 5 of them overlap another." in said(misses(whole))


def test_frames_that_are_gone_are_named_and_their_pictures_left_out(whole, tmp_path):
    split = made_split(tmp_path)
    for name in ("0.png", "3.png"):
        (tmp_path / "data" / "val" / name).unlink()
    changed = replace(whole, evaluated=split)
    part = false_alarms(changed)
    assert "2 frames cannot be read" in said(part)
    assert sum(len(block.pictures) for block in part.blocks if isinstance(block, Tiles)) == 2
    shutil.rmtree(tmp_path / "data" / "val")
    reader = Reader(render(run_page(changed)))
    assert reader.of("img") == []


def test_without_the_truth_the_numbers_of_metrics_json_stand(whole):
    told = replace(whole, evaluated=None, splits={}, problems=("The val split cannot be read.",))
    needing = ["Score threshold", "Worst false alarms", "Worst misses", "What a score means", "Data"]
    assert not_shown(told) == needing
    assert "The val split cannot be read." in said(headline(told))
    for part in (classes, mistakes, sizes, overlaps):
        assert said(part(told)) == said(part(whole))


def test_a_run_of_before_there_was_a_breakdown_has_a_page(whole):
    plain = ("AP", "AP50", "AP75", "AR100", "truths")
    numbers = {name: whole.numbers[name] for name in (*plain, "images", "detections")}
    per_class = {name: {key: own[key] for key in plain} for name, own in whole.numbers["per_class"].items()}
    old = RunRecord(name="old", split="val", config={}, numbers={**numbers, "per_class": per_class})
    assert "Classes" not in not_shown(old)
    assert table(classes(old), "class")["person"] == ("12", "0.584", "0.584")
    assert len(not_shown(old)) == len(SECTIONS) - 3
    render(run_page(old))


def test_a_run_that_was_never_judged_shows_its_training():
    stopped = RunRecord(name="stopped", split="val", config={}, history=history())
    page = run_page(stopped)
    assert "Not judged" in said(page.sections[0])
    assert "Training" not in not_shown(stopped)
    render(page)


@pytest.mark.parametrize("detections", [{}, {1: found(([10, 10, 30, 30], 0.9, 1))}], ids=["none", "false"])
@pytest.mark.parametrize("truths", [[], [([10.0, 10, 30, 30], 0)]], ids=["empty", "one"])
def test_splits_with_nothing_in_them_have_a_page(whole, detections, truths):
    split = evaluated(annotations(frame(1, truths=truths)), detections)
    page = run_page(of_split(whole, split))
    assert "nan" not in "".join(Reader(render(page)).texts)


def test_nothing_found_is_said(whole):
    split = evaluated(annotations(frame(1, truths=[([10.0, 10, 30, 30], 0)])), {})
    text = said(headline(of_split(whole, split)))
    assert "Failed: next to nothing was learned" in text
    assert "no score reaches 0.85, the highest is 0.00" in text


def test_hostile_names_do_no_harm(whole):
    split = evaluated(
        annotations(frame(1, truths=[([10.0, 10, 30, 30], 0)]), classes=(HOSTILE, "b")),
        {1: found(([10, 10, 30, 30], 0.9, 0))},
    )
    changed = replace(
        whole,
        name=HOSTILE,
        split=HOSTILE,
        evaluated=split,
        numbers=split.metrics.to_dict(),
        headline=told(split),
        config={HOSTILE: HOSTILE, "model": {"name": HOSTILE}},
        environment={"command": HOSTILE, "device": HOSTILE, "versions": {HOSTILE: HOSTILE}},
        history={**history(), f"loss/{HOSTILE}": curve([1.0])},
        problems=(HOSTILE,),
    )
    reader = Reader(render(run_page(changed)))
    assert reader.of("script") == []
    assert any(HOSTILE in text for text in reader.texts)


def test_weak_sizes_and_overlaps_are_pointed_out(whole):
    def own(ap50: float | None, truths: int) -> dict[str, float | int | None]:
        return {"AP": ap50, "AP50": ap50, "AR100": ap50, "R50": ap50, "truths": truths}

    bins = {"<6": own(0.2, 100), "6-12": own(0.6, 30), "12-24": own(0.1, 5), ">24": own(None, 0)}
    changed = replace(
        whole,
        numbers={
            **whole.numbers,
            "sizes": bins,
            "overlap": {"all": own(0.1, 99), "0": own(0.6, 40), ">0.3": own(0.5, 40)},
        },
    )
    assert "Weakest size <6 pixels: AP50 0.200, against 0.600 of 6-12." in said(sizes(changed))
    assert "Weakest" not in said(overlaps(changed))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.1, 0.3], "best after epoch 2 of 2: 0.300. It gained 0.200 since the evaluation before: a longer"),
        (
            [0.3, 0.1],
            "best after epoch 1 of 2: 0.300. What came after did not help.",
        ),
        ([0.3], "best after epoch 1 of 1: 0.300."),
    ],
)
def test_the_training_is_judged_by_where_ap_was_best(whole, values, words):
    changed = replace(whole, history={**history(), "val/AP": curve(values, every=2)})
    text = said(training(changed))
    assert words in text
    assert "Waited for frames 40 % of the time" in text


def test_without_epochs_the_training_is_drawn_over_steps(whole):
    told = {tag: one for tag, one in history().items() if not tag.startswith("time/")}
    part = training(replace(whole, history=told))
    assert "best after step 4 of 4" in said(part)
    row = next(block for block in part.blocks if isinstance(block, Row))
    assert all(isinstance(figure, Drawing) and ">step<" in figure.markup for figure in row.figures)


def test_the_setup_tells_how_to_do_it_again(whole):
    facts = next(block for block in setup(whole).blocks if isinstance(block, Facts))
    rows = dict(facts.rows)
    assert rows["command"] == "thermal-detector train"
    assert rows["versions"] == "torch 2.9"
    assert rows["parameters"] == "1.23 M"
    assert rows["model"] == "pyramid: stem 4, widths [8, 8], depths [1, 1], neck_widths [8, 8]"
    assert rows["seed"] == "7"
    assert "3 min" in rows["trained"]
    notice = next(block for block in setup(whole).blocks if isinstance(block, Notice))
    assert "engine.epochs = 3" in notice.details


def test_the_data_are_counted(whole):
    rows = table(data(whole), "split")
    # Sides: 12 times the root of 8 x 16, 6 times that of 30 x 18; two of three overlap.
    assert rows["val"] == ("6", "0", "18", "11.3", "67 %", "12", "6")


def test_pictures_are_pictures_of_the_frames(whole):
    tiles = next(block for block in false_alarms(whole).blocks if isinstance(block, Tiles))
    assert all(
        isinstance(picture, Picture) and picture.encoded.startswith(b"\xff\xd8") for picture in tiles.pictures
    )

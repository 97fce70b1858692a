"""What a split is too small for."""

from __future__ import annotations

from detector.data.few import too_few_to_judge, too_few_to_learn
from tests.unit.data.made import of_recordings


def test_enough_of_everything_is_not_mentioned():
    plenty = of_recordings({"a": [[0, 1]] * 50})
    assert too_few_to_learn(plenty) == []
    assert too_few_to_judge(plenty) == []


def test_a_class_with_one_object_to_judge_by_is_not_absent():
    assert too_few_to_judge(of_recordings({"a": [[0]] * 59 + [[1]]})) == []


def test_few_frames_and_rare_classes_are_named_with_what_to_do():
    frames, rare = too_few_to_learn(of_recordings({"a": [[0]] * 40 + [[1]] * 9}))
    assert frames.startswith("only 49 training frames: label more")
    assert rare.startswith("class class 1: only 9 boxes to learn from: label more, or merge")


def test_many_rare_classes_share_a_line():
    (line,) = too_few_to_learn(of_recordings({"a": [list(range(8))] * 9 + [[]] * 41}, classes=8))
    assert line.startswith("8 of 8 classes have fewer than 10 boxes to learn from (class 0 9, class 1 9, ")
    assert "(8 in all)" in line


def test_a_split_that_cannot_judge_says_what_it_lacks():
    few, absent = too_few_to_judge(of_recordings({"a": [[0]] * 29}))
    assert few == "only 29 frames with 29 objects to judge by: the numbers may be far off"
    assert absent.startswith("no class 1 in the frames to judge by")
    (objects,) = too_few_to_judge(of_recordings({"a": [[0, 1]] * 24 + [[]] * 6}))
    assert objects.startswith("only 30 frames with 48 objects")

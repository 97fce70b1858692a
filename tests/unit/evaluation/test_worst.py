"""Of many classes tables show the worst and files all."""

import csv
from pathlib import Path

import numpy as np

from detector.evaluation.class_tables import CONFUSION, write_tables
from detector.evaluation.errors.confusion import OTHERS, most_confused
from detector.evaluation.worst import CLASSES, MOST, worst
from tests.unit.evaluation.builders import annotations, found, measured, record


def test_few_classes_stay_in_their_order_and_of_many_the_lowest_are_shown() -> None:
    values: dict[str, float | None] = {"b": 0.5, "a": 0.1, "c": None}
    assert worst(values, most=3) == ["b", "a", "c"]
    assert worst({**values, "d": 0.3}, most=2) == ["a", "d"]


def test_a_confusion_of_many_classes_keeps_its_sums() -> None:
    """Of three classes one is left: b, which is mistaken most often."""
    matrix = np.array([[5, 1, 0, 2], [3, 4, 2, 0], [0, 2, 7, 1], [1, 0, 0, 0]])
    names, summed = most_confused(["a", "b", "c", "background"], matrix, most=1)
    assert names == ["b", OTHERS, "background"]
    # others x others: 5 + 0 + 0 + 7; others taken for b: 1 + 2; b for others: 3 + 2.
    assert summed.tolist() == [[4, 5, 0], [3, 12, 3], [0, 1, 0]]
    same, as_it_is = most_confused(["a", "b", "c", "background"], matrix, most=3)
    assert (same, as_it_is.tolist()) == (["a", "b", "c", "background"], matrix.tolist())


def test_the_table_ends_and_the_rest_is_in_csv(tmp_path: Path) -> None:
    count = MOST + 5
    names = tuple(f"class {k}" for k in range(count))
    truths = [([20 * k, 0, 20 * k + 10, 10], k) for k in range(count)]
    truth = annotations(record(1, truths=truths), classes=names, ids=tuple(range(count)))
    # All but the last four are found.
    metrics = measured(truth, {1: found(*((box, 0.9, k) for box, k in truths[:-4]))})
    lines = metrics.table().splitlines()
    shown = [line.split("  ")[0] for line in lines[2 : 2 + MOST]]
    assert shown[:4] == list(names[-4:])
    assert lines[2 + MOST] == f"the {MOST} worst of {count} classes by AP; all are in classes.csv"
    write_tables(metrics, tmp_path)
    with (tmp_path / CLASSES).open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["class", *names]
    assert rows[1][:3] == ["class 0", "1", "1.0"]
    assert rows[-1][:3] == [names[-1], "1", "0.0"]
    with (tmp_path / CONFUSION).open(newline="") as file:
        table = list(csv.reader(file))
    assert table[1][1] == "1"
    assert table[-2][-1] == "1"  # the last class, not found


def test_few_classes_need_no_files(tmp_path: Path) -> None:
    truth = annotations(record(1, truths=[([0, 0, 10, 10], 0)]))
    metrics = measured(truth, {1: found()})
    write_tables(metrics, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert "classes.csv" not in metrics.table()

from detector.app.commands.split import class_rows, table
from detector.evaluation.worst import MOST
from tests.unit.evaluation.builders import annotations, record


def test_of_many_classes_the_table_shows_the_rarest_that_occur_and_the_file_all() -> None:
    """Class k has k objects in train, class 1 another in val."""
    names = tuple(f"c{k}" for k in range(MOST + 3))
    truths = [([0, 0, 9, 9], k) for k in range(len(names)) for _ in range(k)]
    train, val = (
        annotations(record(number, truths=found), classes=names, ids=tuple(range(len(names))))
        for number, found in ((1, truths), (2, [([0, 0, 9, 9], 1)]))
    )
    header, first, second = (line.split() for line in table({"train": train, "val": val}).splitlines())
    assert header[4:] == list(names[1 : MOST + 1])
    assert first[4:] == [str(k) for k in range(1, MOST + 1)]
    assert second[:5] == ["val", "0", "1", "0.500", "1"]
    rows = list(class_rows({"train": train, "val": val}))
    assert rows[:3] == [("class", "train", "val"), ("c0", 0, 0), ("c1", 1, 1)]
    assert len(rows) == 1 + len(names)

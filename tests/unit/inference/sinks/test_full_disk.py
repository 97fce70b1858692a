"""A disk that takes no more is told with the file's name."""

from pathlib import Path

import pytest

from detector.inference.sinks.coco import CocoResults
from detector.inference.sinks.csv_file import CsvFile
from detector.inference.sinks.json_file import JsonFile
from tests.unit.evaluation.builders import annotations, record
from tests.unit.inference.builders import prediction

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no disk that is always full")


def coco(path: Path) -> CocoResults:
    sink = CocoResults(path.with_name("predictions.json"), annotations(record(7, truths=[])))
    sink.partial.symlink_to(FULL)
    return sink


@pytest.mark.parametrize("kind", [lambda _: JsonFile(FULL, classes=["a"]), lambda _: CsvFile(FULL), coco])
def test_a_full_disk_is_named(tmp_path, kind):
    sink = kind(tmp_path / "file")
    named = getattr(sink, "partial", FULL)
    with pytest.raises(OSError, match="No space left on device") as caught:
        sink.write(prediction())
    assert caught.value.filename == str(named)

"""The frame of a record, also where the file alone does not tell its shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from detector.data.frames import read_frame
from detector.doctor.scan import scan
from tests.unit.data.builders import split_on_disk


def test_raw_counts_take_the_record_s_shape_in_data_sets_and_in_the_doctor(tmp_path: Path):
    annotations = split_on_disk(tmp_path, count=1)
    record = annotations.records[0]
    counts = np.arange(record.height * record.width, dtype="<u2").reshape(record.height, record.width)
    counts.tofile(tmp_path / "frame.raw")
    raw = replace(record, path=tmp_path / "frame.raw")
    np.testing.assert_array_equal(read_frame(raw).counts, counts)
    seen = scan({"train": replace(annotations, records=(raw,))})
    assert seen.unreadable == ()
    assert seen.frames[0].levels == counts.size

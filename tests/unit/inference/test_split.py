"""An annotated split through a pipeline, in one process or shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector import distributed
from detector.errors import UserError
from detector.inference import split
from detector.inference.pipeline import Pipeline
from detector.inference.split import SplitFrames, detect
from detector.structures import Detections
from detector.thermal.agc import FixedRange
from tests.built import built
from tests.unit.data.builders import save_frame, split_on_disk
from tests.unit.inference.builders import found

GAIN = FixedRange(6000, 9000)


def brightest(images: np.ndarray, sizes: Sequence[tuple[int, int]], *, least: float) -> list[Detections]:
    """In each image its size, scored by its brightest pixel; AP asks for all of them."""
    assert least == 0.0
    return [
        found(([0, 0, width, height], float(image.max()), 1))
        for image, (height, width) in zip(images, sizes, strict=True)
    ]


PIPELINE = Pipeline(network=brightest, multiple=8, classes=("person", "car"), batch_size=2)


def test_every_image_has_what_was_found_in_it(tmp_path: Path):
    annotations = split_on_disk(tmp_path, 5)
    detections = detect(PIPELINE, SplitFrames(annotations, GAIN))
    assert list(detections) == [record.image_id for record in annotations.records]
    for index, record in enumerate(annotations.records):
        (shot,) = SplitFrames(annotations, GAIN).shots([index])
        np.testing.assert_allclose(detections[record.image_id].scores, [shot.image.max()], rtol=1e-6)
        assert detections[record.image_id].boxes.tolist() == [[0, 0, 32, 24]]


def test_two_processes_share_and_the_first_has_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frames = SplitFrames(split_on_disk(tmp_path, 5), GAIN)
    alone = detect(PIPELINE, frames)
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    sent: list[dict[int, Detections]] = []

    def gather(own: dict[int, Detections], parts: list[Any] | None) -> None:
        sent.append(dict(own))
        if parts is not None:
            parts[:] = [own, sent[0]]

    monkeypatch.setattr(split.dist, "gather_object", gather)
    shares = {}
    for rank in (1, 0):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        shares[rank] = detect(PIPELINE, frames)
    assert list(sent[0]) == list(alone)[1::2]
    assert list(sent[1]) == list(alone)[0::2]
    assert shares[0].keys() == alone.keys()
    assert all(np.array_equal(shares[0][key].scores, alone[key].scores) for key in alone)


def test_a_gain_sees_each_recording_once(tmp_path: Path):
    """Two recordings, the second twice as warm: each spans its own range, and no pass looks again."""
    annotations = split_on_disk(tmp_path, 4)
    records = tuple(
        replace(record, sequence="ab"[index // 2]) for index, record in enumerate(annotations.records)
    )
    for index, record in enumerate(records):
        counts = np.full((24, 32), 1000 * (1 + index // 2), np.uint16)
        counts[0] += 100 * (1 + index % 2)
        save_frame(record.path, counts)
    frames = SplitFrames(replace(annotations, records=records), built("thermal/sequence", low=0, high=100))
    assert frames.gains[:2] == [FixedRange(1000, 1200)] * 2
    assert frames.gains[2:] == [FixedRange(2000, 2200)] * 2
    assert [float(shot.image.max()) for shot in frames.shots()] == [0.5, 1, 0.5, 1]


def test_a_damaged_frame_is_named(tmp_path: Path):
    annotations = split_on_disk(tmp_path, 2)
    annotations.records[1].path.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"1\.png: not a readable PNG"):
        detect(PIPELINE, SplitFrames(annotations, GAIN))


def test_pictures_are_spread_over_the_split(tmp_path: Path):
    annotations = split_on_disk(tmp_path, 5)
    frames = SplitFrames(annotations, GAIN)
    nothing = {record.image_id: found() for record in annotations.records}
    sure, unsure = ({key: found(([4, 4, 20, 20], score, 0)) for key in nothing} for score in (0.9, 0.1))
    assert len(frames.pictures(nothing, count=3)) == 3
    assert len(frames.pictures(nothing, count=9)) == 5
    drawn = [frames.pictures(detections, count=3)[2] for detections in (nothing, unsure, sure)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_regions_to_ignore_are_not_drawn_as_truth(tmp_path: Path):
    annotations = split_on_disk(tmp_path, 1)
    (record,) = annotations.records
    real = ~record.ignored
    assert not real.all()
    objects = replace(
        record, boxes=record.boxes[real], labels=record.labels[real], ignored=record.ignored[real]
    )
    nothing = {record.image_id: found()}
    with_regions, without = (
        SplitFrames(replace(annotations, records=(one,)), GAIN).pictures(nothing, count=1)[0]
        for one in (record, objects)
    )
    np.testing.assert_array_equal(with_regions, without)

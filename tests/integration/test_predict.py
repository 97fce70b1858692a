"""scripts/predict.py on pictures, raw counts, video and a real recording."""

from __future__ import annotations

import csv
import json
import os
from operator import itemgetter
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.app.commands import predict as predict_app
from detector.thermal import io
from tests.integration.commands import REPOSITORY, Call, files_under

POSSUM = (
    Path(os.environ.get("THERMAL_DATA", REPOSITORY.parent / "shared" / "data")) / "lepton" / "possum.cptv"
)


@pytest.fixture
def predict(call: Call, finished):
    """Runs the command with the tiny run's checkpoint; every object counts, however badly it scores."""
    fixed = [f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}", "output=out", "min_score=0.001"]
    engine = ["engine.precision=fp32", "engine.batch_size=3"]

    def predicting(*overrides: str):
        return call("predict", predict_app.run, *fixed, *engine, *overrides)

    return predicting


def document() -> dict:
    return json.loads(Path("out/detections.json").read_text())


def test_a_folder_gives_what_evaluation_found(predict, finished, tiny_set):
    predict(f"source={tiny_set / 'test'}").assert_fine()
    frames = document()["frames"]
    names = sorted(file.name for file in (tiny_set / "test").iterdir())
    assert [Path(frame["source"]).name for frame in frames] == names
    truth = json.loads((tiny_set / "annotations" / "test.json").read_text())
    ids = {image["file_name"]: image["id"] for image in truth["images"]}
    classes = {category["name"]: category["id"] for category in truth["categories"]}
    evaluated = json.loads((finished.run / "predictions.json").read_text())
    assert evaluated
    mine = [
        (ids[Path(frame["source"]).name], classes[found["class"]], found["score"], *found["box"])
        for frame in frames
        for found in frame["objects"]
    ]
    theirs = [
        (item["image_id"], item["category_id"], item["score"], x, y, x + w, y + h)
        for item in evaluated
        for x, y, w, h in (item["bbox"],)
    ]
    assert len(mine) == len(theirs)
    np.testing.assert_allclose(sorted(mine, key=itemgetter(0)), sorted(theirs, key=itemgetter(0)), atol=0.006)
    assert {f"images/{k:06d}_{Path(name).stem}.png" for k, name in enumerate(names)} < files_under(
        Path("out")
    )
    with Path("out/detections.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(mine)


def test_a_calibrated_recording_gives_temperatures_and_a_video(predict, tmp_path):
    counts = np.full((5, 64, 64), 29500, np.uint16)
    counts[:, 20:40, 20:40] = 31000
    np.save(tmp_path / "night.npy", counts)
    linear = "{_target_: detector.thermal.radiometry.Linear, gain: 0.01, offset: 0.0}"
    predict("source=night.npy", f"calibration={linear}").assert_fine()
    found = [item for frame in document()["frames"] for item in frame["objects"]]
    assert found
    assert {item["kelvin"]["min"] for item in found} <= {295.0, 310.0}
    assert all(item["kelvin"]["min"] <= item["kelvin"]["mean"] <= item["kelvin"]["max"] for item in found)
    assert files_under(Path("out")) == {"detections.json", "detections.csv", "night.mp4"}
    assert int(cv2.VideoCapture("out/night.mp4").get(cv2.CAP_PROP_FRAME_COUNT)) == 5


def test_raw_counts_need_their_shape(predict, tmp_path):
    np.arange(64 * 64, dtype="<u2").tofile(tmp_path / "frame.raw")
    predict("source=frame.raw").assert_error("frame.raw")
    predict("source=frame.raw", "raw_shape=[64,64]", "pictures=none").assert_fine()
    assert [(frame["width"], frame["height"]) for frame in document()["frames"]] == [(64, 64)]
    assert files_under(Path("out")) == {"detections.json", "detections.csv"}


def test_what_was_found_before_a_damaged_frame_is_kept(predict, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for k in range(5):
        cv2.imwrite(
            str(folder / f"{k}.png"), np.random.default_rng(k).integers(0, 999, (64, 64)).astype(np.uint16)
        )
    (folder / "4.png").write_bytes((folder / "4.png").read_bytes()[:300])
    outcome = predict("source=frames")
    assert outcome.status == 1
    assert "4.png" in outcome.err
    assert len(document()["frames"]) == 3, "the whole batches before it"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("source=nowhere.png", "nowhere.png"),
        ("pictures=film", "pictures=film: must be one of"),
        ("min_score=2", "min_score=2: must lie between 0 and 1"),
        ("engine.batch_size=0", "engine.batch_size=0"),
        ("raw_shape=[64]", "raw_shape=[64]: must be [height, width]"),
    ],
)
def test_mistakes_are_named(predict, tiny_set, override, message):
    outcome = predict(f"source={tiny_set / 'test'}", override)
    assert outcome.status == 1
    assert message in outcome.err
    assert not Path("out").exists()


@pytest.mark.skipif(not POSSUM.is_file(), reason="the real recording is not here")
def test_a_real_lepton_recording_from_end_to_end(predict):
    pytest.importorskip("cptv")
    predict(f"source={POSSUM}").assert_fine()
    frames = document()["frames"]
    recording = io.open_recording(POSSUM)
    assert len(frames) == len(list(recording))
    assert {(frame["width"], frame["height"]) for frame in frames} == {(160, 120)}
    times = [frame["time"] for frame in frames]
    assert all(times)
    assert times == sorted(times)
    assert Path("out/possum.mp4").stat().st_size > 0

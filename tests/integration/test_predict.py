"""thermal-detector predict on pictures, raw counts, video and a real recording."""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections import Counter
from operator import itemgetter
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.engine import checkpoint
from detector.thermal import io
from tests.integration.commands import REPOSITORY, Call, files_under

POSSUM = (
    Path(os.environ.get("THERMAL_DATA", REPOSITORY.parent / "shared" / "data")) / "lepton" / "possum.cptv"
)


@pytest.fixture
def predict(call: Call, finished):
    """Runs the command with the tiny run's checkpoint; every object counts, however badly it scores."""
    fixed = [f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}", "output=out", "confidence=0.001"]
    engine = ["engine.precision=fp32", "engine.batch_size=3"]

    def predicting(*overrides: str):
        return call("predict", *fixed, *engine, *overrides)

    return predicting


def crowded(frames: list[dict]) -> int:
    """Pairs of boxes of one frame that overlap by more than the suppression leaves to one class."""
    return sum(
        float(iou(np.array(one["box"]), np.array(other["box"]))) > 0.6
        for frame in frames
        for one, other in itertools.combinations(frame["objects"], 2)
    )


def iou(one: np.ndarray, other: np.ndarray) -> float:
    sides = (np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])).clip(0)
    areas = [(box[2:] - box[:2]).prod() for box in (one, other)]
    return sides.prod() / (sum(areas) - sides.prod())


def test_one_switch_leaves_one_box_on_a_place_whatever_the_class(predict, tiny_set):
    predict(f"source={tiny_set / 'test'}").assert_fine()
    assert crowded(document()["frames"]) > 0
    for asked in (["postprocess.class_aware=false"], ["postprocess=greedy", "postprocess.class_aware=false"]):
        predict(f"source={tiny_set / 'test'}", *asked).assert_fine()
        assert document()["frames"][0]["objects"]
        assert crowded(document()["frames"]) == 0


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
    pictures = {f"test/{k:06d}_{Path(name).stem}.png" for k, name in enumerate(names)}
    assert files_under(Path("out")) == pictures | {"test", "detections.json", "detections.csv"}
    with Path("out/detections.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(mine)


def test_a_calibrated_recording_gives_temperatures_and_a_video(predict, tmp_path):
    counts = np.full((5, 64, 64), 29500, np.uint16)
    counts[:, 20:40, 20:40] = 31000
    np.save(tmp_path / "night.npy", counts)
    linear = "{name: linear, gain: 0.01, offset: 0.0}"
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


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 999, (*shape, 64, 64)).astype(np.uint16)


def test_a_bad_picture_costs_that_picture(predict, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for k in range(5):
        cv2.imwrite(str(folder / f"{k}.png"), noise(k))
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:300])
    outcome = predict("source=frames")
    assert outcome.status == 1
    named, last = [line for line in outcome.err.splitlines() if "frames/1.png" in line or "error" in line]
    assert named.startswith("frames/1.png: ")
    assert last == "error: 1 could not be read whole, as named above; the rest is done"
    assert [Path(frame["source"]).name for frame in document()["frames"]] == [
        "0.png",
        "2.png",
        "3.png",
        "4.png",
    ]


def test_a_night_of_recordings_with_a_bad_one(predict, tmp_path):
    """Two clips of one name, one that is cut short, and a folder of pictures."""
    for name in ("a/clip.npy", "b/clip.npy", "b/cut.npy"):
        file = tmp_path / "night" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, noise(0, 4))
    cut = tmp_path / "night" / "b" / "cut.npy"
    cut.write_bytes(cut.read_bytes()[:-100])
    (tmp_path / "night" / "c").mkdir()
    cv2.imwrite(str(tmp_path / "night" / "c" / "one.png"), noise(1))
    outcome = predict("source=night")
    assert outcome.status == 1
    assert "cut.npy" in outcome.err
    sources = [frame["source"] for frame in document()["frames"]]
    clips = [f"night/{name}/clip.npy frame {k}" for name in "ab" for k in range(4)]
    assert sources == [*clips, "night/c/one.png"]
    assert [frame["frame"] for frame in document()["frames"]] == list(range(9))
    assert files_under(Path("out")) == {
        *("detections.json", "detections.csv"),
        *("clip.mp4", "clip_2.mp4", "c", "c/000000_one.png"),
    }
    assert "9 frames, " in outcome.out


def test_a_list_and_a_pattern(predict, tmp_path):
    for k in (1, 2, 10):
        np.save(tmp_path / f"{k}.npy", noise(k, 2))
    predict("source=[10.npy,1.npy]", "pictures=none").assert_fine()
    assert [frame["source"].split()[0] for frame in document()["frames"]] == ["10.npy"] * 2 + ["1.npy"] * 2
    predict("source='?.npy'", "pictures=none").assert_fine()
    assert [frame["source"].split()[0] for frame in document()["frames"]] == ["1.npy"] * 2 + ["2.npy"] * 2


def test_the_thresholds_stored_with_the_run_are_used(predict, finished, tiny_set, tmp_path):
    """Unless told; here the class that was found most counts from the widest gap in its scores."""
    given = [f"source={tiny_set / 'test'}", "pictures=none"]

    def found() -> Counter[str]:
        return Counter(item["class"] for frame in document()["frames"] for item in frame["objects"])

    predict(*given).assert_fine()
    every = found()
    ((often, count),) = every.most_common(1)
    state = checkpoint.load(finished.run / "checkpoints" / "best.pt")
    # Categories count from 1, in the order of the classes. This file has the scores to the last digit.
    entries = json.loads((finished.run / "predictions.json").read_text())
    label = state["classes"].index(often)
    scores = np.sort([entry["score"] for entry in entries if entry["category_id"] == label + 1])
    assert len(scores) == count
    gap = int(np.argmax(np.diff(scores)))
    between = float(scores[gap] + scores[gap + 1]) / 2
    stored = tmp_path / "run" / "checkpoints" / "best.pt"
    thresholds = {**dict.fromkeys(state["classes"], 0.0), often: between}
    checkpoint.save(stored, {**state, "thresholds": thresholds})
    outcome = predict(*given, f"checkpoint={stored}", "confidence=null").assert_fine()
    assert found() == every - Counter({often: gap + 1})
    assert f"{between:.3g} ({often})" in outcome.out

    checkpoint.save(stored, {**state, "thresholds": None})
    outcome = predict(*given, f"checkpoint={stored}", "confidence=null").assert_fine()
    assert f"{stored} stores no thresholds, so 0.3 was taken" in outcome.out
    assert all(item["score"] >= 0.3 for frame in document()["frames"] for item in frame["objects"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("source=nowhere.png", "nowhere.png"),
        ("pictures=film", "pictures=film: must be one of"),
        ("confidence=2", "confidence=2: must be a number between 0 and 1"),
        ("engine.batch_size=0", "engine.batch_size=0"),
        ("confidence=high", "confidence=high: must be a number between 0 and 1"),
        ("raw_shape=[64]", "raw_shape=[64]: must be [height, width]"),
        ("raw_shape=5", "raw_shape=5: must be [height, width]"),
        ("postprocess.class_aware=maybe", "postprocess.class_aware=maybe: must be true or false"),
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

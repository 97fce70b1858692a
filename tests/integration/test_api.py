"""`import detector`: what Python programs call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import detector
from detector.errors import UserError
from tests.integration.commands import REPOSITORY, TINY_RUN
from tests.unit.data.builders import save_frame


@pytest.fixture(scope="module")
def model(finished) -> detector.Model:
    return detector.load(finished.run / "checkpoints" / "best.pt", device="cpu", precision="fp32")


@pytest.fixture
def files(tiny_set) -> list[Path]:
    return sorted((tiny_set / "test").iterdir())


def same(one: detector.Prediction, other: detector.Prediction) -> None:
    np.testing.assert_array_equal(one.boxes, other.boxes)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.image, other.image)


LIGHT = """
import sys, time
start = time.process_time()
import detector
seconds = time.process_time() - start
for name in detector.__all__:
    assert name in dir(detector)
frame = detector.read(sys.argv[1])
assert frame.size == (8, 9)
assert not {"torch", "hydra", "omegaconf", "matplotlib", "scipy"} & sys.modules.keys()
print(seconds)
"""


def test_importing_and_reading_load_neither_torch_nor_hydra(tmp_path):
    save_frame(tmp_path / "a.png", np.zeros((8, 9), np.uint16))
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, str(tmp_path / "a.png")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert float(done.stdout) < 0.1


def test_what_is_public_is_there_and_nothing_else():
    assert all(getattr(detector, name) is not None for name in detector.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        _ = detector.Trainer


def test_one_frame_a_list_and_a_stream_are_the_same(model, files):
    counts = [detector.read(file).counts for file in files]
    one = [model.predict(array, confidence=0.0) for array in counts]
    assert sum(map(len, one)) > 0
    alike = {
        "path": [model.predict(str(file), confidence=0.0) for file in files],
        "frame": [model.predict(detector.read(file), confidence=0.0) for file in files],
    }
    for predictions in alike.values():
        for left, right in zip(one, predictions, strict=True):
            same(left, right)
    several = model.predict(files, confidence=0.0)
    mixed = model.predict((counts[0], *files[1:]), confidence=0.0)
    stream = model.predict(files[0].parent, confidence=0.0)
    assert isinstance(several, list)
    assert isinstance(stream, Iterator)
    for left, right, flowing in zip(several, mixed, stream, strict=True):
        same(left, right)
        same(left, flowing)
    for left, right in zip(one, several, strict=True):  # of other batches, which may round otherwise
        np.testing.assert_allclose(left.scores, right.scores, atol=1e-5)


def test_the_command_evaluation_and_the_api_agree_to_the_bit(
    model, files, finished, tiny_set, call, tmp_path
):
    """One split of one frame, so that all compute the same batch."""
    root = tmp_path / "one"
    truth = json.loads((tiny_set / "annotations" / "test.json").read_text())
    image = next(entry for entry in truth["images"] if entry["file_name"] == files[0].name)
    truth["images"] = [image]
    truth["annotations"] = [item for item in truth["annotations"] if item["image_id"] == image["id"]]
    (root / "annotations").mkdir(parents=True)
    (root / "annotations" / "test.json").write_text(json.dumps(truth))
    (root / "test").mkdir()
    (root / "test" / files[0].name).write_bytes(files[0].read_bytes())

    given = [f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}", "engine.precision=fp32"]
    given += ["engine.device=cpu"]
    call("evaluate", *given, f"data.root={root}", "data.split=test", "output=judged").assert_fine()
    call("predict", *given, f"source={root / 'test'}", "confidence=0.0", "output=found").assert_fine()
    prediction = model.predict(root / "test" / files[0].name, confidence=0.0)

    entries = json.loads(Path("judged/predictions.json").read_text())
    assert [entry["score"] for entry in entries] == prediction.scores.tolist()
    left_top = np.array([entry["bbox"][:2] for entry in entries])
    np.testing.assert_array_equal(
        left_top, [[round(v, 3) for v in box[:2]] for box in prediction.boxes.tolist()]
    )
    (frame,) = json.loads(Path("found/detections.json").read_text())["frames"]
    assert [item["score"] for item in frame["objects"]] == [round(s, 4) for s in prediction.scores.tolist()]
    assert [item["box"] for item in frame["objects"]] == [
        [round(value, 2) for value in box] for box in prediction.boxes.tolist()
    ]
    judged = json.loads(Path("judged/metrics.json").read_text())
    del judged["headline"]  # of the thresholds in use; the command alone tells it
    assert model.evaluate(root, "test").to_dict() == judged


def test_evaluation_repeats_the_run_s_numbers(model, finished):
    written = json.loads((finished.run / "metrics.json").read_text())
    metrics = model.evaluate()
    assert metrics.images == 4
    for name, value in metrics.overall.items():
        assert value == (None if written[name] is None else pytest.approx(written[name], abs=1e-6))


def test_thresholds_and_confidence(model, files):
    assert tuple(model.thresholds) == model.classes
    for prediction in model.predict(files):
        least = [model.thresholds[name] for name in prediction.names]
        assert all(prediction.scores >= np.array(least, np.float32))
    sure = model.predict(files, confidence=1.0)
    assert sum(map(len, sure)) == 0


def test_a_recording_is_a_stream(model):
    read = 0

    def endless() -> Iterator[detector.Frame]:
        nonlocal read
        while True:
            read += 1
            yield detector.Frame(np.full((64, 64), 7000 + read, np.uint16), 16, "camera")

    stream = model.predict(detector.Recording("camera", endless))
    for _ in range(20):
        next(stream)
    assert read < 20 + 3 * 8
    stream.close()


def test_a_calibrated_array_gives_temperatures(model):
    counts = np.full((64, 64), 29500, np.uint16)
    counts[20:40, 20:40] = 31000
    frame = detector.Frame(counts, 16, "mine", calibration=detector.Linear(gain=0.01, offset=0.0))
    prediction = model.predict(frame, confidence=0.0)
    assert len(prediction) > 0
    assert all(295 <= heat.mean <= 310 for heat in prediction.temperatures)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 64, 64), np.uint16), r"an array \[4, 64, 64\]"),
        (np.zeros((64, 64), np.float32), "floats from 0 to 0 look like a picture scaled"),
        (np.zeros((0, 64), np.uint16), r"found an array \[0, 64\]"),
        ("nowhere.png", "no such image file"),
        ([b"bytes"], "found bytes"),
    ],
)
def test_what_is_no_frame_is_refused(model, x, message):
    with pytest.raises(UserError, match=message):
        model.predict(x)


def test_a_recording_in_a_list_is_refused(model, tmp_path):
    np.save(tmp_path / "clip.npy", np.zeros((3, 64, 64), np.uint16))
    with pytest.raises(UserError, match="holds several frames"):
        model.predict([tmp_path / "clip.npy"])


def test_training_gives_a_run(tiny_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overrides = [*TINY_RUN, f"data.root={tiny_set}", "engine.epochs=1", "hydra.run.dir=runs/mine"]
    run = detector.train(overrides)
    assert run == Path("runs/mine")
    model = detector.load(run / "checkpoints" / "best.pt")
    assert model.classes == detector.load(run / "weights.safetensors").classes
    with pytest.raises(UserError, match=r"unknown setting engine\.epoch"):
        detector.train([*overrides, "engine.epoch=3"])
    with pytest.raises(UserError, match=r"data\.root"):
        detector.train(["data=coco"])
    with pytest.raises(UserError, match="data=coco: give a list of settings"):
        detector.train("data=coco")

"""HIT-UAV's layout: a small imitation trains; the real frames, where they are, are read alike everywhere."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from detector.data.annotations import Annotations
from detector.engine.device import Precision
from detector.inference.network import pipeline_of
from detector.inference.pipeline import shots
from detector.inference.split import SplitFrames, detect
from detector.structures import IGNORE_LABEL
from detector.thermal.agc import BitDepthRange
from detector.thermal.io import read
from tests.built import built
from tests.integration.commands import REPOSITORY, TINY_RUN
from tests.unit.data.builders import save_frame, save_json

NAMES = ("Person", "Car", "Bicycle", "OtherVehicle", "DontCare")
REAL = Path(os.environ.get("THERMAL_DATA", REPOSITORY.parent / "shared" / "data")) / "hit_uav_320"


@pytest.fixture
def imitation(tmp_path_factory) -> Path:
    """Six frames for training and three for validation, in each a person, a car and a DontCare region."""
    root = tmp_path_factory.mktemp("imitation")
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 3)):
        images, boxes = [], []
        for number in range(count):
            counts = rng.integers(60, 90, (64, 64), dtype=np.uint8)
            for category, (x, y, w, h) in ((0, (10, 12, 6, 10)), (1, (30, 30, 20, 12)), (4, (44, 2, 16, 10))):
                counts[y : y + h, x : x + w] = 200
                entry = {"image_id": number, "category_id": category, "bbox": [x, y, w, h]}
                boxes.append({"id": len(boxes), **entry})
            name = f"0_60_30_0_{number:05}.jpg"
            save_frame(root / "normal_json" / split / name, counts)
            record = {"filename": name, "id": number, "width": 64, "height": 64, "date_captured": "20210115"}
            images.append(record)
        categories = [{"id": key, "name": name} for key, name in enumerate(NAMES)]
        document = {"images": images, "annotation": boxes, "categories": categories}
        save_json(root / "normal_json" / "annotations" / f"{split}.json", document)
    return root


def test_a_set_with_regions_to_ignore_trains(imitation, call, tmp_path):
    arguments = ["data=hit_uav", f"data.root={imitation}", "thermal=bit_depth", "hydra.run.dir=run"]
    call("train", *TINY_RUN, *arguments, "engine.epochs=1").assert_fine()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics["per_class"]) == set(NAMES[:4])
    # Three frames with one person and one car each; what DontCare marks is no truth.
    assert metrics["truths"] == 6
    assert {
        entry["category_id"] for entry in json.loads((tmp_path / "run" / "predictions.json").read_text())
    } <= {0, 1, 2, 3}
    for name in ("AP", "AP50"):
        assert metrics["per_class"]["Person"][name] is not None
        assert metrics["per_class"]["Bicycle"][name] is None


def test_synthetic_frames_from_above_are_learnt_from_beside_it_and_judge_nothing(imitation, call, tmp_path):
    few = ["dataset.train=4", "dataset.val=1", "dataset.test=1", "above.width=64", "above.height=64"]
    call("synth", "root=above", "view=above", "sensor.bits=8", *few).assert_fine()
    names = "{person: Person, vehicle: Car, bicycle: Bicycle, truck: OtherVehicle}"
    beside = ["data.beside.root=above", f"data.beside.remap={names}", "thermal=bit_depth"]
    arguments = ["data=hit_uav", f"data.root={imitation}", *beside, "hydra.run.dir=run", "engine.epochs=1"]
    trained = call("train", *TINY_RUN, *arguments).assert_fine()
    assert "10 training and 3 validation frames, 4 classes" in trained.out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["images"], metrics["truths"]) == (3, 6)


@pytest.fixture(scope="module")
def validation() -> Annotations:
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is not here (THERMAL_DATA names the folder that holds hit_uav_320)")
    return built("data/hit_uav", root=REAL).load("val")


def test_the_real_set_is_read_as_published(validation):
    assert validation.classes == NAMES[:4]
    assert len(validation.records) == 580
    assert {record.sequence for record in validation.records} == {"20210116", "20210123"}
    assert {(record.width, record.height) for record in validation.records} == {(320, 256)}
    labels = np.concatenate([record.labels for record in validation.records])
    ignored = np.concatenate([record.ignored for record in validation.records])
    assert np.array_equal(ignored, labels == IGNORE_LABEL)
    assert ignored.any()
    people = np.concatenate([record.boxes[record.labels == 0] for record in validation.records])
    sides = np.median(people[:, 2:] - people[:, :2], axis=0)
    # Its README: the median person is 6 x 9.5 pixels over both splits.
    assert 4 < sides[0] < 8
    assert 7 < sides[1] < 12


def test_one_real_frame_goes_the_same_way_through_evaluation_and_prediction(validation):
    one = Annotations(validation.classes, validation.records[7:8], validation.category_ids)
    record, gain = one.records[0], BitDepthRange()
    torch.manual_seed(0)
    model = built(
        "model/nano",
        stem=4,
        widths=[8] * 4,
        depths=[1] * 4,
        neck_widths=[8] * 4,
        neck_depths=[1] * 3,
        classes=4,
    ).eval()
    pipeline = pipeline_of(
        model,
        classes=one.classes,
        postprocess=built("postprocess/greedy", score_threshold=0.0),
        precision=Precision(torch.float32, torch.device("cpu")),
        batch_size=4,
    )
    evaluated = detect(pipeline, SplitFrames(one, gain))[record.image_id]
    (predicted,) = pipeline(shots([read(record.path)], gain))
    assert len(predicted) > 0
    np.testing.assert_array_equal(predicted.boxes, evaluated.boxes)
    np.testing.assert_array_equal(predicted.scores, evaluated.scores)
    np.testing.assert_array_equal(predicted.labels, evaluated.labels)

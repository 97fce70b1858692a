"""Ways of suppression side by side: each row is what its post-processing alone would give."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

from detector.app.build import build_bins, load_split
from detector.app.commands import compare_suppression
from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.settings import plain
from detector.app.trained import Trained
from detector.engine import checkpoint
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.evaluation.predictions import predictions_json
from detector.evaluation.split import evaluate
from detector.inference.split import SplitFrames, detect
from tests.unit.data.builders import save_frame, save_json

TINY = [
    "model.stem=4",
    "model.widths=[8,8]",
    "model.depths=[1,1]",
    "model.neck_widths=[8,8]",
    "model.neck_depths=[1]",
]
METHODS = ["greedy", "greedy_any_class", "diou", "soft", "soft_linear"]


@pytest.fixture
def saved(tmp_path) -> Path:
    """A checkpoint of a network that knows nothing, beside a set of two frames with an object each."""
    images = []
    for number in (1, 2):
        frame = np.random.default_rng(number).integers(6000, 9000, (32, 48), dtype=np.uint16)
        save_frame(tmp_path / "val" / f"{number}.png", frame)
        images.append({"id": number, "file_name": f"{number}.png", "width": 48, "height": 32})
    objects = [
        {"id": n, "image_id": n, "category_id": n, "bbox": [9 * n, 2, 14, 14], "iscrowd": 0} for n in (1, 2)
    ]
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}]
    document = {"images": images, "annotations": objects, "categories": categories}
    save_json(tmp_path / "annotations" / "val.json", document)
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        config = compose("train", overrides=["data=coco", f"data.root={tmp_path}", "data.scale=1", *TINY])
    torch.manual_seed(0)
    weights = build("model", plain(config.model), classes=2).state_dict()
    state = {"config": plain(config), "classes": ["person", "car"], "thresholds": None, "ema": weights}
    path = tmp_path / "run" / "checkpoints" / "best.pt"
    checkpoint.save(path, state)
    return path


def test_each_row_is_what_its_post_processing_alone_would_give(saved, capsys):
    given = [f"checkpoint={saved}", "engine.device=cpu", "engine.precision=fp32"]
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        config = compose("compare_suppression", overrides=[*given, "methods.soft.score_threshold=0.01"])
    compare_suppression.run(config)
    rows = json.loads((saved.parents[1] / "evaluation" / "val" / "suppression.json").read_text())
    assert list(rows) == METHODS

    trained = Trained(saved, device=torch.device("cpu"))
    annotations = load_split(trained.data, "val")
    frames = SplitFrames(annotations, trained.gain)
    settings = InferenceSettings(device="cpu", precision="fp32", batch_size=16)
    for name in METHODS:
        method = build("postprocess", plain(config.methods[name]))
        found = detect(trained.pipeline(settings, postprocess=method), frames)
        entries = predictions_json(found, annotations)
        metrics = evaluate(annotations, entries, bins=build_bins(config)).metrics
        assert (rows[name]["AP"], rows[name]["AP50"]) == (metrics.overall["AP"], metrics.overall["AP50"])
        assert rows[name]["JI"] == metrics.breakdown.crowding.values()["JI"]
        assert rows[name]["AP 0"] == metrics.breakdown.overlap["0"].values()["AP"]
    assert len({(row["AP"], row["JI"]) for row in rows.values()}) > 1

    table = capsys.readouterr().out.splitlines()[1:-1]
    assert [line.split()[0] for line in table] == ["suppression", *METHODS]
    assert len({len(line) for line in table}) == 1


def test_different_candidates_are_refused(saved):
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        config = compose(
            "compare_suppression", overrides=[f"checkpoint={saved}", "methods.soft.candidates=40"]
        )
    with pytest.raises(UserError, match="found greedy 1000, greedy_any_class 1000, diou 1000, soft 40"):
        compare_suppression.run(config)

"""Ways of suppression side by side: each row is what its post-processing alone would give."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from detector.app import build
from detector.app.cli import CONFIGS
from detector.app.commands import compare_suppression
from detector.engine import checkpoint
from detector.engine.detect import detect
from detector.engine.device import Precision
from detector.errors import UserError
from detector.evaluation.coco import evaluate
from tests.unit.data.builders import save_frame, save_json

TINY = ["model.stem=4", "model.widths=[8,8]", "model.depths=[1,1]", "model.neck_channels=8"]
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
        config = compose("train", overrides=["data=coco", f"data.root={tmp_path}", *TINY])
    torch.manual_seed(0)
    weights = build.build_model(config, classes=2).state_dict()
    state = {"config": build.as_plain(config), "classes": ["person", "car"], "model": weights, "ema": weights}
    path = tmp_path / "run" / "checkpoints" / "best.pt"
    checkpoint.save(path, state)
    return path


def test_each_row_is_what_its_post_processing_alone_would_give(saved, capsys):
    given = [f"checkpoint={saved}", "engine.workers=0", "engine.device=cpu", "engine.precision=fp32"]
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        config = compose("compare_suppression", overrides=[*given, "methods.soft.score_threshold=0.01"])
    compare_suppression.run(config)
    rows = json.loads((saved.parents[1] / "evaluation" / "val" / "suppression.json").read_text())
    assert list(rows) == METHODS

    device = torch.device("cpu")
    trained = build.Trained(saved, device=device)
    annotations = build.load_split(trained.config.data, "val")
    loader = build.evaluation_loader(
        annotations, agc=trained.agc, multiple=trained.model.stride, engine=config.engine
    )
    for name in METHODS:
        found = detect(
            trained.model,
            loader,
            postprocess=instantiate(config.methods[name]),
            sizes=build.frame_sizes(annotations),
            precision=Precision(torch.float32, device),
        )
        metrics = evaluate(annotations, found, bins=build.build_bins(config))
        assert metrics.breakdown is not None
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

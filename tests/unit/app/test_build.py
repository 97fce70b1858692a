"""From configuration to objects, and checkpoints back into detectors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from detector.app import build
from detector.app.cli import CONFIGS
from detector.data.annotations import Annotations
from detector.engine import checkpoint
from detector.errors import UserError
from detector.evaluation.metrics.bins import Bins
from detector.geometry.nms import GreedyNms
from detector.inference.postprocess import Postprocess
from tests.unit.data.builders import save_frame, save_json
from tests.unit.engine.builders import assert_same

TINY_MODEL = [
    "model.stem=4",
    "model.widths=[8,8]",
    "model.depths=[1,1]",
    "model.neck_channels=8",
    "model.head_depth=1",
]


def config_of(*overrides: str) -> DictConfig:
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        return compose("train", overrides=[*TINY_MODEL, *overrides])


@pytest.fixture
def saved(tmp_path) -> Path:
    """A checkpoint as training writes it, whose average differs from its raw model."""
    config = config_of("data.root=some/where")
    torch.manual_seed(0)
    model = build.build_model(config, classes=2)
    average = {name: value + 1 for name, value in model.state_dict().items()}
    path = tmp_path / "run" / "checkpoints" / "best.pt"
    state = {"config": build.as_plain(config), "classes": ["person", "car"]}
    checkpoint.save(path, {**state, "model": model.state_dict(), "ema": average})
    return path


def test_a_configuration_survives_the_checkpoint_with_its_interpolations():
    config = config_of("data.root=a")
    again = build.as_config(build.as_plain(config))
    assert again == config
    again.data.root = "b"
    assert again.data.source.root == "b"
    with pytest.raises(OmegaConfBaseException):
        again.engine.epoch = 3


def test_a_checkpoint_is_judged_by_its_average_in_eval_mode(saved):
    trained = build.Trained(saved, device=torch.device("cpu"))
    assert not trained.model.training
    assert_same(dict(trained.model.state_dict()), dict(checkpoint.load(saved)["ema"]))
    assert trained.classes == ("person", "car")
    assert trained.run_folder == saved.parent.parent.resolve()


def test_a_checkpoint_from_before_the_choice_of_suppression_is_read(saved):
    state = checkpoint.load(saved)
    del state["config"]["evaluation"]
    state["config"]["postprocess"] = {
        "_target_": "detector.inference.postprocess.Postprocess",
        "score_threshold": 0.01,
        "iou_threshold": 0.45,
        "max_detections": 50,
        "candidates": 500,
    }
    checkpoint.save(saved, state)
    trained = build.Trained(saved, device=torch.device("cpu"))
    assert trained.postprocess == Postprocess(
        score_threshold=0.01,
        suppression=GreedyNms(iou_threshold=0.45),
        max_detections=50,
        candidates=500,
    )
    assert build.build_bins(trained.config) == Bins()


def test_weights_that_are_not_its_configuration_s_are_refused(saved):
    state = checkpoint.load(saved)
    state["config"]["model"]["stem"] = 6
    checkpoint.save(saved, state)
    with pytest.raises(UserError, match=rf"^checkpoint {saved}: belongs to another model \(backbone.stem"):
        build.Trained(saved, device=torch.device("cpu"))


def test_other_classes_are_refused(saved):
    trained = build.Trained(saved, device=torch.device("cpu"))
    trained.check_classes(Annotations(("person", "car"), (), (1, 2)))
    for other in (("car", "person"), ("person",)):
        with pytest.raises(UserError, match=r"knows the classes person, car; the data set has "):
            trained.check_classes(Annotations(other, (), (1, 2)))


def test_a_folder_named_by_a_number_is_a_folder():
    data = OmegaConf.create({"root": 2024, "source": config_of().data.source})
    data.source.root = 2024
    with pytest.raises(UserError, match="data root 2024: no such folder"):
        build.load_split(data, "train")


@pytest.mark.parametrize(("name", "value"), [("batch_size", 0), ("workers", -1), ("cache_mib", -1)])
def test_loader_settings_that_cannot_be_are_refused_by_key(name, value):
    engine = OmegaConf.create({"batch_size": 1, "workers": 0, "cache_mib": 0})
    build.check_loading(engine)
    engine[name] = value
    with pytest.raises(UserError, match=f"engine.{name}={value}: must be at least"):
        build.check_loading(engine)


@pytest.fixture
def labelled(tmp_path) -> Path:
    """A COCO set of one picture with a person and a car."""
    save_frame(tmp_path / "train" / "a.png", np.zeros((30, 40), np.uint16))
    objects = [{"id": key, "image_id": 1, "category_id": key, "bbox": [5 * key, 2, 4, 4]} for key in (1, 2)]
    save_json(
        tmp_path / "annotations" / "train.json",
        {
            "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
            "annotations": objects,
            "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}],
        },
    )
    return tmp_path


def test_classes_are_renamed_as_the_data_s_configuration_asks(labelled):
    plain = config_of("data=coco", f"data.root={labelled}")
    assert build.load_split(plain.data, "train").classes == ("person", "car")
    asked = config_of("data=coco", f"data.root={labelled}", "data.remap={car: vehicle, person: '<ignore>'}")
    # As it comes back from a checkpoint, with another root.
    again = build.as_config(build.as_plain(asked))
    annotations = build.load_split(again.data, "train")
    assert annotations.classes == ("vehicle",)
    assert annotations.records[0].labels.tolist() == [-1, 0]
    with pytest.raises(UserError, match=r"remap: unknown class 'cra'; did you mean car\?"):
        build.load_split(config_of("data=coco", f"data.root={labelled}", "data.remap={cra: x}").data, "train")
    with pytest.raises(UserError, match="remap: must give new names by old names, found car"):
        build.load_split(config_of("data=coco", f"data.root={labelled}", "data.remap=car").data, "train")


def test_a_checkpoint_from_before_remap_is_read(labelled):
    old = build.as_plain(config_of("data=coco", f"data.root={labelled}"))
    del old["data"]["remap"]
    assert build.load_split(build.as_config(old).data, "train").classes == ("person", "car")

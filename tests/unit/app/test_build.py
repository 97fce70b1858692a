"""From settings to what several commands build alike, and a run's configuration back."""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from detector.app import build
from detector.app.settings import plain
from detector.errors import UserError
from detector.evaluation.metrics.bins import Bins
from tests.heads import compose
from tests.unit.data.builders import save_frame, save_json


def test_a_folder_named_by_a_number_is_a_folder():
    data = {**plain(compose("train").data), "root": 2024}
    with pytest.raises(UserError, match=r"data\.root=2024: no such folder"):
        build.load_split(data, "train")


def test_bins_are_those_of_the_configuration():
    asked = compose("train", "evaluation.bins.overlap=[0.2]", "evaluation.bins.sizes=[9]")
    bins = Bins(overlap=[0.2], crowd_above=0.1, sizes=[9])
    assert build.build_bins(asked) == build.build_bins(plain(asked)) == bins


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
    def load(*overrides: str):
        data = compose("train", "data=coco", f"data.root={labelled}", *overrides).data
        from_command = build.load_split(data, "train")
        from_checkpoint = build.load_split(plain(data), "train")
        assert from_command.classes == from_checkpoint.classes
        return from_command

    assert load().classes == ("person", "car")
    renamed = load("data.remap={car: vehicle, person: '<ignore>'}")
    assert renamed.classes == ("vehicle",)
    assert renamed.records[0].labels.tolist() == [-1, 0]
    with pytest.raises(UserError, match=r"remap: unknown class 'cra'; did you mean car\?"):
        load("data.remap={cra: x}")
    with pytest.raises(UserError, match="remap: must give new names by old names, found car"):
        load("data.remap=car")


EVALUATION = {"backend": "pycocotools", "bins": {"overlap": [0.1], "crowd_above": 0.1, "sizes": [9]}}
OWN = {"root": "a", "split": "test", "train": "train", "source": {"name": "coco"}, "remap": None}


def test_a_run_s_own_data_with_another_root_and_split():
    assert build.chosen_data(OWN, build.NO_DATA) == OWN
    asked = {"root": "b", "split": "val", "source": None}
    assert build.chosen_data(OWN, asked) == {**OWN, "root": "b", "split": "val"}
    assert build.chosen_data(OWN, {**asked, "source": {"name": "yolo"}})["source"] == {"name": "yolo"}


def write(folder: Path, text: str) -> Path:
    (folder / "config.yaml").write_text(text)
    return folder


def test_a_run_s_configuration_is_read_as_it_stands(tmp_path):
    config = {"data": {**OWN, "val": "val"}, "evaluation": EVALUATION, "note": "${oc.env:HOME}"}
    assert build.run_config(write(tmp_path, OmegaConf.to_yaml(config))) == config


def test_a_run_s_configuration_is_never_executed(tmp_path):
    trap = tmp_path / "sprung"
    with pytest.raises(UserError, match="cannot be read"):
        build.run_config(write(tmp_path, f"data: !!python/object/apply:pathlib.Path.touch [{trap}]"))
    source = {"_target_": "pathlib.Path.touch", "_args_": [str(trap)]}
    config = {"data": {**OWN, "val": "val", "source": source}, "evaluation": EVALUATION}
    with pytest.raises(UserError, match=r"names pathlib\.Path\.touch, which is no part of this program"):
        build.run_config(write(tmp_path, OmegaConf.to_yaml(config)))
    config["data"]["source"] = {"name": "os.system", "command": "true"}
    with pytest.raises(UserError, match=r"data\.source\.name=os\.system: must be auto, coco, csv"):
        build.load_split(build.run_config(write(tmp_path, OmegaConf.to_yaml(config)))["data"], "train")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "is not the configuration of a run but list"),
        ("data: {root: a}", "data.source is missing"),
        ("seed: 1", "data.root is missing"),
        ("a: [", "cannot be read"),
        ("a: &a [1, 2]\nb: [*a, *a]", "it uses an alias, which no run writes"),
    ],
)
def test_what_is_no_run_s_configuration_is_said(tmp_path, text, message):
    with pytest.raises(UserError) as caught:
        build.run_config(write(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'config.yaml'}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_run_is_said(tmp_path):
    with pytest.raises(UserError, match="No such file or directory; run= must name the folder of a run"):
        build.run_config(tmp_path)

"""What a training needs is found and looked at before it starts."""

from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from detector.app.training import preparing
from detector.errors import UserError
from tests.unit.data.builders import split_on_disk


def test_whole_frames_of_several_sizes_are_refused_to_several_processes(tmp_path):
    training = split_on_disk(tmp_path, 3)
    preparing.check_one_size(training, 2)
    first, *others = training.records
    mixed = replace(training, records=(replace(first, width=64, height=48), *others))
    with pytest.raises(UserError, match=r"several sizes here \(32x24 and 64x48\), by 2 processes: .*=1, or"):
        preparing.check_one_size(mixed, 2)


def test_every_path_of_a_run_is_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"root": "own", "false_alarms": "a.json", "beside": {"root": "above"}}
    config = OmegaConf.create({"data": data, "init": "best.pt"})
    preparing.make_absolute(config)
    beside = {"root": str(tmp_path / "above")}
    data = {"root": str(tmp_path / "own"), "false_alarms": str(tmp_path / "a.json"), "beside": beside}
    assert config == {"data": data, "init": str(tmp_path / "best.pt")}

    data = {"root": "/own", "false_alarms": None, "beside": {"root": None}}
    for init in (None, "thermal"):
        config = OmegaConf.create({"data": data, "init": init})
        preparing.make_absolute(config)
        assert config == {"data": data, "init": init}

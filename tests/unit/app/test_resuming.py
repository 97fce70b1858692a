"""A resumed run is the run that was begun, or says in what it is not."""

import json
import shlex
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from detector.app import resuming
from detector.engine import checkpoint
from detector.errors import UserError

CONFIG = {
    "model": {"stem": 4},
    "thermal": {"name": "percentile"},
    "postprocess": {"candidates": 10},
    "evaluation": {"backend": "pycocotools"},
    "criterion": {"name": "composite", "box_weight": 1.0},
    "optimizer": {"name": "adamw", "lr": 0.002, "weight_decay": 0.01},
    "engine": {"epochs": 2, "batch_size": 4, "precision": "fp32"},
    "data": {"root": "a", "train": "train", "remap": None, "beside": {"root": "c", "split": "train"}},
    "seed": 0,
    "init": None,
    "resume": None,
    "overwrite": False,
}
NEW = {
    "engine": {"keep": 1},
    "data": {"scale": 1.0, "on_error": "stop"},
    "evaluation": {"fps": None},
}
"""Settings that the run, which is older, does not know."""


@pytest.fixture
def last(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "checkpoints" / "last.pt"
    state = {"config": CONFIG, "classes": ["person"], "thresholds": None, "ema": {}, "optimizer": {}}
    checkpoint.save(path, {**state, "progress": {"best_epoch": -1, "epoch": 0}})
    return path


def asked(last: Path, *overrides: str) -> tuple[DictConfig, Path, list[str]]:
    config = OmegaConf.merge(CONFIG, NEW, OmegaConf.from_dotlist(list(overrides)), {"resume": str(last)})
    assert isinstance(config, DictConfig)
    return resuming.resumed(config, [f"resume={last}", *overrides])


def test_what_may_change_is_taken_and_told(last):
    config, folder, changes = asked(
        last,
        *("optimizer.weight_decay=0.5", "engine.epochs=3", "engine.batch_size=4"),
        *("data.root=b", "data.beside.root=d"),
    )
    assert folder == last.parents[1]
    assert (config.optimizer.weight_decay, config.engine.epochs, config.data.root) == (0.5, 3, "b")
    assert changes == [
        "optimizer.weight_decay=0.5 (was 0.01)",
        "engine.epochs=3 (was 2)",
        "data.root=b (was a)",
        "data.beside.root=d (was c)",
    ]
    assert config.engine.keep == 1
    assert config.evaluation == {**CONFIG["evaluation"], "fps": None}
    assert asked(last)[2] == []


def test_fewer_epochs_than_are_done_are_refused(last):
    state = checkpoint.load(last)
    checkpoint.save(last, {**state, "progress": {"best_epoch": -1, "epoch": 2}})
    with pytest.raises(UserError, match=r"engine\.epochs=1: the run has 2 behind it"):
        asked(last, "engine.epochs=1")


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "init=thermal",
        "engine.batch_size=8",
        "data.train=other",
        "data.beside.split=other",
        "data.scale=0.5",
        "model.stem=8",
        "optimizer.name=sgd",
        "criterion.name=dense",
    ],
)
def test_what_would_make_it_another_run_is_refused(last, override):
    with pytest.raises(UserError, match=rf"{override}: the run was begun with .*init="):
        asked(last, override)


def test_a_lost_best_checkpoint_is_told_before_anything_is_done(last):
    state = checkpoint.load(last)
    checkpoint.save(last, {**state, "progress": {"best_epoch": 3, "epoch": 2}})
    with pytest.raises(UserError, match=r"best\.pt: no such file, and the best epoch of the run, 3"):
        asked(last)
    last.with_name("best.pt").touch()
    asked(last)


def test_auto_goes_on_where_there_is_a_run_and_leaves_to_it_what_it_was_begun_with(last):
    run = last.parents[1]
    command = ["thermal-detector", "train", "data=coco", "data.source.images=a b", "engine.epochs=2"]
    (run / "environment.json").write_text(json.dumps({"command": shlex.join(command)}))
    config = OmegaConf.create({"resume": "auto"})
    new = resuming.going_on(config, run, [*command[2:], "resume=auto", "optimizer.lr=0.1"])
    assert (config.resume, new) == (str(last), ["resume=auto", "optimizer.lr=0.1"])

    config = OmegaConf.create({"resume": "auto"})
    overrides = [*command[2:], "resume=auto"]
    assert resuming.going_on(config, run.with_name("other"), overrides) == overrides
    assert config.resume is None
    # What anybody may have written there is compared and no more.
    for damaged in ("[]", "{", '{"command": 3}', json.dumps({"command": "'"})):
        (run / "environment.json").write_text(damaged)
        config = OmegaConf.create({"resume": "auto"})
        assert resuming.going_on(config, run, overrides) == overrides


FACTS = {
    "classes": ["person"],
    "data": {"training": {"frames": 3, "objects": 5, "digest": "a"}},
    "environment": {"torch": "2.6", "device": "2 x cpu, float32"},
}


def test_other_frames_and_classes_are_refused_and_other_versions_told():
    assert resuming.compared(FACTS, FACTS, source="last.pt") == []
    assert resuming.compared({"classes": ["person"]}, FACTS, source="last.pt") == []
    newer = {**FACTS, "environment": {"torch": "2.7", "device": "2 x cpu, float32"}}
    assert resuming.compared(FACTS, newer, source="last.pt") == ["torch 2.7 (was 2.6)"]
    with pytest.raises(UserError, match="knows the classes person, the training split has car"):
        resuming.compared(FACTS, {**FACTS, "classes": ["car"]}, source="last.pt")
    grown = {"training": {"frames": 4, "objects": 5, "digest": "b"}}
    with pytest.raises(
        UserError, match="the training split has changed since: it had 3 frames and 5 objects"
    ):
        resuming.compared(FACTS, {**FACTS, "data": grown}, source="last.pt")


def test_a_file_of_false_alarms_may_move_and_not_change(last):
    known = FACTS["data"]["training"]
    begun = {**FACTS, "data": {"training": {**known, "false_alarms": "a"}}}
    assert asked(last, "data.false_alarms=moved.json")[0].data.false_alarms == "moved.json"
    assert resuming.compared(begun, begun, source="last.pt") == []
    for now in (FACTS, {**FACTS, "data": {"training": {**known, "false_alarms": "b"}}}):
        with pytest.raises(UserError, match=r"data\.false_alarms has other false alarms than when"):
            resuming.compared(begun, now, source="last.pt")


def test_every_resumption_is_written_down(tmp_path):
    resuming.write_down(tmp_path, ["engine.epochs=3 (was 2)"], command="train", step=6)
    resuming.write_down(tmp_path, [], command="train again", step=9)
    assert json.loads((tmp_path / "resumed.json").read_text()) == [
        {"command": "train", "after_step": 6, "changes": ["engine.epochs=3 (was 2)"]},
        {"command": "train again", "after_step": 9, "changes": []},
    ]

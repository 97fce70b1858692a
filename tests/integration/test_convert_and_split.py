"""The commands that write data sets: what they write is read by the next one, and trained on."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.writers.coco import coco_document, write_coco_references
from tests.built import built
from tests.integration.commands import TINY_RUN, files_under
from tests.unit.data.builders import save_frame
from tests.unit.data.made import of_recordings


def truth(annotations: Annotations) -> dict[bytes, list[tuple[list[float], int]]]:
    """Boxes and labels by the picture's bytes."""
    return {
        record.path.read_bytes(): list(
            zip(record.boxes.round(3).tolist(), record.labels.tolist(), strict=True)
        )
        for record in annotations.records
    }


def test_a_set_goes_to_coco_and_yolo_and_back(call, tiny_set, tmp_path):
    own = ["data=coco", f"data.root={tiny_set}", "splits=[train,val]"]
    out = call("convert", *own, "output=as_coco").assert_fine().out
    assert re.match(r"train: 12 frames, \d+ objects, 0 regions to ignore\nval: 4 frames", out)
    again = ["data=coco", "data.root=as_coco", "output=as_yolo", "format=yolo", "pictures=copy"]
    outcome = call("convert", *again).assert_fine()
    assert outcome.out.count("frames") == 2
    for split in ("train", "val"):
        expected = truth(built("data/coco", root=tiny_set).load(split))
        assert truth(built("data/coco", root=tmp_path / "as_coco").load(split)) == expected
        assert truth(built("data/yolo", root=tmp_path / "as_yolo").load(split)) == expected
    pictures = [*(tmp_path / "as_yolo/images").rglob("*.png")]
    assert len(pictures) == 16
    assert not any(path.is_symlink() for path in pictures)


def test_new_splits_and_folds_keep_recordings_whole_and_can_be_trained_on(call, tiny_set, tmp_path):
    own = ["data=coco", f"data.root={tiny_set}", "splits=[train]", "output=new"]
    out = call("split", *own, "folds=2", "shares=[0.5,0.25,0.25]").assert_fine().out
    assert out.splitlines()[0].split()[:4] == ["split", "recordings", "frames", "share"]
    pictures = f"data.source.images={tiny_set / 'train'}"
    assert out.splitlines()[-1].endswith(f"to train: data=coco data.root=new {pictures} data.split=test")
    source = built("data/coco", root=tmp_path / "new", images=str(tiny_set / "train"))
    splits = {name: source.load(name).records for name in source.splits()}
    assert splits.keys() == {"train", "val", "test", "train_0", "val_0", "train_1", "val_1"}
    names = {name: {record.sequence for record in records} for name, records in splits.items()}
    paths = {name: {record.path for record in records} for name, records in splits.items()}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test"), ("train_0", "val_0")):
        assert not names[one] & names[other]
    assert paths["train"] | paths["val"] | paths["test"] == set((tiny_set / "train").glob("*.png"))
    for fold in ("0", "1"):
        assert paths[f"train_{fold}"] | paths[f"val_{fold}"] == paths["train"] | paths["val"]
    assert paths["val_0"] | paths["val_1"] == paths["train"] | paths["val"]
    for line in out.splitlines()[1:8]:
        name, groups, frames, share, *_ = line.split()
        assert (int(groups), int(frames)) == (len(names[name]), len(paths[name]))
        assert float(share) == pytest.approx(len(paths[name]) / 12, abs=1e-3)
    training = ["data=coco", "data.root=new", pictures, "data.train=train_0", "data.val=val_0"]
    training.append("data.split=val_0")
    call("train", *TINY_RUN, *training, "engine.epochs=1", "hydra.run.dir=run").assert_fine()
    assert json.loads((tmp_path / "run/metrics.json").read_text())["images"] == len(paths["val_0"])


@pytest.fixture
def two_recordings(tmp_path, monkeypatch) -> None:
    """own/annotations/all.json: two frames with an object of class 0 each, and two of class 1."""
    monkeypatch.chdir(tmp_path)
    made = of_recordings({"a": [[0], [0]], "b": [[1], [1]]})
    for record in made.records:
        save_frame(record.path, np.zeros((30, 40), np.uint8))
    write_coco_references({"all": made}, Path("own"))


@pytest.mark.usefixtures("two_recordings")
def test_a_class_that_is_missing_is_told(call, caplog):
    overrides = [
        "data=coco",
        "data.root=own",
        f"data.source.images={Path.cwd()}",
        "output=new",
        "shares=[0.5,0.5]",
    ]
    out = call("split", *overrides).assert_fine().out
    assert re.search(r"\ntrain +1 +2 +0.500 +[02] +[02]\nval +1 +2 +0.500 ", out)
    told = [re.fullmatch(r"(train|val) has no object of: class ([01])", line) for line in caplog.messages]
    assert [match and match[1] for match in told] == ["train", "val"]
    assert {match and match[2] for match in told} == {"0", "1"}


@pytest.mark.usefixtures("two_recordings")
def test_frames_split_singly_are_balanced_and_warned_of(call, caplog, tmp_path):
    own = ["data=coco", "data.root=own", f"data.source.images={Path.cwd()}"]
    overrides = [*own, "output=new", "shares=[0.5,0.5]", "groups=frames"]
    call("split", *overrides).assert_fine()
    (warning,) = caplog.messages
    assert warning.startswith("groups=frames: frames of one recording stand on both sides")
    for split in ("train", "val"):
        labels = [
            record.labels.tolist()
            for record in built("data/coco", root=tmp_path / "new", images=str(tmp_path)).load(split).records
        ]
        assert sorted(labels) == [[0], [1]]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "output must be given: add output=... to the command"),
        (["output=new", "format=voc"], "format=voc: must be one of coco, yolo"),
        (["output=new", "pictures=move"], "pictures=move: must be link or copy"),
        (["output=new", "splits=[dev]"], "dev.json does not exist; splits found: test, train, val"),
        (["output=new", "splits=train"], "splits=train: must be a list of names"),
        (["output=new", "splits=5"], "splits=5: must be a list of names"),
        (["output=new", "data=checkpoint"], "data=checkpoint: names no data set of its own"),
        (["output=SET"], "set: must be a new folder or an empty one"),
        (["output=new", "data.source.annotations='{split}/a.json'"], "no split found"),
    ],
)
def test_converting_refuses(call, tiny_set, tmp_path, overrides, message):
    given = [override.replace("SET", str(tiny_set)) for override in overrides]
    call("convert", "data=coco", f"data.root={tiny_set}", *given).assert_error(message)
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["shares=[0.7,0.2]"], "must be numbers above 0 that add up to 1"),
        (["shares=[0.4,0.3,0.2,0.1]"], "must be two shares (train, val) or three (and test)"),
        (["folds=1"], "folds=1: must be 0 for none or at least 2"),
        (["folds=9"], "9 splits need 9 recordings, found"),
        (["groups=days"], "groups=days: must be recordings or frames"),
        (["seed=-1"], "seed=-1: must be at least 0"),
    ],
)
def test_splitting_refuses(call, tiny_set, tmp_path, overrides, message):
    own = ["data=coco", f"data.root={tiny_set}", "output=new"]
    call("split", *own, *overrides).assert_error(message)
    assert files_under(tmp_path) == set()


def test_converting_warns_as_the_doctor_does(call, caplog, tmp_path):
    """A box of four lies outside, and val has none."""
    made = of_recordings({"a": [[0, 0], [0, 0]]})
    for record in made.records:
        save_frame(tmp_path / "set/train" / record.path, np.zeros((30, 40), np.uint8))
        save_frame(tmp_path / "set/val" / record.path, np.zeros((30, 40), np.uint8))
    names = [record.path.as_posix() for record in made.records]
    document = coco_document(made, names)
    document["annotations"][0]["bbox"] = [90, 5, 9, 4]
    for split, annotations in (("train", document["annotations"]), ("val", [])):
        file = tmp_path / f"set/annotations/{split}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({**document, "annotations": annotations}))
    call("convert", "data=coco", "data.root=set", "output=new").assert_fine()
    assert any("boxes outside: 1 of 4 boxes lie wholly outside" in text for text in caplog.messages)
    assert any(text.startswith("no frame of val has an object") for text in caplog.messages)


def test_the_set_must_be_named(call, tmp_path):
    call("convert", "output=new").assert_error("You must specify 'data'")
    assert files_under(tmp_path) == set()


def test_sets_are_joined_and_trained_on(call, tiny_set, tmp_path):
    own = ["data=coco", f"data.root={tiny_set}"]
    call("convert", *own, "splits=[train,val]", "output=one").assert_fine()
    renamed = "data.remap={person: pedestrian}"
    call("convert", *own, "splits=[train]", renamed, "output=two", "pictures=copy").assert_fine()
    call("join", "sets=[one,two]", "output=both").assert_fine()
    one, two = (built("data/coco", root=tmp_path / name).load("train") for name in ("one", "two"))
    both = built("data/coco", root=tmp_path / "both")
    assert set(both.splits()) == {"train", "val"}
    joined = both.load("train")
    assert joined.classes == (*one.classes, "pedestrian")
    counts = dict(zip(joined.classes, joined.object_counts().tolist(), strict=True))
    for annotations in (one, two):
        for name, count in zip(annotations.classes, annotations.object_counts().tolist(), strict=True):
            counts[name] -= count
    assert set(counts.values()) == {0}
    assert {record.sequence.partition("/")[0] for record in joined.records} == {"one", "two"}
    training = ["data=coco", "data.root=both", "data.split=val"]
    call("train", *TINY_RUN, *training, "engine.epochs=1", "hydra.run.dir=run").assert_fine()


def test_a_join_of_one_set_or_of_two_of_one_name_is_refused(call, tiny_set):
    call("join", f"sets=[{tiny_set}]", "output=both").assert_error("must be a list of folders")
    outcome = call("join", f"sets=[{tiny_set},{tiny_set}]", "output=both")
    outcome.assert_error(f"two folders are called {tiny_set.name}: rename one")

"""What a user can do wrong costs one clear line, status 1, no trace and no litter."""

import json
import shutil
from pathlib import Path

import pytest

from detector.engine import checkpoint
from tests.integration.commands import TINY_ENGINE, TINY_RUN, files_under, program


@pytest.fixture
def own_set(tiny_set, tmp_path_factory) -> Path:
    """A copy of the tiny set, to be damaged."""
    return Path(shutil.copytree(tiny_set, tmp_path_factory.mktemp("own") / "set"))


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.root=nowhere"], "data.root=HERE/nowhere: no such folder"),
        (["data=hit_uav", "data.root=SET"], "SET/annotations/train.json: no 'annotation' list"),
        (
            ["data=coco", "data.root=SET", "data.source.annotations='labels/{split}.json'"],
            "no split found: wrong layout",
        ),
        (["data.root=SET", "data.val=valid"], "valid.json does not exist; splits found: test, train, val"),
        (
            ["data=coco", "data.root=SET", "data.source.classes=[unicorn]"],
            "unknown class 'unicorn'; available: person",
        ),
        (["data.root=SET", "engine.epoch=3"], "unknown setting engine.epoch; did you mean engine.epochs?"),
        (["data.root=SET", "engine.epochs=many"], "engine.epochs=many: must be auto or a number from 1"),
        (["data.root=SET", "optimizer.lr=-1.0"], "optimizer.lr=-1.0: must be above 0"),
        (["data.root=SET", "engine.patience=soon"], "engine.patience: Value 'soon' of type 'str'"),
        (["data.root=SET", "criterion.mining.scope=world"], "mining.scope must be batch or image"),
        (
            ["data.root=SET", "augment.size=[50,64]"],
            "augment.size=[50, 64]: must be multiples of the stride 8",
        ),
        (["data.root=SET", "engine.batch_size=0"], "engine.batch_size=0: must be at least 1"),
        (
            ["data.root=SET", "data.frames=13"],
            "data.frames=13: must be null or a number from 1 to the split's 12",
        ),
        (["data.root=SET", "init=nowhere.pt"], "nowhere.pt: no such file"),
        (
            ["data.root=SET", "engine.accumulate=9"],
            "engine.accumulate=9 is more than the 3 batches of an epoch",
        ),
        (
            ["data.root=SET", "engine.processes=3"],
            "engine.batch_size=4: must be a multiple of the 3 processes",
        ),
        (["resume=nowhere/last.pt"], "checkpoint HERE/nowhere/last.pt: no such file"),
    ],
)
def test_training_refuses(call, tiny_set, tmp_path, overrides, message):
    given = [override.replace("SET", str(tiny_set)) for override in overrides]
    said = message.replace("SET", str(tiny_set)).replace("HERE", str(tmp_path))
    call("train", *TINY_RUN, *given).assert_error(said)
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_empty_split_is_named_before_training(call, own_set, tmp_path, split):
    edit(own_set / "annotations" / f"{split}.json", images=[], annotations=[])
    outcome = call("train", *TINY_RUN, f"data.root={own_set}")
    outcome.assert_error(f"{own_set}/annotations/{split}.json: the split is empty")
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_unreadable_image_is_named_before_training(call, own_set, tmp_path, split):
    image = sorted((own_set / split).glob("*.png"))[1]
    image.write_bytes(image.read_bytes()[:-40])
    outcome = call("train", *TINY_RUN, f"data.root={own_set}")
    outcome.assert_error(f"{image}: the image file is cut short")
    assert files_under(tmp_path) == set()


def test_a_command_of_its_own_with_two_processes_says_it_once(own_set, tmp_path):
    image = sorted((own_set / "train").glob("*.png"))[0]
    image.write_bytes(b"not a picture")
    outcome = program("train", *TINY_RUN, f"data.root={own_set}", "engine.processes=2", folder=tmp_path)
    outcome.assert_error(f"{image}: not a readable PNG")
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.stem=6", "the run was begun with 4 and would be another one"),
        ("model=small", "model=small: a resumed run keeps its configuration"),
        ("engine.epoch=3", "unknown setting engine.epoch; did you mean engine.epochs?"),
    ],
)
def test_a_run_is_not_resumed_as_another(call, finished, tmp_path, override, message):
    before = files_under(finished.run)
    last = finished.run / "checkpoints" / "last.pt"
    call("train", f"resume={last}", override).assert_error(message)
    assert files_under(tmp_path) == set()
    assert files_under(finished.run) == before


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "checkpoint must be given: add checkpoint=... to the command"),
        (["checkpoint=best.pt"], "checkpoint best.pt: no such file"),
        (["checkpoint=5"], "checkpoint 5: no such file"),
        (["checkpoint=BEST", "data.root=nowhere"], "data.root=nowhere: no such folder"),
        (["checkpoint=BEST", "data.split=valid"], "splits found: test, train, val"),
        (
            ["checkpoint=BEST", "data=coco", "data.root=SET", "data.remap={person: dog}"],
            "the data set has dog too: choose with data.source.classes",
        ),
        (["checkpoint=BEST", "engine.device=gpu"], "engine.device=gpu: must be auto, cpu or cuda"),
        (["checkpoint=BEST", "engine.batch_size=0"], "engine.batch_size=0: must be at least 1"),
    ],
)
def test_evaluation_refuses(call, finished, tiny_set, tmp_path, overrides, message):
    before = files_under(finished.run)
    best = finished.run / "checkpoints" / "best.pt"
    given = [override.replace("BEST", str(best)).replace("SET", str(tiny_set)) for override in overrides]
    call("evaluate", *TINY_ENGINE, *given).assert_error(message)
    assert files_under(tmp_path) == set()
    assert files_under(finished.run) == before


def test_evaluation_refuses_checkpoints_of_other_models_and_damaged_ones(call, finished, tmp_path):
    path = tmp_path / "other.pt"
    state = checkpoint.load(finished.run / "checkpoints" / "best.pt")
    state["config"]["model"]["stem"] = 6
    checkpoint.save(path, state)
    call("evaluate", f"checkpoint={path}").assert_error(f"checkpoint {path}: belongs to another")
    path.write_bytes(path.read_bytes()[:1000])
    call("evaluate", f"checkpoint={path}").assert_error(f"checkpoint {path}: cannot be read")
    assert files_under(tmp_path) == {"other.pt"}

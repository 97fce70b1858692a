"""Checkpoints back into detectors."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from detector.app.opening import changed_postprocess, labelled
from detector.app.parts import build
from detector.app.settings import plain
from detector.app.trained import Trained
from detector.data.annotations import Annotations
from detector.engine import checkpoint
from detector.errors import UserError
from detector.thermal.agc import Scaled
from tests.built import built
from tests.heads import compose
from tests.unit.data.made import record
from tests.unit.engine.builders import assert_same

CPU = torch.device("cpu")
TINY_MODEL = [
    "model.stem=4",
    "model.widths=[8,8]",
    "model.depths=[1,1]",
    "model.neck_widths=[8,8]",
    "model.neck_depths=[1]",
]


@pytest.fixture
def saved(tmp_path) -> Path:
    """A checkpoint as training writes it, whose average differs from its raw model."""
    config = plain(compose("train", *TINY_MODEL, "data.root=some/where", "data.scale=0.5"))
    torch.manual_seed(0)
    model = build("model", config["model"], classes=2)
    average = {name: value + 1 for name, value in model.state_dict().items()}
    path = tmp_path / "run" / "checkpoints" / "best.pt"
    state = {"config": config, "classes": ["person", "car"], "thresholds": {"person": 0.4}}
    checkpoint.save(path, {**state, "model": model.state_dict(), "ema": average})
    return path


def test_a_checkpoint_is_judged_by_its_average_in_eval_mode(saved):
    trained = Trained(saved, device=CPU)
    assert not trained.model.training
    assert_same(dict(trained.model.state_dict()), dict(checkpoint.load(saved)["ema"]))
    assert trained.classes == ("person", "car")
    assert trained.thresholds == {"person": 0.4}
    assert trained.data is not None
    assert trained.data["root"] == "some/where"
    assert trained.run_folder == saved.parent.parent.resolve()
    assert trained.gain == Scaled(built("thermal/percentile"), 0.5)


def test_another_scale_and_none_take_the_place_of_the_run_s(saved):
    assert Trained(saved, device=CPU, scale=0.25).gain == Scaled(built("thermal/percentile"), 0.25)
    assert Trained(saved, device=CPU, scale=1).gain == built("thermal/percentile")


def test_checkpoints_from_before_scales_show_frames_as_they_are(saved):
    state = checkpoint.load(saved)
    del state["config"]["data"]["scale"]
    checkpoint.save(saved, state)
    assert Trained(saved, device=CPU).gain == built("thermal/percentile")


def test_a_weights_file_makes_the_same_detector_to_half_precision(saved, tmp_path):
    path = tmp_path / "mailed" / "weights.safetensors"
    checkpoint.save_weights(path, checkpoint.load(saved))
    trained, original = Trained(path, device=CPU), Trained(saved, device=CPU)
    assert (trained.classes, trained.thresholds) == (original.classes, original.thresholds)
    assert (trained.gain, trained.postprocess) == (original.gain, original.postprocess)
    assert trained.data is None
    assert trained.run_folder == path.parent.resolve()
    for name, value in original.model.state_dict().items():
        torch.testing.assert_close(trained.model.state_dict()[name], value, rtol=2**-11, atol=1e-7)


def changed(saved: Path, group: str, **settings: object) -> Path:
    state = checkpoint.load(saved)
    state["config"][group].update(settings)
    checkpoint.save(saved, state)
    return saved


def test_weights_that_are_not_its_configuration_s_are_refused(saved):
    changed(saved, "model", stem=6)
    with pytest.raises(UserError, match=rf"^checkpoint {saved}: belongs to another model \(backbone.stem"):
        Trained(saved, device=CPU)


@pytest.mark.parametrize(
    ("group", "settings", "message"),
    [
        ("thermal", {"name": "os.system"}, r"thermal\.name=os\.system: must be bit_depth, "),
        ("thermal", {"command": "true"}, r"thermal\.command: no such setting; there is "),
        ("thermal", {"low": "much"}, r"thermal: "),
        ("model", {"name": "subprocess:run"}, r"model\.name=subprocess:run: must be pyramid"),
        ("model", {"head": {"name": "../../x"}}, r"model\.head\.name=\.\./\.\./x: must be towers"),
        (
            "postprocess",
            {"suppression": {"name": "eval"}},
            r"postprocess\.suppression\.name=eval: must be",
        ),
        ("postprocess", {"suppression": "exec"}, r"postprocess\.suppression='exec': must be a group"),
    ],
)
def test_what_is_no_part_of_this_program_is_refused_by_name(saved, group, settings, message):
    changed(saved, group, **settings)
    with pytest.raises(UserError, match=rf"^checkpoint {saved}: {message}"):
        Trained(saved, device=CPU)


def test_a_set_with_fewer_classes_in_another_order_can_be_judged_one_with_others_not(saved):
    trained = Trained(saved, device=CPU)
    own = Annotations(("person", "car"), (), (1, 2))
    assert labelled(trained, own) is own
    car = record(Path("a.png"), [((1, 1, 9, 9), 0, False)])
    fewer = labelled(trained, Annotations(("car",), (car,), (7,)))
    assert (fewer.classes, fewer.category_ids) == (("person", "car"), (8, 7))
    assert fewer.records[0].labels.tolist() == [1]
    with pytest.raises(UserError, match=r"knows the classes person, car; the data set has dog too"):
        labelled(trained, Annotations(("person", "dog"), (), (1, 2)))


def test_what_is_asked_for_replaces_the_checkpoint_s_postprocess(saved):
    trained = Trained(saved, device=CPU)
    nothing = dict.fromkeys(("score_threshold", "class_aware", "suppression"))
    assert changed_postprocess(trained, nothing) == trained.postprocess
    changed = changed_postprocess(trained, {**nothing, "class_aware": False})
    assert changed == replace(trained.postprocess, class_aware=False)
    with pytest.raises(UserError, match="no such setting"):
        changed_postprocess(trained, {"classaware": False})

"""The table of parts: what it builds, and that it builds nothing else."""

import albumentations as A
import pytest
import torch

from detector.app.parts import GROUPS, ONLY, PARTS, _load, build
from detector.criterion.combine import Geometric, ShiftedGeometric
from detector.errors import UserError
from detector.losses.box import giou_nwd_loss
from detector.thermal.agc import Clahe, Percentile
from tests.built import built, settings_at

PERCENTILE = {"name": "percentile", "low": 1.0, "high": 99.0, "min_span": 16.0}


def test_every_line_of_the_table_leads_somewhere():
    for places in (*(names.values() for names in PARTS.values()), ONLY.values()):
        for place in places:
            assert _load(place).__module__.startswith("detector.")


def test_a_class_is_constructed():
    assert build("thermal", PERCENTILE) == Percentile(1.0, 99.0, 16.0)
    assert build("combine", {"name": "shifted_geometric", "shift": 0.2}) == ShiftedGeometric(0.2)


def test_a_function_gets_its_settings_and_keeps_its_arguments():
    loss = build("box", {"name": "giou_nwd", "constant": 8.0})
    a, b = torch.tensor([[1.0, 1, 5, 5]]), torch.tensor([[2.0, 1, 6, 4]])
    assert torch.equal(loss(a, b), giou_nwd_loss(a, b, constant=8.0))


def test_parts_inside_parts_are_built_by_the_key_they_stand_under():
    node = {"name": "clahe", "base": PERCENTILE, "limit": 3.0, "rows": 2, "columns": 2}
    assert build("thermal", node) == Clahe(base=Percentile(1.0, 99.0, 16.0), limit=3.0, rows=2, columns=2)
    composite = built("criterion/composite_compact", cls_weight=0.25)
    assert composite.cls_weight == 0.25
    assert composite.combine == Geometric(settings_at("criterion/composite_compact:combine")["eps"])
    assert composite.mining.ratio == settings_at("criterion/composite_compact:mining")["ratio"]


def test_a_part_is_left_as_it_was():
    node = {"name": "clahe", "base": dict(PERCENTILE), "limit": 3.0, "rows": 2, "columns": 2}
    build("thermal", node)
    assert node["name"] == "clahe"
    assert node["base"] == PERCENTILE


def test_albumentations_transforms_go_by_their_class():
    flip = build("geometry", {"name": "HorizontalFlip", "p": 0.5})
    assert isinstance(flip, A.HorizontalFlip)
    one = build("geometry", {"name": "OneOf", "transforms": [{"name": "VerticalFlip", "p": 1.0}], "p": 0.3})
    assert isinstance(one, A.OneOf)
    assert isinstance(one.transforms[0], A.VerticalFlip)


@pytest.mark.parametrize("name", ["Any", "BasicTransforms", "Compose.__init__", "np", "_target_", 3, None])
def test_albumentations_gives_nothing_but_transforms(name):
    with pytest.raises(UserError, match=r"intensity\.x\.name="):
        build("intensity", {"name": name}, where="intensity.x")


@pytest.mark.parametrize("name", ["os.system", "builtins:eval", "thermal.agc:Percentile", "", None, 7, []])
@pytest.mark.parametrize("kind", [kind for kind in PARTS if kind not in GROUPS])
def test_nothing_but_the_table_is_built(kind, name):
    with pytest.raises(UserError, match=rf"{kind}\.name=.*: must be "):
        build(kind, {"name": name})


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"name": "percentil"}, r"thermal\.name=percentil: must be .*; did you mean percentile\?"),
        ({**PERCENTILE, "hihg": 2}, r"thermal\.hihg: no such setting; there is .*; did you mean high\?"),
        ({"name": "percentile", "low": 1.0, "high": 2.0}, r"thermal\.min_span must be given"),
        ({**PERCENTILE, "low": "x"}, r"thermal: "),
        ("percentile", r"thermal='percentile': must be a group of settings"),
        ({**PERCENTILE, "_target_": "os.system"}, r"thermal\._target_: no such setting"),
    ],
)
def test_what_is_wrong_is_said_with_its_name(node, message):
    with pytest.raises(UserError, match=f"^{message}"):
        build("thermal", node)


def test_the_place_inside_is_named():
    node = {"name": "clahe", "base": {"name": "x"}, "limit": 3.0, "rows": 2, "columns": 2}
    with pytest.raises(UserError, match=r"^thermal\.base\.name=x: must be "):
        build("thermal", node)

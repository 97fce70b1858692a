"""data=auto, as users bring their sets, through the commands, and the formats of label tools."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from detector.data.splits import merge
from tests.built import built
from tests.integration.commands import TINY_ENGINE, TINY_RUN
from tests.integration.test_convert_and_split import truth


@pytest.mark.parametrize("target", ["cvat", "label_studio", "labelme"])
def test_a_set_goes_to_label_tools_and_back(target, call, tiny_set, tmp_path):
    out = (
        call("convert", f"data.root={tiny_set}", "data=coco", f"format={target}", "output=as")
        .assert_fine()
        .out
    )
    assert out.endswith(f"written as {target}: {tmp_path / 'as'}\n")
    call("convert", f"data={target}", "data.root=as", "output=back").assert_fine()
    # By name: of the tools only CVAT lists classes in an order.
    for split in ("train", "val", "test"):
        there, back = (built("data/coco", root=root).load(split) for root in (tiny_set, tmp_path / "back"))
        assert set(back.classes) <= set(there.classes)
        assert boxes_by_name(there) == boxes_by_name(back)
    call("convert", "data=auto", "data.root=as", "output=again").assert_fine()
    again = built("data/coco", root=tmp_path / "again").load("val")
    assert boxes_by_name(again) == boxes_by_name(built("data/coco", root=tiny_set).load("val"))


def boxes_by_name(annotations):
    return {
        picture: sorted((annotations.classes[label], box) for box, label in objects)
        for picture, objects in truth(annotations).items()
    }


@pytest.fixture
def labelled_frames(tiny_set, tmp_path) -> Path:
    """frames: a folder as the frames command makes it, with a zip of COCO labels of 14 of its 20 frames."""
    source = built("data/coco", root=tiny_set)
    whole = merge({split: source.load(split) for split in source.splits()})
    folder = tmp_path / "frames"
    frames, images, objects = [], [], []
    for number, record in enumerate(whole.records):
        name = f"{record.sequence}_{number:04d}.png"
        (folder / "counts").mkdir(parents=True, exist_ok=True)
        shutil.copy(record.path, folder / "counts" / name)
        frames.append({"name": name, "counts": f"counts/{name}", "recording": record.sequence})
        if number < 14:
            images.append({"id": number, "file_name": f"images/{name}", "width": 64, "height": 64})
            objects += [
                {"image_id": number, "category_id": label + 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
                for (x1, y1, x2, y2), label in zip(record.boxes.tolist(), record.labels.tolist(), strict=True)
            ]
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(whole.classes)]
    (folder / "frames.json").write_text(json.dumps({"format": 1, "frames": frames}))
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        document = {"images": images, "annotations": objects, "categories": categories}
        archive.writestr("annotations/instances_default.json", json.dumps(document))
    return folder


def test_train_evaluate_and_report_see_one_made_split(call, labelled_frames, tmp_path):
    run = ["hydra.run.dir=run", "engine.epochs=1"]
    outcome = call("train", *TINY_RUN, "data=auto", "data.root=frames", *run).assert_fine()
    lines = [line for line in outcome.out.splitlines() if "taken for" in line]
    assert len(lines) == 1
    assert "taken for COCO, export.zip.unpacked/annotations/instances_default.json" in lines[0]
    assert (
        "of 20 frames of 10 recordings in frames.json, read as counts; no splits there: 14 frames of 7"
        in lines[0]
    )
    judged = {entry["image_id"] for entry in json.loads((tmp_path / "run/predictions.json").read_text())}
    own = json.loads((tmp_path / "run/metrics.json").read_text())
    source = built("data/auto", root=labelled_frames)
    ids = {split: {record.image_id for record in source.load(split).records} for split in source.splits()}
    assert sorted(set().union(*ids.values())) == list(range(14))
    assert judged <= ids["test"]
    assert own["images"] == len(ids["test"])
    call("evaluate", "checkpoint=run/checkpoints/best.pt", *TINY_ENGINE).assert_fine()
    assert json.loads((tmp_path / "run/evaluation/test/metrics.json").read_text()) == own
    call("report", "run=run").assert_fine()
    assert "cannot be read" not in (tmp_path / "run/report.html").read_text()


def test_what_cannot_be_recognised_is_one_line(call, tmp_path):
    (tmp_path / "own").mkdir()
    call("train", "data=auto", "data.root=own").assert_error(
        "own: no labels of any known format among 0 pictures"
    )
    call("train", "data=auto", "data.root=own.zip").assert_error("own.zip: no such folder or zip file")

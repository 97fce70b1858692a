"""thermal-detector frames on made recordings and a real one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from detector.thermal import io
from tests.built import built
from tests.integration.commands import REPOSITORY, files_under
from tests.unit.data.builders import save_frame
from tests.unit.labelling.builders import scene

LEPTON = Path(os.environ.get("THERMAL_DATA", REPOSITORY.parent / "shared" / "data")) / "lepton"


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Two recordings of one name: 16-bit with an object in frames 10 to 19, and 8-bit with nothing."""
    for name, counts in {
        "a/clip.npy": scene(40, objects={k: (3 * k, 2 * k) for k in range(10, 20)}),
        "b/clip.npy": (scene(30) // 40).astype(np.uint8),
    }.items():
        (tmp_path / "night" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "night" / name, counts)
    return tmp_path / "night"


def listed(output: str = "set") -> list[dict]:
    return json.loads((Path(output) / "frames.json").read_text())["frames"]


def test_frames_are_picked_with_their_counts(call, night):
    out = call("frames", "source=night", "output=set", "count=8").assert_fine().out
    assert out == "round 1: 8 of 70 frames (6 changed, 2 quiet): set\n"
    frames = listed()
    assert [(frame["recording"], frame["depth"]) for frame in frames] == [("clip", 16)] * 7 + [("clip_2", 8)]
    assert sum(10 <= frame["index"] < 20 for frame in frames[:7]) == 6
    assert files_under(Path("set")) == {
        "frames.json",
        "counts",
        "preview",
        *(frame["counts"] for frame in frames),
        *(frame["preview"] for frame in frames),
    }
    sources = {"clip": night / "a/clip.npy", "clip_2": night / "b/clip.npy"}
    for frame in frames:
        assert Path(frame["source"]).resolve() == sources[frame["recording"]]
        counts = np.load(sources[frame["recording"]])[frame["index"]]
        stored = io.read(Path("set") / frame["counts"]).counts
        assert stored.dtype == counts.dtype
        np.testing.assert_array_equal(stored, counts)
        preview = io.read(Path("set") / frame["preview"]).counts
        assert (preview.shape, preview.dtype) == (counts.shape, np.uint8)
        if frame["recording"] == "clip":  # the other one is next to flat
            assert (int(preview.min()), int(preview.max())) == (0, 255)
        assert (frame["width"], frame["height"], frame["time"]) == (80, 64, None)


def test_a_second_round_picks_others_though_the_files_have_moved(call, night):
    call("frames", "source=night", "output=set", "count=8").assert_fine()
    first = listed()
    label = Path("set/preview") / f"{first[0]['name']}.json"
    label.write_text("a person's work")
    night.rename(night.with_name("archive"))
    call("frames", "source=archive/a", "output=set", "count=5").assert_fine()
    frames = listed()
    assert frames[:8] == first
    assert [(frame["recording"], frame["round"]) for frame in frames[8:]] == [("clip", 2)] * 5
    assert len({frame["name"] for frame in frames}) == 13
    assert label.read_text() == "a person's work"
    call("frames", "source=archive", "output=set", "count=500").assert_fine()
    assert len(listed()) == 70
    before = files_under(Path())
    message = "set: holds every frame of the source that differs from the others"
    outcome = call("frames", "source=archive", "output=set")
    assert (outcome.status, outcome.err.splitlines()[-1]) == (1, f"error: {message}")
    assert files_under(Path()) == before


@pytest.mark.usefixtures("night")
def test_a_checkpoint_picks_what_it_is_unsure_of_and_labels_it(call, finished):
    model = f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}"
    call("frames", "source=night", "output=set", "count=4").assert_fine()
    options = ["count=6", "labels=[coco,yolo]", "confidence=0.01", "engine.device=cpu"]
    out = call("frames", "source=night", "output=set", model, *options).assert_fine().out
    frames = listed()[4:]
    assert [frame["why"] for frame in frames].count("unsure") >= 3
    coco = built("data/coco", root="set/prelabels/round_2/coco").load("train")
    yolo = built("data/yolo", root="set/prelabels/round_2/yolo").load("train")
    assert [record.path.stem for record in coco.records] == [frame["name"] for frame in frames]
    assert [record.sequence for record in coco.records] == [frame["recording"] for frame in frames]
    objects = int(coco.object_counts().sum())
    assert objects == int(yolo.object_counts().sum()) > 0
    assert f"labels of {objects} objects to correct: set/prelabels/round_2" in out
    names = {record.path.stem: record for record in yolo.records}
    predict = ["pictures=none", "output=found", "confidence=0.01", "engine.device=cpu"]
    call("predict", "source=night/a/clip.npy", model, *predict).assert_fine()
    found = json.loads(Path("found/detections.json").read_text())["frames"]
    for frame, record in zip(frames, coco.records, strict=True):
        preview = (Path("set") / frame["preview"]).read_bytes()
        assert record.path.read_bytes() == names[frame["name"]].path.read_bytes() == preview
        if frame["recording"] == "clip":
            boxes = [item["box"] for item in found[frame["index"]]["objects"]]
            np.testing.assert_allclose(record.boxes, np.reshape(boxes, (-1, 4)), atol=0.01)


def test_a_folder_of_pictures_may_grow_between_rounds(call, tmp_path):
    """Indices then change, and so would names; no frame is picked twice and none is written over."""
    counts = scene(6)
    folder = tmp_path / "trap"
    for index in (1, 3, 5):
        save_frame(folder / f"{index}.png", counts[index])
    call("frames", "source=trap", "output=set", "count=3").assert_fine()
    for index in (0, 2, 4):
        save_frame(folder / f"{index}.png", counts[index])
    call("frames", "source=trap", "output=set", "count=9").assert_fine()
    frames = listed()
    assert sorted(Path(frame["source"]).name for frame in frames) == [f"{k}.png" for k in range(6)]
    assert len({frame["name"] for frame in frames}) == 6
    assert {frame["recording"] for frame in frames} == {"trap"}
    for frame in frames:
        stored = io.read(Path("set") / frame["counts"]).counts
        np.testing.assert_array_equal(stored, counts[int(Path(frame["source"]).stem)])


def test_a_recording_that_is_cut_short_gives_what_it_has(call, night):
    file = night / "b" / "clip.npy"
    file.write_bytes(file.read_bytes()[:-100])
    outcome = call("frames", "source=night", "output=set", "count=6")
    assert outcome.status == 1
    assert "b/clip.npy" in outcome.err
    assert outcome.err.endswith("error: 1 could not be read whole, as named above; the rest is done\n")
    assert {frame["recording"] for frame in listed()} == {"clip"}


@pytest.mark.usefixtures("night")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["count=0"], "count=0: must be a whole number of frames, at least 1"),
        (["labels=[voc5]"], "labels=['voc5']: must be a list of coco, yolo"),
        (["confidence=0.5"], "confidence: is of what a checkpoint finds; give checkpoint=PATH too"),
        (["raw_shape=[8]"], "raw_shape=[8]: must be [height, width]"),
        (["source=nothing.cptv"], "nothing.cptv: no such image file or folder"),
        (["output=night"], "must be a new folder or an empty one"),
    ],
)
def test_refuses(call, tmp_path, options, message):
    before = files_under(tmp_path)
    call("frames", "source=night", "output=set", *options).assert_error(message)
    assert files_under(tmp_path) == before


@pytest.mark.skipif(not LEPTON.is_dir(), reason=f"{LEPTON} is not here (THERMAL_DATA names its folder)")
def test_of_a_real_recording_most_picks_show_the_animal(call):
    """It is in a fifth of the frames; tracks are those of the project that recorded it."""
    call("frames", f"source={LEPTON / 'possum.cptv'}", "output=set", "count=20").assert_fine()
    tracks = json.loads((LEPTON / "possum.txt").read_text())["tracks"]
    tracked = {place["frame_number"] for track in tracks for place in track["positions"]}
    frames = listed()
    assert sum(frame["index"] in tracked for frame in frames) >= 14
    counts = list(io.open_recording(LEPTON / "possum.cptv"))
    for frame in frames:
        np.testing.assert_array_equal(
            io.read(Path("set") / frame["counts"]).counts, counts[frame["index"]].counts
        )
        seconds = (counts[frame["index"]].time - counts[0].time).total_seconds()
        assert frame["time"] == pytest.approx(seconds, abs=1e-3)

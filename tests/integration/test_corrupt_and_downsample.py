"""Sets made worse on purpose, by the real commands, and trained on."""

import json
import re

import numpy as np
import pytest

from detector.data.frames import read_frame
from tests.built import built
from tests.integration.commands import TINY_RUN, files_under


def test_only_the_named_splits_become_wrong(call, tiny_set, tmp_path):
    own = ["data=synthetic", f"data.root={tiny_set}"]
    noise = ["drop=0.4", "shift=0.1", "relabel=0.5", "splits=[train,val]"]
    out = call("corrupt", *own, *noise, "output=noisy").assert_fine().out
    true, wrong = (
        built("data/coco", root=tiny_set),
        built("data/coco", root=tmp_path / "noisy", images=str(tiny_set)),
    )
    counts = {split: int(true.load(split).object_counts().sum()) for split in ("train", "val", "test")}
    told = dict(line.split(": ", 1) for line in out.splitlines() if line.split(":")[0] in counts)
    assert told["test"] == f"{counts['test']} objects, untouched"
    for split in ("train", "val"):
        found = re.fullmatch(
            r"(\d+) objects, (\d+) left out, (\d+) moved \(IoU 0\.\d\d with the true box on average\), "
            r"(\d+) given another class",
            told[split],
        )
        assert found
        objects, dropped, moved, relabelled = map(int, found.groups())
        left = int(wrong.load(split).object_counts().sum())
        assert (objects, dropped, moved) == (counts[split], counts[split] - left, left)
        assert relabelled <= left
    assert re.search(r"train: \d+ objects, [1-9]", out)
    for split in counts:
        pairs = zip(wrong.load(split).records, true.load(split).records, strict=True)
        for one, other in pairs:
            assert (one.path.resolve(), one.sequence) == (other.path.resolve(), other.sequence)
            if split == "test":
                np.testing.assert_array_equal(one.boxes, other.boxes)
                np.testing.assert_array_equal(one.labels, other.labels)


def test_a_downsampled_set_is_trained_on(call, tiny_set, tmp_path):
    own = ["data=coco", f"data.root={tiny_set}", "splits=[train,val]"]
    out = call("downsample", *own, "output=small", "width=48", "min_side=7").assert_fine().out
    assert re.search(
        r"^train: 12 frames of 48x48, \d+ objects, [1-9]\d* regions to ignore$", out, re.MULTILINE
    )
    assert not any(path.is_symlink() for path in (tmp_path / "small").rglob("*.png"))
    large, small = (
        built("data/coco", root=tiny_set).load("val"),
        built("data/coco", root=tmp_path / "small").load("val"),
    )
    for one, other in zip(small.records, large.records, strict=True):
        assert (one.sequence, one.path.name) == (other.sequence, other.path.name)
        np.testing.assert_allclose(one.boxes, other.boxes * 0.75, rtol=1e-6)
        frame = read_frame(one)
        assert (frame.size, frame.bit_depth) == ((48, 48), 16)
        assert frame.counts.mean() == pytest.approx(read_frame(other).counts.mean(), abs=0.1)
    training = ["data=coco", "data.root=small", "augment.size=[32,32]", "engine.epochs=1"]
    call("train", *TINY_RUN, *training, "hydra.run.dir=run").assert_fine()
    assert json.loads((tmp_path / "run/metrics.json").read_text())["images"] == 4


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "drop, shift, relabel: give one of them above 0"),
        (["drop=1.5"], "drop=1.5: must be in [0, 1]"),
        (["drop=0.1", "splits=[dev]"], "splits=[dev]: must name some of test, train, val"),
        (["drop=0.1", "splits=[]"], "splits=[]: must name some of test, train, val"),
        (["drop=0.1", "seed=-1"], "seed=-1: must be at least 0"),
        (["relabel=0.1", "data.source.classes=[person]"], "the set has one class, person, and no other"),
    ],
)
def test_corrupting_refuses(call, tiny_set, tmp_path, overrides, message):
    own = ["data=coco", f"data.root={tiny_set}", "output=new"]
    call("corrupt", *own, *overrides).assert_error(message)
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "width must be given"),
        (["width=64"], "width=64: must be less than the 64 pixels of the widest frame"),
        (["width=0"], "width=0: must be a whole number of pixels, at least 1"),
        (["width=half"], "width=half: must be a whole number of pixels"),
        (["width=32", "min_side=-1"], "min_side=-1: must be at least 0"),
    ],
)
def test_downsampling_refuses(call, tiny_set, tmp_path, overrides, message):
    own = ["data=coco", f"data.root={tiny_set}", "output=new"]
    call("downsample", *own, *overrides).assert_error(message)
    assert files_under(tmp_path) == set()


def test_a_broken_picture_leaves_no_half_set(call, tiny_set, tmp_path):
    own = ["data=coco", f"data.root={tiny_set}"]
    call("downsample", *own, "output=small", "width=32", "splits=[val]").assert_fine()
    picture = sorted((tmp_path / "small/val").glob("*.png"))[1]
    picture.write_bytes(picture.read_bytes()[:100])
    call("downsample", "data=coco", "data.root=small", "output=new", "width=16").assert_error(
        f"{picture.name}: the image file is cut short"
    )
    assert not (tmp_path / "new").exists()

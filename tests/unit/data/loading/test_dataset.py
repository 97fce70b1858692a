from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.padding import WholeFrame
from detector.data.loading.store import MIB, FrameStore, Problems
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.agc import Agc, FixedRange, Scaled
from tests.built import built
from tests.unit.data.builders import assert_same_sample, save_frame, split_on_disk
from tests.unit.data.recipes import patches

AGC = FixedRange(6000, 9000)


def in_sequences(annotations: Annotations, names: Iterable[str | None]) -> Annotations:
    """The same pictures, each in the recording named."""
    pairs = zip(annotations.records, names, strict=True)
    return replace(annotations, records=tuple(replace(record, sequence=name) for record, name in pairs))


def test_raw_samples_hold_the_file_s_counts_and_truth(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 3)
    agc = built("thermal/percentile")
    store = FrameStore(annotations, agc=agc, cache_mib=1)
    assert len(store) == 3
    for raw, record in zip(store, annotations.records, strict=True):
        frame = io.read(record.path)
        np.testing.assert_array_equal(raw.counts, frame.counts)
        assert raw.counts.dtype == np.uint16
        np.testing.assert_array_equal(raw.image(), agc(frame))
        np.testing.assert_array_equal(raw.image(slice(3, 9), slice(5, 7)), agc(frame)[3:9, 5:7])
        np.testing.assert_array_equal(raw.boxes, record.boxes)
        np.testing.assert_array_equal(raw.ignored, record.ignored)
        assert raw.image_id == record.image_id


def test_boxes_are_in_pixels_of_what_the_gain_shows(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 1)  # of 24 x 32
    (raw,) = FrameStore(annotations, agc=Scaled(AGC, 0.3), cache_mib=1)
    assert raw.counts.shape == (7, 10)
    factors = np.array([10 / 32, 7 / 24, 10 / 32, 7 / 24])
    np.testing.assert_allclose(raw.boxes, annotations.records[0].boxes * factors, rtol=1e-6)


@pytest.mark.parametrize(
    "agc",
    [
        FixedRange(6000, 9000),
        built("thermal/percentile"),
        built("thermal/sequence"),
        built("thermal/plateau"),
        built("thermal/clahe", base=built("thermal/sequence")),
    ],
    ids=lambda agc: type(agc).__name__,
)
def test_the_cache_stops_at_its_budget_and_changes_nothing(tmp_path: Path, agc: Agc) -> None:
    annotations = in_sequences(split_on_disk(tmp_path, 4), ("a", "b", "a", "b"))
    frame_mib = 24 * 32 * 2 / MIB
    stores = [FrameStore(annotations, agc=agc, cache_mib=n * frame_mib) for n in (0, 2.5, 4)]
    assert [store.cached for store in stores] == [0, 2, 4]
    for raws in zip(*stores, strict=True):
        for raw in raws[1:]:
            np.testing.assert_array_equal(raw.counts, raws[0].counts)
            assert raw.window == raws[0].window
            np.testing.assert_array_equal(raw.image(), raws[0].image())


def test_each_recording_has_its_own_gain(tmp_path: Path) -> None:
    annotations = in_sequences(split_on_disk(tmp_path, 4), ("a", None, "a", None))
    frames = [io.read(record.path) for record in annotations.records]
    agc = built("thermal/sequence")
    store = FrameStore(annotations, agc=agc, cache_mib=1)
    for index, recording in enumerate(([0, 2], [1], [0, 2], [3])):
        expected = agc.for_sequence([frames[i] for i in recording]).prepare(frames[index])
        assert store[index].window == expected[1]
    assert len({store[index].window for index in range(4)}) == 3


class Spy(FixedRange):
    """Notes how often it is asked for a recording, and reads none."""

    asked = 0

    def for_sequence(self, frames: Iterable[Frame]) -> Agc:  # noqa: ARG002
        type(self).asked += 1
        return self


def test_a_gain_that_looks_at_no_recording_causes_no_second_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = in_sequences(split_on_disk(tmp_path, 4), ("a", "a", "b", None))
    reads = []
    read = io.read
    monkeypatch.setattr(io, "read", lambda path, **options: reads.append(path) or read(path, **options))
    FrameStore(annotations, agc=Spy(6000, 9000), cache_mib=1)
    assert Spy.asked == 3
    assert reads == [record.path for record in annotations.records]


def test_cached_frames_are_not_read_again(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 1)
    store = FrameStore(annotations, agc=AGC, cache_mib=1)
    annotations.records[0].path.unlink()
    assert store[0].counts.shape == (24, 32)


@pytest.mark.parametrize("agc", [AGC, built("thermal/sequence")], ids=["frames", "recordings"])
def test_all_unreadable_images_are_named_up_front(tmp_path: Path, agc: Agc) -> None:
    # Recordings that are readable in part (a, b) and not at all (c).
    annotations = in_sequences(split_on_disk(tmp_path, 6), "abbaca")
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "4.png").write_bytes((tmp_path / "4.png").read_bytes()[:200])
    with pytest.raises(UserError, match=r"1\.png.*empty; .*4\.png.*cut short") as caught:
        FrameStore(annotations, agc=agc, cache_mib=1)
    assert "\n" not in str(caught.value)
    for name in (0, 2):
        (tmp_path / f"{name}.png").unlink()
    with pytest.raises(UserError, match=r"; and 1 more$"):
        FrameStore(annotations, agc=agc, cache_mib=1)


def test_processes_share_the_look_at_what_no_memory_holds_and_tell_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = split_on_disk(tmp_path, 8)
    for bad in (4, 7):
        (tmp_path / f"{bad}.png").write_bytes(b"")
    read, reads = io.read, []
    monkeypatch.setattr(io, "read", lambda path, **how: reads.append(int(path.stem)) or read(path, **how))
    looked: list[Problems] = []

    def gather(own: Problems) -> list[Problems]:
        looked.append(own)
        return looked

    def store(number: int) -> FrameStore:  # room for two frames
        return FrameStore(
            annotations, agc=AGC, cache_mib=2 * 24 * 32 * 2 / MIB, turn=(number, 2), gather=gather
        )

    with pytest.raises(UserError, match=r"4\.png: .*empty$"):
        store(0)
    assert reads == [0, 1, 2, 4, 6]  # the third did not fit
    reads.clear()
    with pytest.raises(UserError, match=r"4\.png: .*empty; .*7\.png: .*empty$"):
        store(1)
    assert reads == [0, 1, 2, 3, 5, 7]


def test_frames_that_the_gain_refuses_are_named_up_front(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 2)
    with pytest.raises(UserError, match=r"0\.png: says nothing .*kelvin.*; .*1\.png: says nothing"):
        FrameStore(annotations, agc=built("thermal/fixed_kelvin", low=280, high=310), cache_mib=1)


def test_a_picture_of_another_size_than_its_record_is_refused(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 1)
    save_frame(tmp_path / "0.png", np.zeros((20, 32), np.uint8))
    with pytest.raises(UserError, match=r"0\.png: the picture is 32x20 .*image id 100.* says 32x24"):
        FrameStore(annotations, agc=AGC, cache_mib=1)


def test_raw_counts_without_a_header_have_their_record_s_size(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 1)
    counts = io.read(tmp_path / "0.png").counts
    path = tmp_path / "0.raw"
    counts.astype("<u2").tofile(path)
    record = replace(annotations.records[0], path=path)
    store = FrameStore(replace(annotations, records=(record,)), agc=AGC, cache_mib=1)
    np.testing.assert_array_equal(store[0].counts, counts)


def test_samples_follow_seed_epoch_and_index(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 4)
    transform = patches((16, 16))

    def dataset(seed: int, cache_mib: float = 1) -> DetectionDataset:
        return DetectionDataset(annotations, agc=AGC, transform=transform, cache_mib=cache_mib, seed=seed)

    assert_same_sample(dataset(3)[(2, 1, 0)], dataset(3, cache_mib=0)[(2, 1, 0)])
    keys = ((3, 2, 0), (3, 1, 0), (4, 2, 0), (2, 3, 0), (3, 2, 1))
    images = [dataset(seed)[(epoch, 1, turn)].image for seed, epoch, turn in keys]
    for k, image in enumerate(images):
        assert not any(np.array_equal(image, other) for other in images[:k])


def test_whole_frames_do_not_depend_on_the_epoch(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 2)
    dataset = DetectionDataset(annotations, agc=AGC, transform=WholeFrame(32), cache_mib=1)
    assert len(dataset) == 2
    assert_same_sample(dataset[(0, 1, 0)], dataset[(7, 1, 0)])
    np.testing.assert_array_equal(dataset[(0, 1, 0)].boxes, annotations.records[1].boxes)
    assert dataset[(0, 1, 0)].image.shape == (32, 32)


def test_a_frame_without_objects_is_a_sample(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 2, boxes=0)
    dataset = DetectionDataset(annotations, agc=AGC, transform=patches((16, 16)), cache_mib=1)
    for epoch in range(20):
        assert dataset[(epoch, 0, 0)].boxes.shape == (0, 4)
    one_empty = replace(
        annotations, records=(annotations.records[0], *split_on_disk(tmp_path / "b", 1).records)
    )
    mixed = DetectionDataset(one_empty, agc=AGC, transform=patches((16, 16)), cache_mib=1)
    assert any(len(mixed[(epoch, 0, 0)].boxes) for epoch in range(20))

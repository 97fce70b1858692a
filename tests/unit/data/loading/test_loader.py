import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from detector.data.loading import loader as loader_module
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import EpochSampler, collate, lost_workers_explained, train_loader
from detector.data.loading.sample import RawSample, Sample, Transform
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from detector.tensors import Batch
from detector.thermal.agc import FixedRange
from detector.thermal.io.colour import ColourError
from tests.unit.data.builders import split_on_disk
from tests.unit.data.recipes import patches

SIZE = (32, 32)


def dataset_of(
    folder: Path, count: int = 10, *, transform: Transform | None = None, cache_mib: float = 1
) -> DetectionDataset:
    transform = patches(SIZE) if transform is None else transform
    annotations = split_on_disk(folder, count)
    return DetectionDataset(annotations, agc=FixedRange(6000, 9000), transform=transform, cache_mib=cache_mib)


def sample_of(count: int, *, size: tuple[int, int] = (4, 6), image_id: int = 0) -> Sample:
    boxes = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    return Sample(np.ones(size, np.float32), boxes, np.arange(count), np.arange(count) % 2 == 1, image_id)


def assert_same_batches(one: Sequence[Batch], other: Sequence[Batch]) -> None:
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert torch.equal(left.images, right.images)
        assert torch.equal(left.image_ids, right.image_ids)
        for field in fields(left.targets):
            assert torch.equal(getattr(left.targets, field.name), getattr(right.targets, field.name))


def test_collate_pads_images_and_boxes() -> None:
    batch = collate([sample_of(3, image_id=8), sample_of(0, size=(5, 2), image_id=9)])
    assert batch.images.shape == (2, 1, 5, 6)
    assert batch.images.dtype == torch.float32
    np.testing.assert_array_equal(batch.images.sum((1, 2, 3)), [24, 10])
    assert (batch.images[1, 0, :5, :2] == 1).all()
    targets = batch.targets
    assert targets.boxes.shape == (2, 16, 4)
    np.testing.assert_array_equal(targets.boxes[0, :3], sample_of(3).boxes)
    assert targets.boxes[0, 3:].abs().sum() == 0
    np.testing.assert_array_equal(targets.labels[0, :4], [0, 1, 2, IGNORE_LABEL])
    np.testing.assert_array_equal(targets.valid[0, :4], [True, False, True, False])
    np.testing.assert_array_equal(targets.ignored[0, :4], [False, True, False, False])
    assert not targets.valid[1].any()
    assert not targets.ignored[1].any()
    np.testing.assert_array_equal(batch.image_ids, [8, 9])


@pytest.mark.parametrize(("most", "rows"), [(0, 16), (16, 16), (17, 32), (33, 48)])
def test_padded_rows_come_in_few_steps(most: int, rows: int) -> None:
    assert collate([sample_of(most), sample_of(0)]).targets.boxes.shape[1] == rows


def test_an_epoch_shows_every_image_once_in_its_own_order() -> None:
    sampler = EpochSampler(np.ones(12), batch_size=4, seed=0)
    orders = []
    for epoch in (0, 1):
        sampler.start(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler) == 3
        assert {key[0] for batch in batches for key in batch} == {epoch}
        orders.append([index for batch in batches for _, index, _ in batch])
        assert sorted(orders[-1]) == list(range(12))
    assert orders[0] != orders[1]
    sampler.start(0)
    assert [index for batch in sampler for _, index, _ in batch] == orders[0]
    other = EpochSampler(np.ones(12), batch_size=4, seed=1)
    assert [index for batch in other for _, index, _ in batch] != orders[0]


def test_ranks_share_the_batches_of_one_process_in_its_order() -> None:
    alone = list(EpochSampler(np.ones(20), batch_size=6, seed=5))
    ranks = [EpochSampler(np.ones(20), batch_size=2, seed=5, rank=rank, world_size=3) for rank in range(3)]
    assert len(alone) == 3
    for whole, *parts in zip(alone, *ranks, strict=True):
        assert [key for part in parts for key in part] == whole


def test_a_batch_larger_than_the_split_is_refused() -> None:
    with pytest.raises(UserError, match=r"batch_size 4 \(x 3 processes\) is more than the split's 10 images"):
        EpochSampler(np.ones(10), batch_size=4, seed=0, world_size=3)


def test_batches_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path)
    runs = []
    for workers in (0, 1, 2):
        loader = train_loader(dataset, batch_size=3, workers=workers, seed=0)
        runs.append([])
        for epoch in (0, 1):
            loader.start(epoch)
            runs[-1] += list(loader)
    assert len(runs[0]) == 6
    assert not torch.equal(runs[0][0].images, runs[0][3].images)
    assert_same_batches(runs[0], runs[1])
    assert_same_batches(runs[0], runs[2])


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_taken_up_in_its_middle_goes_on_alike(tmp_path: Path, workers: int) -> None:
    dataset = dataset_of(tmp_path)
    whole = train_loader(dataset, batch_size=2, workers=0, seed=0)
    whole.start(3)
    resumed = train_loader(dataset, batch_size=2, workers=workers, seed=0)
    resumed.start(3, skip_batches=2)
    assert_same_batches(list(whole)[2:], list(resumed))


def test_an_iteration_left_early_does_not_touch_the_next(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path)
    expected = train_loader(dataset, batch_size=2, workers=0, seed=0)
    expected.start(1)
    loader = train_loader(dataset, batch_size=2, workers=1, seed=0)
    for _ in loader:
        break
    loader.start(1)
    assert_same_batches(list(expected), list(loader))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_goes_bad_while_training_is_named_in_one_line(tmp_path: Path, workers: int) -> None:
    dataset = dataset_of(tmp_path, 4, cache_mib=0)
    for file in tmp_path.glob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(UserError, match=r"^\S+\.png: the image file is empty$"):
        list(train_loader(dataset, batch_size=2, workers=workers, seed=0))


@pytest.mark.parametrize("workers", [0, 1])
def test_colours_that_nobody_said_how_to_read_end_in_their_one_line(tmp_path: Path, workers: int) -> None:
    """An error of its own kind, which takes more than a message."""
    error = ColourError("a.png", np.array([[200, 30, 0]], np.uint8), apart=200, embedded=True)

    class Coloured(Fatal):
        def __call__(self, *_: object, **__: object) -> Sample:
            raise error

    dataset = dataset_of(tmp_path, 4, transform=Coloured())
    with pytest.raises(UserError) as caught:
        list(train_loader(dataset, batch_size=2, workers=workers, seed=0))
    assert str(caught.value) == str(error)


class Fatal:
    """A transform that ends its process, as the system does to one that takes too much memory."""

    def __call__(
        self,
        frames: Sequence[RawSample],  # noqa: ARG002
        index: int,  # noqa: ARG002
        *,
        epoch: int,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Sample:
        time.sleep(0.3)  # Dying before the loader watches for it would cost torch's 5 s poll.
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_a_killed_worker_ends_the_iteration_with_a_clear_error(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, 4, transform=Fatal())
    with pytest.raises(UserError, match="exited unexpectedly; out of memory"):
        list(train_loader(dataset, batch_size=2, workers=1, seed=0))


def test_the_late_word_on_a_killed_worker_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that fails first, then torch's error out of a signal: it must not come after the loop."""

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed. ")

    def fetch(_: object) -> Iterator[Batch]:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        raise ConnectionResetError
        yield

    loader = train_loader(dataset_of(tmp_path, 2), batch_size=2, workers=0, seed=0)
    monkeypatch.setattr(DataLoader, "__iter__", fetch)
    before = signal.signal(signal.SIGALRM, fail)
    try:
        with pytest.raises(UserError, match="is killed by signal: Killed; out of memory"):
            next(iter(loader))
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_fetching_thread_that_dies_with_a_worker_is_explained_like_it() -> None:
    with (
        pytest.raises(UserError, match=r"^Pin memory thread exited unexpectedly; out of memory"),
        lost_workers_explained(),
    ):
        raise RuntimeError("Pin memory thread exited unexpectedly")


def test_a_programming_error_in_a_worker_keeps_its_kind(tmp_path: Path) -> None:
    class Broken(Fatal):
        def __call__(self, *_: object, **__: object) -> Sample:
            raise KeyError("left out")

    dataset = dataset_of(tmp_path, 4, transform=Broken())
    with pytest.raises(KeyError, match="left out"):
        list(train_loader(dataset, batch_size=2, workers=1, seed=0))


class Stopping(Fatal):
    """A transform that stops its process, as a debugger or SIGSTOP does."""

    def __call__(self, *_: object, **__: object) -> Sample:
        os.kill(os.getpid(), signal.SIGSTOP)
        raise AssertionError


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux")
def test_a_stopped_worker_is_waited_for_so_long_named_and_ended_and_no_other_process(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, 4, transform=Stopping())
    loader = train_loader(dataset, batch_size=2, workers=1, seed=0, timeout=0.5)
    other = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    other.start()
    try:
        message = r"^waited 0\.5 s for a batch of the loader workers (\d+) \(stopped\)[; ]"
        with pytest.raises(UserError, match=message) as caught:
            list(loader)
        assert other.is_alive()
        assert str(other.pid) not in str(caught.value)
        named = re.match(message, str(caught.value))
        assert named is not None
        assert int(named[1]) not in {child.pid for child in multiprocessing.active_children()}
    finally:
        other.kill()
        other.join()


def test_little_shared_memory_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loader_module, "SHARED_MEMORY", str(tmp_path))
    monkeypatch.setattr(loader_module, "LITTLE", 2**60)
    assert re.search(r"; \S+, through which they come, has [\d.]+ MiB left$", loader_module._shared_memory())
    monkeypatch.setattr(loader_module, "LITTLE", 0)
    assert loader_module._shared_memory() == ""

"""Batches: padding to static shapes, an order that can be resumed, worker processes."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from detector import system
from detector.data.loading.dataset import DetectionDataset, SampleKey
from detector.data.loading.padding import pad_to
from detector.data.loading.sample import Sample
from detector.data.loading.sampling import systematic
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from detector.tensors import Batch, Targets

BOX_STEP = 16
"""G is a multiple of this, so that a run sees few shapes."""

PREFETCH = 4
"""Batches that each worker makes ahead."""

REMEDY = "out of memory? Lower engine.workers or engine.cache_mib"
"""For a worker that died: nearly always the system killed it for want of memory."""

SHARED_MEMORY, LITTLE = "/dev/shm", 64 * 2**20
"""Where it is, and bytes of it with which a batch may not fit."""

SIGNAL_WAIT = 2.0
"""Seconds in which the system reports a dead worker to its parent; nearly always it takes milliseconds."""

# Keeps these random numbers apart from those of the samples (SAMPLE_STREAM in dataset).
ORDER_STREAM = 2


def collate(samples: Sequence[Sample]) -> Batch:
    """One batch: images padded right and below to the largest, boxes to G rows.

    G is the smallest multiple of BOX_STEP that holds the fullest sample.
    """
    most = max(len(sample.boxes) for sample in samples)
    rows = max(1, -(-most // BOX_STEP)) * BOX_STEP
    height, width = (max(sample.image.shape[axis] for sample in samples) for axis in (0, 1))
    count = len(samples)
    images = np.stack([pad_to(sample.image, height, width) for sample in samples])[:, None]
    boxes = np.zeros((count, rows, 4), np.float32)
    labels = np.full((count, rows), IGNORE_LABEL, np.int64)
    valid, ignored = np.zeros((count, rows), bool), np.zeros((count, rows), bool)
    for row, sample in enumerate(samples):
        n = len(sample.boxes)
        boxes[row, :n] = sample.boxes
        labels[row, :n] = sample.labels
        valid[row, :n] = ~sample.ignored
        ignored[row, :n] = sample.ignored
    targets = Targets(*(torch.from_numpy(array) for array in (boxes, labels, valid, ignored)))
    image_ids = torch.tensor([sample.image_id for sample in samples], dtype=torch.int64)
    return Batch(torch.from_numpy(images), targets, image_ids)


class EpochSampler(Sampler[list[SampleKey]]):
    """Batches of sample keys in an order that seed and epoch alone decide.

    factors [N]: how often each image is shown next to the others, see data/loading/sampling.py.

    batch_size: images of this rank. The ranks' batches follow each other in the epoch's order, so that
    together they are the batch that one process would have, and all ranks have the same number of batches;
    the images left over at an epoch's end are other ones in the next.
    """

    def __init__(
        self, factors: np.ndarray, *, batch_size: int, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        if len(factors) < batch_size * world_size:
            raise UserError(
                f"batch_size {batch_size} (x {world_size} processes) is more than the split's "
                f"{len(factors)} images"
            )
        self.factors = factors
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.start(0)

    def start(self, epoch: int, skip_batches: int = 0) -> None:
        """The next iteration is `epoch`, without its first batches: those a resumed run has behind it."""
        self.epoch = epoch
        self.skip_batches = skip_batches

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self.factors) // (self.batch_size * self.world_size)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        rng = np.random.default_rng((ORDER_STREAM, self.seed, self.epoch))
        seen: Counter[int] = Counter()
        keys = []
        for index in systematic(self.factors, rng=rng).tolist():
            keys.append((self.epoch, index, seen[index]))
            seen[index] += 1
        for batch in range(self.skip_batches, len(self)):
            first = (batch * self.world_size + self.rank) * self.batch_size
            yield keys[first : first + self.batch_size]


class TrainLoader:
    """Shuffled batches, one epoch an iteration, made here or in worker processes.

    An iteration that is left early may be followed by another. Workers are forked once and kept. A UserError
    in a worker arrives as its one line; a worker that dies (killed for want of memory, say), or gives nothing
    for `timeout` seconds, ends the iteration with a UserError instead of a wait.
    """

    def __init__(
        self, dataset: DetectionDataset, sampler: EpochSampler, *, workers: int, timeout: float
    ) -> None:
        self.timeout = timeout
        self.dataset = dataset
        self.sampler = sampler
        # Python 3.14 forks only when told to; anything else would copy the cached frames to every worker.
        context = "fork" if workers and sys.platform == "linux" else None
        self._loader: DataLoader[Sample] = DataLoader(
            dataset,
            batch_sampler=sampler,
            num_workers=workers,
            collate_fn=collate,
            worker_init_fn=_begin,
            timeout=timeout if workers else 0,
            persistent_workers=workers > 0,
            prefetch_factor=PREFETCH if workers else None,
            multiprocessing_context=context,
            # Workers' seeds, which nobody uses, are not drawn from the random numbers of the model's dropout.
            generator=torch.Generator(),
            pin_memory=torch.cuda.is_available(),
        )

    def start(self, epoch: int, skip_batches: int = 0) -> None:
        """As EpochSampler.start, for the next iteration."""
        self.sampler.start(epoch, skip_batches)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        try:
            with lost_workers_explained():
                yield from self._guarded()
        except UserError as error:
            # torch puts the worker's whole traceback before the message.
            raise UserError(str(error).rpartition("UserError: ")[2].strip()) from None
        except (ConnectionError, EOFError) as error:
            raise UserError(f"DataLoader worker exited unexpectedly; {REMEDY}") from error
        except RuntimeError as error:
            if not str(error).startswith("DataLoader timed out"):
                raise
            raise UserError(
                f"waited {self.timeout:g} s for a batch of {self._end_workers()}{_shared_memory()}; "
                "engine.timeout says how long, engine.workers=0 does without them"
            ) from error

    def _guarded(self) -> Iterator[Batch]:
        try:
            yield from self._loader
        except (ConnectionError, EOFError):
            # The batch came, but its tensors were still to be fetched from a worker that is gone. torch's
            # word on that comes any moment, out of a signal: let it come here, not where nobody expects it.
            time.sleep(SIGNAL_WAIT)
            raise

    def _end_workers(self) -> str:
        """Kill the workers, one of which may be stopped and not end otherwise, and tell what each did."""
        told = []
        # Not all children of this process: whoever trains from Python may have others.
        iterator: Any = self._loader._iterator
        for worker in iterator._workers:
            told.append(f"{worker.pid} ({system.state(worker.pid)})")
            with contextlib.suppress(RuntimeError):  # torch's word on its end, out of a signal
                worker.kill()
                worker.join(SIGNAL_WAIT)
        return f"the loader workers {', '.join(told)}"


@contextlib.contextmanager
def lost_workers_explained() -> Iterator[None]:
    """Turns torch's RuntimeError about a worker that died into a UserError.

    Where there is a GPU, its word can be on the thread that fetches the batches from the workers.

    It comes from a signal handler, so in the middle of whatever the process is doing: wrap the whole loop.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith(("DataLoader worker", "Pin memory thread")):
            raise
        what = str(error).rstrip(". ")
        raise UserError(f"{what}; {REMEDY}") from error


def train_loader(
    dataset: DetectionDataset,
    *,
    batch_size: int,
    workers: int,
    seed: int,
    rank: int = 0,
    world_size: int = 1,
    factors: np.ndarray | None = None,
    timeout: float = 0,
) -> TrainLoader:
    """Full batches in random order; call `start(epoch)` before each epoch.

    timeout: seconds to wait for a batch of the workers; 0: as long as it takes. factors [N]: how often each
    image is shown next to the others (data/loading/sampling.py); None: all alike.
    Images that do not fill a last batch are left out of the epoch. Raises UserError where there is no full
    batch.
    """
    factors = np.ones(len(dataset)) if factors is None else factors
    sampler = EpochSampler(factors, batch_size=batch_size, seed=seed, rank=rank, world_size=world_size)
    return TrainLoader(dataset, sampler, workers=workers, timeout=timeout)


def _shared_memory() -> str:
    """What to say of the place through which batches come, where there is next to no room in it."""
    try:
        room = os.statvfs(SHARED_MEMORY)
    except OSError:
        return ""
    free = room.f_bavail * room.f_frsize
    return (
        ""
        if free > LITTLE
        else f"; {SHARED_MEMORY}, through which they come, has {free / 2**20:.1f} MiB left"
    )


def _begin(_: int) -> None:
    """A worker is one process of several: threads of its own would only compete, and its parent ends it."""
    system.obey_parent_alone()
    system.die_with_parent()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)

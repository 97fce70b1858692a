"""Forward and backward of one batch."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from detector import distributed
from detector.assign.protocol import Assigner
from detector.criterion.protocol import Criterion
from detector.engine.device import Precision
from detector.engine.graphs import CudaGraphs, Say
from detector.engine.settings import EngineSettings
from detector.models.batch_norm import synchronise
from detector.tensors import Batch, Targets, to_device


class Gradients:
    """Adds a batch's share of a step, one of settings.accumulate, to the gradients of a model.

    model: on precision.device. scaler: scales the loss where the precision asks for it. say: told where steps
    cannot be recorded as CUDA graphs; `graphs` is None where they are not to be.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        assigner: Assigner,
        criterion: Criterion,
        precision: Precision,
        settings: EngineSettings,
        say: Say,
    ) -> None:
        self.network = _wrapped(model, settings)
        self.assigner = assigner
        self.criterion = criterion
        self.precision = precision
        self.scaler = precision.scaler()
        self.share = settings.accumulate
        recorded = _can_record(settings, precision.device)
        self.graphs = CudaGraphs(self._add, say=say) if recorded else None

    def __call__(self, batch: Batch, *, progress: float) -> dict[str, Tensor]:
        """The loss's parts by name; progress: as the criterion takes it."""
        device = self.precision.device
        images = batch.images.to(device, non_blocking=True, memory_format=torch.channels_last)
        targets = to_device(batch.targets, device, non_blocking=True)
        behind = torch.full((), progress, dtype=torch.float64, device=device)
        add = self.graphs or self._add
        return add(images, behind, *vars(targets).values())

    def exchanged(self, exchange: bool) -> contextlib.AbstractContextManager[None]:
        """Within: whether processes add up their gradients, which a step's last batch does for all of it."""
        if isinstance(self.network, DistributedDataParallel) and not exchange:
            return self.network.no_sync()
        return contextlib.nullcontext()

    def _add(self, images: Tensor, progress: Tensor, *truth: Tensor) -> dict[str, Tensor]:
        """truth: the fields of Targets."""
        targets = Targets(*truth)
        with self.precision.autocast():
            output = self.network(images)
        assignment = self.assigner(output, targets)
        terms = self.criterion(output, assignment, targets, progress=progress)
        self.scaler.scale(terms.total / self.share).backward()
        return terms.parts


def _can_record(settings: EngineSettings, device: torch.device) -> bool:
    """Whether steps become CUDA graphs: not where ranks wait for each other, nor what is compiled already."""
    alone = distributed.world_size() == 1
    return settings.graphs and device.type == "cuda" and alone and not settings.compile


def _wrapped(model: nn.Module, settings: EngineSettings) -> nn.Module:
    """The model as training calls it."""
    network: nn.Module = model
    if distributed.world_size() > 1:
        if settings.sync_batch_norm:
            synchronise(model)
        network = DistributedDataParallel(model)
    if settings.compile:
        network.compile()
    return network

"""A function of tensors that a GPU repeats without the host: recorded once for each shape, then replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Function = Callable[..., dict[str, Tensor]]
"""Tensors on one GPU to scalars by name; what else it changes are tensors that stay where they are."""
Say = Callable[[str], None]

MOST = 8
"""Shapes that get a graph; each keeps the memory of a whole step until the run ends."""


@dataclass(frozen=True)
class _Graph:
    """inputs, outputs: the tensors that the recorded kernels read and write."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    outputs: dict[str, Tensor]

    def __call__(self, inputs: list[Tensor]) -> dict[str, Tensor]:
        torch._foreach_copy_(self.inputs, inputs)
        self.graph.replay()
        return self.outputs


class CudaGraphs:
    """The same function. A small network's step is a thousand kernels that take longer to start than to run.

    The first call with a shape runs as it stands, which fills caches and makes gradients; the second records.
    What is returned holds until the next call. A function that cannot be recorded runs as it stands from then
    on, and `say` is told why.
    """

    def __init__(self, function: Function, *, say: Say) -> None:
        self.function = function
        self.say = say
        self._graphs: dict[tuple[torch.Size, ...], _Graph | None] = {}  # None: seen once
        self._pool = torch.cuda.graph_pool_handle()
        self._failed = False

    def __call__(self, *inputs: Tensor) -> dict[str, Tensor]:
        shapes = tuple(each.shape for each in inputs)
        graph = self._graphs.get(shapes)
        if graph is None and shapes in self._graphs and not self._failed:
            graph = self._graphs[shapes] = self._record(inputs)
        if graph is not None:
            return graph(list(inputs))
        if len(self._graphs) < MOST:
            self._graphs[shapes] = None
        return self.function(*inputs)

    def _record(self, inputs: tuple[Tensor, ...]) -> _Graph | None:
        kept = [each.clone() for each in inputs]
        graph = torch.cuda.CUDAGraph()
        try:
            # Threads that fetch batches may use the GPU meanwhile: thread_local.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                outputs = self.function(*kept)
        except RuntimeError as error:
            self._failed = True
            self.say(f"steps are not recorded as CUDA graphs: {str(error).splitlines()[0]}")
            return None
        return _Graph(graph, kept, outputs)

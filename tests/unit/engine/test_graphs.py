"""Steps that a GPU replays; everything here but the choice not to needs one."""

import pytest
import torch

from detector.engine.device import Precision
from detector.engine.graphs import MOST, CudaGraphs
from tests.built import built
from tests.unit.engine.builders import Watched, criterion_of, model_of, trainer_of

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_a_cpu_has_no_graphs(tmp_path):
    assert trainer_of(tmp_path).gradients.graphs is None


@needs_cuda
@pytest.mark.parametrize("accumulate", [1, 2])
def test_replayed_steps_train_as_those_started_one_by_one_on_cuda(tmp_path, accumulate):
    weights, calls = {}, {}
    for graphs in (False, True):
        criterion = Watched(criterion_of(), lambda _, terms: terms)
        trainer = trainer_of(
            tmp_path / str(graphs),
            epochs=6,
            model=model_of().cuda(),
            criterion=_WithoutNumbers(criterion),
            optimizer=built("optimizer/sgd", lr=0.05),
            precision=Precision(torch.float32, torch.device("cuda")),
            accumulate=accumulate,
            graphs=graphs,
        )
        trainer.fit()
        weights[graphs] = [value.cpu() for value in trainer.ema.model.state_dict().values()]
        calls[graphs] = criterion.calls
    assert calls == {False: 24, True: 2}, (
        "of 24 batches of one shape one runs as it stands and one is recorded"
    )
    for mine, wanted in zip(weights[True], weights[False], strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-3, atol=1e-4)


class _WithoutNumbers:
    """A watched criterion that is told no number: reading one is what a recording cannot do."""

    def __init__(self, watched):
        self.watched = watched

    def __call__(self, *inputs, progress):
        terms = self.watched.inner(*inputs, progress=progress)
        self.watched.progress.append(0.0)
        return terms


@needs_cuda
def test_every_shape_has_a_recording_of_its_own_on_cuda():
    graphs = CudaGraphs(lambda x: {"sum": (2 * x).sum()}, say=pytest.fail)
    for _ in range(4):
        for size in range(1, MOST + 3):
            x = torch.rand(size, device="cuda")
            assert graphs(x)["sum"].item() == pytest.approx(2 * x.sum().item())


@needs_cuda
def test_random_numbers_are_drawn_anew_at_every_replay_on_cuda():
    graphs = CudaGraphs(lambda x: {"kept": torch.nn.functional.dropout(x).sum()}, say=pytest.fail)
    x = torch.rand(1000, device="cuda")
    assert len({graphs(x)["kept"].item() for _ in range(6)}) == 6


@needs_cuda
def test_what_cannot_be_recorded_runs_as_it_stands_on_cuda():
    told = []
    graphs = CudaGraphs(lambda x: {"square": x * x.item()}, say=told.append)
    squares = [graphs(torch.tensor(float(n), device="cuda"))["square"].item() for n in range(5)]
    assert squares == [0, 1, 4, 9, 16]
    assert len(told) == 1
    assert "not recorded" in told[0]

"""The training loop: what a step does, when it evaluates, saves, stops and refuses."""

from copy import deepcopy

import pytest
import torch

from detector.engine import checkpoint
from detector.engine.device import Precision
from detector.errors import NonFiniteError, UserError
from detector.tensors import LossTerms
from tests.built import built
from tests.unit.engine.builders import (
    FP32,
    Judge,
    Watched,
    assert_same,
    criterion_of,
    loader_of,
    trainer_of,
)

PLAIN_SGD = built("optimizer/sgd", lr=1.0, weight_decay=0.0)
HALF = Precision(torch.float16, torch.device("cpu"))


def test_accumulated_gradients_are_those_of_the_mean_of_the_batches_losses(tmp_path):
    trainer = trainer_of(
        tmp_path, epochs=1, optimizer=PLAIN_SGD, warmup_fraction=0.0, accumulate=2, clip_norm=1e9, images=4
    )
    model = deepcopy(trainer.model).train()
    assigner, criterion = built("assigner/task_aligned"), criterion_of()
    losses = []
    for batch in loader_of(tmp_path, images=4):
        output = model(batch.images)
        assignment = assigner(output, batch.targets)
        losses.append(criterion(output, assignment, batch.targets, progress=0.0).total)
    assert len(losses) == 2
    gradients = torch.autograd.grad((losses[0] + losses[1]) / 2, list(model.parameters()))
    expected = [p.detach() - g for p, g in zip(model.parameters(), gradients, strict=True)]

    trainer.fit()
    assert trainer.progress.step == 1
    for mine, wanted in zip(trainer.model.parameters(), expected, strict=True):
        torch.testing.assert_close(mine.detach(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", [FP32, HALF], ids=["fp32", "fp16"])
def test_the_gradient_is_clipped_to_its_bound(tmp_path, precision):
    trainer = trainer_of(
        tmp_path,
        epochs=1,
        optimizer=PLAIN_SGD,
        warmup_fraction=0.0,
        clip_norm=1e-3,
        images=2,
        precision=precision,
    )
    if precision is HALF:  # so little that the one step does not overflow
        trainer.scaler.load_state_dict({**trainer.scaler.state_dict(), "scale": 16.0})
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    trainer.fit()
    moved = [now.detach() - then for now, then in zip(trainer.model.parameters(), before, strict=True)]
    assert torch.cat([move.flatten() for move in moved]).norm().item() == pytest.approx(1e-3, rel=0.05)


def test_every_step_has_the_schedule_s_learning_rate_and_the_criterion_knows_it(tmp_path):
    rates = []

    def noting(_: int, terms: LossTerms) -> LossTerms:
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        return terms

    criterion = Watched(criterion_of(), noting)
    trainer = trainer_of(tmp_path, epochs=2, images=8, accumulate=2, criterion=criterion)
    trainer.fit()
    assert trainer.total_steps == 4
    assert criterion.progress == [0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]
    assert rates == [0.002 * trainer.schedule(step, total_steps=4) for step in (0, 0, 1, 1, 2, 2, 3, 3)]


def test_what_is_told_of_a_step_is_the_mean_of_its_batches(tmp_path, monkeypatch):
    def numbered(call: int, terms: LossTerms) -> LossTerms:
        return LossTerms(terms.total, {**terms.parts, "box": torch.tensor(float(call))})

    criterion, told = Watched(criterion_of(), numbered), []
    trainer = trainer_of(tmp_path, epochs=2, images=4, accumulate=2, criterion=criterion)
    monkeypatch.setattr(
        trainer.tracker, "losses", lambda records, **_: told.extend(one.values["box"] for one in records)
    )
    trainer.fit()
    assert told == [1.5, 3.5]


def test_the_average_follows_every_step(tmp_path):
    trainer = trainer_of(tmp_path, epochs=1, images=2)
    start = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.fit()
    for name, end in trainer.model.state_dict().items():
        # After one update the average has gone 1 - 2/11 of the way.
        expected = start[name].lerp(end, 9 / 11) if end.is_floating_point() else end
        torch.testing.assert_close(trainer.ema.model.state_dict()[name], expected)


def test_it_evaluates_at_its_interval_and_at_the_end(tmp_path):
    epochs = []
    judge = Judge(iter([0.1] * 9))
    trainer = trainer_of(tmp_path, epochs=5, images=2, judge=judge)
    judge.before = lambda: epochs.append(trainer.progress.epoch)
    trainer.fit()
    assert epochs == [2, 4, 5]


def test_best_holds_the_best_average_and_last_the_last(tmp_path):
    judge = Judge(iter([0.1, 0.5, 0.3, 0.5]))
    trainer = trainer_of(tmp_path, epochs=4, images=2, judge=judge, evaluate_every=1)
    trainer.fit()
    best = checkpoint.load(tmp_path / "checkpoints" / "best.pt")
    assert best["progress"]["best_epoch"] == best["progress"]["epoch"] == 2
    assert best["progress"]["best"] == 0.5
    assert_same(best["ema"], judge.seen[1])
    last = checkpoint.load(tmp_path / "checkpoints" / "last.pt")
    assert last["progress"]["epoch"] == 4
    assert last["progress"]["best_epoch"] == 2
    assert_same(last["ema"], judge.seen[3])


def test_only_the_last_state_keeps_those_before_it(tmp_path):
    trainer_of(tmp_path, epochs=2, images=2, evaluate_every=1, keep=1).fit()
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"last.pt", "last-1.pt", "best.pt"}


@pytest.mark.parametrize("nothing", [None, 0.0])
def test_where_nothing_is_found_the_last_weights_are_the_best(tmp_path, nothing):
    trainer = trainer_of(tmp_path, epochs=3, images=2, aps=[nothing] * 3, evaluate_every=1)
    trainer.fit()
    best = checkpoint.load(tmp_path / "checkpoints" / "best.pt")
    assert best["progress"]["epoch"] == 3
    assert trainer.progress.stale == (0 if nothing is None else 2)


def test_patience_counts_evaluations_without_a_better_ap(tmp_path):
    judge = Judge(iter([0.3, 0.2, 0.4, 0.4, 0.1, 0.9]))
    trainer = trainer_of(tmp_path, epochs=20, images=2, judge=judge, evaluate_every=1, patience=2)
    trainer.fit()
    assert trainer.progress.epoch == len(judge.seen) == 5

    resumed = trainer_of(tmp_path, epochs=20, images=2, evaluate_every=1, patience=2)
    resumed.resume(checkpoint.load(tmp_path / "checkpoints" / "last.pt"), source="last.pt")
    resumed.fit()
    assert resumed.progress.epoch == 5


@pytest.mark.parametrize("log_every", [1, 50])
def test_a_loss_that_is_not_finite_stops_before_anything_is_saved(tmp_path, log_every):
    def broken_in_the_third_epoch(call: int, terms: LossTerms) -> LossTerms:
        if call < 10:
            return terms
        bad = terms.total * torch.nan
        return LossTerms(bad, {**terms.parts, "box": bad.detach()})

    criterion = Watched(criterion_of(), broken_in_the_third_epoch)
    trainer = trainer_of(tmp_path, criterion=criterion, evaluate_every=1, log_every=log_every)
    with pytest.raises(
        NonFiniteError, match=r"^step 10: box, gradient_norm not finite, images \[10\d, 10\d\]"
    ):
        trainer.fit()
    for name in ("last.pt", "best.pt"):
        state = checkpoint.load(tmp_path / "checkpoints" / name)
        assert state["progress"]["epoch"] == 2
        assert all(value.isfinite().all() for value in state["model"].values())


def test_nothing_is_saved_while_a_loss_that_is_not_finite_is_unread(tmp_path):
    trainer = trainer_of(tmp_path)
    trainer.log.add(3, {"box": torch.tensor(torch.nan)}, torch.tensor([7]))
    with pytest.raises(NonFiniteError, match="step 3: box not finite"):
        trainer.save("last.pt")
    assert not (tmp_path / "checkpoints").exists()


def test_half_precision_trains_and_goes_on_from_a_run_without_it(tmp_path):
    first = trainer_of(tmp_path, epochs=1, images=2)
    first.fit()
    trainer = trainer_of(tmp_path, epochs=2, images=2, precision=HALF)
    trainer.resume(checkpoint.load(tmp_path / "checkpoints" / "last.pt"), source="last.pt")
    trainer.fit()
    assert trainer.progress.epoch == 2
    assert trainer.state()["scaler"]["scale"] > 0


def test_more_batches_a_step_than_an_epoch_has_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"engine\.accumulate=5 is more than the 4 batches of an epoch"):
        trainer_of(tmp_path, accumulate=5)


def test_epochs_shorter_than_log_every_are_not_all_saved(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(checkpoint, "save", lambda _, state, **__: steps.append(state["progress"]["step"]))
    trainer = trainer_of(tmp_path, images=2, epochs=10, evaluate_every=100, log_every=4)
    trainer.fit()
    assert trainer.steps_per_epoch == 1
    assert steps == [4, 8, 10, 10, 10], "the last before its evaluation, as the best, and after it"

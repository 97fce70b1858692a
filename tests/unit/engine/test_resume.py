"""A resumed run is the run that was never stopped, to the last bit."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from detector.engine import checkpoint
from detector.engine.device import Precision
from detector.engine.trainer import Trainer
from detector.errors import Interrupted, UserError
from detector.tensors import LossTerms
from tests.unit.engine.builders import Judge, Watched, assert_same, criterion_of, trainer_of

EXACT = ("model", "ema", "ema_updates", "optimizer", "random", "progress", "classes", "config")


def last(folder: Path) -> dict[str, Any]:
    return checkpoint.load(folder / "checkpoints" / "last.pt")


def stop_me() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def resumed(folder: Path, **settings: Any) -> Trainer:
    trainer = trainer_of(folder, **settings)
    trainer.resume(last(folder), source="last.pt")
    return trainer


def stopping_after(calls: int) -> Watched:
    def after(call: int, terms: LossTerms) -> LossTerms:
        if call == calls:
            stop_me()
        return terms

    return Watched(criterion_of(), after)


def test_two_and_two_epochs_are_four(tmp_path):
    whole = trainer_of(tmp_path / "whole", images=4)
    whole.fit()

    judge = Judge(iter([0.1]), before=stop_me)
    first = trainer_of(tmp_path / "parts", images=4, judge=judge)
    with pytest.raises(Interrupted, match=r"stopped after step 4; go on with resume=.*last\.pt"):
        first.fit()
    # Stopped in the evaluation, at once: it is the first thing that is done again.
    assert last(tmp_path / "parts")["progress"]["epoch"] == 1
    second = resumed(tmp_path / "parts", images=4)
    second.fit()
    assert second.progress.step == whole.progress.step == 8
    assert_same(second.state(), whole.state())


@pytest.mark.parametrize(("accumulate", "images", "calls"), [(1, 8, 7), (2, 10, 9)])
def test_an_epoch_stopped_in_its_middle_goes_on_alike(tmp_path, accumulate, images, calls):
    """With accumulation an epoch of 5 batches is 2 steps; the 9th call is in the second epoch's last step."""
    settings: dict[str, Any] = {"accumulate": accumulate, "images": images, "epochs": 3}
    whole = trainer_of(tmp_path / "whole", **settings)
    whole.fit()

    first = trainer_of(tmp_path / "parts", criterion=stopping_after(calls - accumulate), **settings)
    with pytest.raises(Interrupted):
        first.fit()
    stopped = last(tmp_path / "parts")["progress"]
    assert stopped["epoch"] == 1
    assert stopped["batch"] > 0
    second = resumed(tmp_path / "parts", **settings)
    second.fit()
    mine, wanted = second.state(), whole.state()
    for part in EXACT:
        assert_same(mine[part], wanted[part], part)


def test_a_stop_in_an_epoch_s_last_step_still_evaluates_that_epoch(tmp_path):
    whole = trainer_of(tmp_path / "whole", epochs=2)
    whole.fit()
    with pytest.raises(Interrupted):
        trainer_of(tmp_path / "parts", epochs=2, criterion=stopping_after(8)).fit()
    judge = Judge(iter([0.1]))
    second = resumed(tmp_path / "parts", epochs=2, judge=judge)
    second.fit()
    assert len(judge.seen) == 1
    assert_same(second.state()["ema"], whole.state()["ema"])
    assert second.progress == whole.progress


def test_a_run_killed_while_it_evaluates_has_lost_the_evaluation_only(tmp_path):
    whole = trainer_of(tmp_path / "whole", epochs=2)
    whole.fit()

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer_of(tmp_path / "parts", epochs=2, judge=Judge(iter([]), before=killed)).fit()
    assert not (tmp_path / "parts" / "checkpoints" / "best.pt").exists()
    counting = Watched(criterion_of(), lambda _, terms: terms)
    second = resumed(tmp_path / "parts", epochs=2, criterion=counting)
    second.fit()
    assert counting.calls == 0
    assert_same(second.state()["ema"], whole.state()["ema"])
    assert second.progress == whole.progress


def test_a_state_is_taken_up_whole(tmp_path):
    half = Precision(torch.float16, torch.device("cpu"))
    first = trainer_of(tmp_path, epochs=1, images=2, precision=half)
    first.fit()
    first.scaler.load_state_dict({**first.scaler.state_dict(), "scale": 16.0})
    first.thresholds = {"person": 0.25, "car": 0.5}
    first.skipping.skipped = [{"step": 1, "at": "epoch 1, batch 1", "terms": ["box"], "images": [7]}]
    first.save("last.pt")
    assert_same(resumed(tmp_path, epochs=1, images=2, precision=half).state(), first.state())


def test_a_finished_run_stays_as_it_is(tmp_path):
    trainer = trainer_of(tmp_path, epochs=1, images=2)
    trainer.fit()
    before = (tmp_path / "checkpoints" / "last.pt").read_bytes()
    again = resumed(tmp_path, epochs=1, images=2)
    again.fit()
    assert (tmp_path / "checkpoints" / "last.pt").read_bytes() == before


def test_weights_alone_cannot_be_resumed(tmp_path):
    trainer = trainer_of(tmp_path)
    state = trainer.state()
    del state["optimizer"]
    with pytest.raises(UserError, match=r"checkpoint w\.pt: holds weights only.*use last\.pt"):
        trainer.resume(state, source="w.pt")

"""How long to train, where nobody said."""

from __future__ import annotations

import pytest

from detector.engine.budget import fitted

AUTO = {"batch_size": 16, "accumulate": 1, "epochs": "auto", "evaluate_every": "auto"}


@pytest.mark.parametrize(
    ("frames", "epochs", "every"),
    [
        (3200, 16, 2),  # 200 batches an epoch: enough
        (160, 300, 38),  # 10 batches
        (60, 1000, 125),  # 3 batches
    ],
)
def test_few_frames_get_as_many_epochs_as_make_three_thousand_steps(frames, epochs, every):
    found = fitted(AUTO, frames=frames, processes=2)
    assert (found["batch_size"], found["epochs"], found["evaluate_every"]) == (16, epochs, every)
    assert epochs * (frames // 16) >= 3000
    assert epochs == 16 or (epochs - 1) * (frames // 16) < 3000


def test_gathered_batches_make_one_step():
    assert fitted({**AUTO, "accumulate": 5}, frames=160, processes=1)["epochs"] == 1500


@pytest.mark.parametrize(("frames", "processes", "batch"), [(9, 2, 8), (9, 1, 9), (1, 2, 2), (16, 2, 16)])
def test_a_batch_is_not_larger_than_the_set(frames, processes, batch):
    assert fitted(AUTO, frames=frames, processes=processes)["batch_size"] == batch


def test_what_the_user_said_stays():
    said = {"batch_size": 4, "accumulate": 1, "epochs": 3, "evaluate_every": 2}
    assert fitted(said, frames=12, processes=2) == said

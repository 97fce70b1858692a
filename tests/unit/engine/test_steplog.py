"""Scalars of steps: kept on the device, read together, checked."""

import pytest
import torch

from detector.engine.steplog import MOST_OVERFLOWS, StepLog, StepRecord
from detector.errors import NonFiniteError

NO_IMAGES = torch.tensor([], dtype=torch.int64)


def test_flush_gives_each_step_once_oldest_first():
    log = StepLog()
    log.add(4, {"box": torch.tensor(0.5), "positives": torch.tensor(3)}, NO_IMAGES)
    log.add(5, {"box": torch.tensor(0.25, dtype=torch.bfloat16), "positives": torch.tensor(7)}, NO_IMAGES)
    assert log.flush() == [
        StepRecord(4, {"box": 0.5, "positives": 3.0}),
        StepRecord(5, {"box": 0.25, "positives": 7.0}),
    ]
    assert log.flush() == []


def test_what_is_added_is_not_changed_by_what_the_caller_does_later():
    log = StepLog()
    value = torch.tensor(1.0)
    log.add(1, {"box": value}, NO_IMAGES)
    value.fill_(9.0)
    assert log.flush()[0].values == {"box": 1.0}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_names_step_terms_and_images(bad):
    log = StepLog()
    good, broken = torch.tensor(1.0), torch.tensor(bad)
    log.add(7, {"cls": good, "box": good, "total": good}, torch.tensor([1, 2]))
    log.add(8, {"cls": good, "box": broken, "total": broken}, torch.tensor([30, 41]))
    log.add(9, {"cls": broken, "box": good, "total": broken}, torch.tensor([5, 6]))
    with pytest.raises(
        NonFiniteError,
        match=r"^step 8: box, total not finite, images \[30, 41\]; no weights from this step were saved\. ",
    ) as caught:
        log.flush()
    assert "\n" not in str(caught.value)
    assert log.flush() == []


def scaled(*norms: float) -> StepLog:
    log = StepLog(scaled=True)
    for step, norm in enumerate(norms, 1):
        values = {"box": torch.tensor(1.0), "gradient_norm": torch.tensor(norm)}
        log.add(step, values, torch.tensor([step]))
    return log


def test_an_overflow_of_a_scaled_loss_is_a_step_without_a_norm():
    log = scaled(float("inf"), 2.0)
    assert [record.values for record in log.flush()] == [{"box": 1.0}, {"box": 1.0, "gradient_norm": 2.0}]
    log.require_movement()


def test_a_step_without_an_overflow_begins_the_count_anew():
    few = [float("nan")] * (MOST_OVERFLOWS - 1)
    assert len(scaled(*few, 1.0, *few).flush()) == 2 * MOST_OVERFLOWS - 1


def test_overflows_without_end_are_told():
    log = scaled(*[float("nan")] * (MOST_OVERFLOWS - 1))
    log.flush()
    with pytest.raises(NonFiniteError, match=f"none of {MOST_OVERFLOWS - 1} steps had a finite gradient"):
        log.require_movement()
    told = r"step 20: gradient_norm not finite, images \[20\]; overflows for 20 steps in fp16; no weights"
    with pytest.raises(NonFiniteError, match=told):
        scaled(*[float("nan")] * MOST_OVERFLOWS).flush()
    StepLog(scaled=True).require_movement()  # a finished run has nothing to do

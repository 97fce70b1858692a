"""What is no number is not saved, and a step that has it may be skipped."""

import json

import pytest
import torch

from detector.engine import checkpoint
from detector.engine.device import Precision
from detector.engine.finite import LARGEST, Skipping, require_sound
from detector.errors import NonFiniteError
from detector.tensors import LossTerms
from tests.built import built
from tests.unit.engine.builders import Watched, assert_same, criterion_of, model_of, trainer_of

FP16 = Precision(torch.float16, torch.device("cpu"))


def broken(*calls: int) -> Watched:
    """A criterion whose loss is no number at these calls, counted from 1."""

    def after(call: int, terms: LossTerms) -> LossTerms:
        return LossTerms(terms.total * torch.nan, terms.parts) if call in calls else terms

    return Watched(criterion_of(), after)


def spoil(model: torch.nn.Module, ending: str, value: float) -> None:
    with torch.no_grad():
        next(each for name, each in model.state_dict().items() if name.endswith(ending)).view(-1)[0] = value


@pytest.mark.parametrize(
    ("ending", "value"), [("running_var", float("nan")), ("weight", 1e30), ("bias", float("inf"))]
)
def test_weights_and_buffers_that_are_no_numbers_are_not_saved(tmp_path, ending, value):
    trainer = trainer_of(tmp_path)
    trainer.save("last.pt")
    before = (tmp_path / "checkpoints" / "last.pt").read_bytes()
    spoil(trainer.model, ending, value)
    with pytest.raises(NonFiniteError, match=rf"step 0: the model's \S+{ending} is .*was not overwritten"):
        trainer.save("last.pt")
    assert (tmp_path / "checkpoints" / "last.pt").read_bytes() == before


def test_the_average_and_the_optimizer_are_looked_at_too(tmp_path):
    model, average = model_of(), model_of()
    optimizer = built("optimizer/adamw")(model)
    sum(parameter.sum() for parameter in model.parameters()).backward()
    optimizer.step()
    modules = {"the model": model, "the averaged model": average}
    require_sound(modules, optimizer, step=1, file=tmp_path)
    spoil(average, "weight", 2 * LARGEST)
    with pytest.raises(NonFiniteError, match=r"the averaged model's \S+weight is 1\.31e\+05"):
        require_sound(modules, optimizer, step=1, file=tmp_path)
    spoil(average, "weight", LARGEST)
    next(iter(optimizer.state.values()))["exp_avg_sq"].view(-1)[0] = float("nan")
    with pytest.raises(NonFiniteError, match=r"the optimizer's 0\.exp_avg_sq is nan"):
        require_sound(modules, optimizer, step=1, file=tmp_path)


def test_what_has_one_dimension_is_not_halved_and_may_be_larger(tmp_path):
    model = model_of()
    for ending in ("bias", "running_var"):
        spoil(model, ending, 2 * LARGEST)
    require_sound({"the model": model}, built("optimizer/adamw")(model), step=1, file=tmp_path)


def test_one_step_an_epoch_that_blows_up_saves_nothing(tmp_path):
    optimizer = built("optimizer/sgd", lr=1e30, weight_decay=0.0)
    trainer = trainer_of(tmp_path, epochs=3, images=2, optimizer=optimizer, warmup_fraction=0.0)
    with pytest.raises(NonFiniteError):
        trainer.fit()
    assert not (tmp_path / "checkpoints").exists()


def test_a_skipped_step_is_as_if_its_batch_had_not_been_there(tmp_path):
    trainer = trainer_of(tmp_path, criterion=broken(1), on_nonfinite="skip", epochs=1)
    before = {name: value.clone() for name, value in trainer.state()["model"].items()}
    average = {name: value.clone() for name, value in trainer.state()["ema"].items()}
    trainer.loader.start(0, 0)
    trainer._step([next(iter(trainer.loader))])
    assert trainer.progress.step == trainer.progress.batch == 1
    assert_same(dict(trainer.model.state_dict()), before)
    assert_same(dict(trainer.ema.model.state_dict()), average)
    (noted,) = json.loads((tmp_path / "nonfinite.json").read_text())
    assert (noted["step"], noted["terms"]) == (1, ["gradient_norm"])
    assert len(noted["images"]) == 2


def test_skipping_ends_well_within_its_bound_and_stops_beyond_it(tmp_path):
    trainer = trainer_of(tmp_path / "a", criterion=broken(2, 5), on_nonfinite="skip", most_skipped=2)
    trainer.fit()
    assert len(json.loads((tmp_path / "a" / "nonfinite.json").read_text())) == 2
    state = checkpoint.load(tmp_path / "a" / "checkpoints" / "last.pt")
    assert all(value.isfinite().all() for value in state["model"].values())
    trainer = trainer_of(tmp_path / "b", criterion=broken(2, 5), on_nonfinite="skip", most_skipped=1)
    with pytest.raises(NonFiniteError, match=r"step 5: gradient_norm .*engine\.most_skipped=1"):
        trainer.fit()


def test_a_resumed_run_knows_what_was_skipped(tmp_path):
    begun = trainer_of(tmp_path, criterion=broken(2), on_nonfinite="skip", most_skipped=1, epochs=1)
    begun.fit()
    resumed = trainer_of(tmp_path, criterion=broken(1), on_nonfinite="skip", most_skipped=1, epochs=2)
    resumed.resume(checkpoint.load(tmp_path / "checkpoints" / "last.pt"), source="last.pt")
    with pytest.raises(NonFiniteError, match=r"step 5: .*engine\.most_skipped=1"):
        resumed.fit()
    assert [noted["step"] for noted in json.loads((tmp_path / "nonfinite.json").read_text())] == [2, 5]


def test_a_stop_leaves_the_images_to_look_at(tmp_path):
    trainer = trainer_of(tmp_path, criterion=broken(3))
    with pytest.raises(NonFiniteError, match="step 3"):
        trainer.fit()
    (noted,) = json.loads((tmp_path / "nonfinite.json").read_text())
    assert (noted["step"], noted["at"]) == (3, "epoch 1, batch 3")


def test_half_precision_that_never_moves_a_weight_does_not_end_well(tmp_path):
    trainer = trainer_of(tmp_path, epochs=1, criterion=broken(*range(1, 9)), precision=FP16)
    with pytest.raises(NonFiniteError, match="none of 4 steps had a finite gradient in fp16"):
        trainer.fit()


def test_words_and_bounds():
    skipping = Skipping("stop", 0, None)
    assert skipping.bad({"box": torch.tensor(torch.nan)}) == []
    skipping = Skipping("skip", 0, None)
    assert skipping.bad({"box": torch.tensor(torch.nan), "cls": torch.tensor(1.0)}) == ["box"]

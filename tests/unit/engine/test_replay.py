"""A bad step made again: the same batch and weights as in the run, and the frame, layer or term named."""

from dataclasses import replace
from pathlib import Path

import torch

from detector.engine.replay import examine
from detector.engine.trainer import Trainer
from detector.tensors import Batch, LossTerms
from tests.unit.engine.builders import Watched, assert_same, criterion_of, trainer_of


def looked_at(trainer: Trainer, batches: list[Batch]) -> list[str]:
    return examine(
        trainer.model,
        batches,
        assigner=trainer.gradients.assigner,
        criterion=trainer.gradients.criterion,
        precision=trainer.precision,
        progress=0.1,
    )


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.model.named_parameters()}


def test_the_weights_and_the_batch_are_those_of_the_step(tmp_path: Path) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    trained: list[Trainer] = []

    def keep(call: int, terms: LossTerms) -> LossTerms:
        if call == 7:
            seen.append(weights_of(trained[0]))
        return terms

    trained.append(trainer_of(tmp_path / "a", criterion=Watched(criterion_of(), keep), epochs=2))
    trained[0].fit()
    again = trainer_of(tmp_path / "b", epochs=2)
    (batch,) = again.step_to(7)
    assert_same(weights_of(again), seen[0])
    again.loader.start(1, 2)  # epochs of four steps
    expected = next(iter(again.loader))
    assert torch.equal(batch.images, expected.images)
    assert not (tmp_path / "b" / "checkpoints").exists()


def test_a_step_that_is_behind_is_only_made_again(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    trainer.step_to(4)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    (batch,) = trainer.step_to(2)
    assert_same(dict(trainer.model.state_dict()), before)
    trainer.loader.start(0, 1)
    assert torch.equal(batch.image_ids, next(iter(trainer.loader)).image_ids)


def test_nothing_is_said_where_all_is_finite_and_the_model_stays_as_it_is(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    batches = trainer.step_to(1)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    assert looked_at(trainer, batches) == []
    assert_same(dict(trainer.model.state_dict()), before)


def test_the_frame_is_named(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    (batch,) = trainer.step_to(1)
    images = batch.images.clone()
    images[1, 0, 3, 4] = torch.nan
    lines = looked_at(trainer, [replace(batch, images=images)])
    bad = int(batch.image_ids[1])
    assert lines[0] == f"image {bad}: its pixels have 1 NaN of 1024"
    assert f"image {bad} alone gives a loss of nan" in lines
    assert not any(f"image {int(batch.image_ids[0])} alone" in line for line in lines)


def test_the_weight_and_the_first_layer_are_named(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    batches = trainer.step_to(1)
    name, weight = next(item for item in trainer.model.named_parameters() if "stages" in item[0])
    with torch.no_grad():
        weight[(0,) * weight.ndim] = torch.inf
    lines = looked_at(trainer, batches)
    assert lines[0] == f"weights: {name} has 1 infinite of {weight.numel()}"
    assert lines[1].startswith(f"layer {name.rpartition('.')[0]}: its output has")


def test_the_term_and_the_gradients_are_named(tmp_path: Path) -> None:
    spoilt = Watched(
        criterion_of(),
        lambda _, terms: LossTerms(terms.total * torch.inf, {**terms.parts, "box": terms.total * 0}),
    )
    trainer = trainer_of(tmp_path, criterion=spoilt)
    lines = looked_at(trainer, trainer.step_to(1))
    assert lines[0] == "term the loss is inf"
    assert lines[1].startswith("gradients of ")
    assert lines[2].startswith("each image alone")

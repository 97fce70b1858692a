"""benchmarks/training_step.py takes the steps that a training takes."""

from __future__ import annotations

import torch

from benchmarks.training_step import Step, compose, write_frames

TINY = ["model.stem=4", "model.widths=[8,8]", "model.depths=[0,0]", "model.neck_widths=[8,8]"]
SMALL = ["model.neck_depths=[0]", "augment.size=[64,64]", "engine.batch_size=2", "data=coco"]


def test_its_parts_add_up_to_the_gradient_of_a_whole_step(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.training_step.FRAMES", 4)
    write_frames(tmp_path)
    step = Step(
        compose([*TINY, *SMALL, f"data.root={tmp_path}", "engine.device=cpu", "engine.precision=fp32"])
    )
    step.model.eval()  # no statistics: the same batch twice gives the same
    step._update = lambda: None
    batch, _ = step()
    in_parts = [parameter.grad.clone() for parameter in step.model.parameters()]
    step.model.zero_grad()
    output = step.model(batch.images)
    assignment = step.assigner(output, batch.targets)
    step.criterion(output, assignment, batch.targets, progress=1.0).total.backward()
    for whole, part in zip(step.model.parameters(), in_parts, strict=True):
        torch.testing.assert_close(part, whole.grad)

"""Pieces every criterion shares: dense class targets and the box term."""

from __future__ import annotations

import torch
from torch import Tensor

from detector import distributed
from detector.criterion.protocol import BoxLoss
from detector.tensors import Assignment, HeadOutput


def class_targets(assignment: Assignment, *, classes: int, quality: bool) -> Tensor:
    """[B, P, C] float32: at a positive its label's entry is the point's quality (or 1), all else is 0."""
    value = assignment.quality if quality else assignment.positive.float()
    value = torch.where(assignment.positive, value, 0)
    one_hot = assignment.labels[..., None] == torch.arange(classes, device=value.device)
    return one_hot * value[..., None]


def box_term(head_output: HeadOutput, assignment: Assignment, loss: BoxLoss, *, quality: bool) -> Tensor:
    """Mean box loss over the positives of all ranks, weighted by quality if asked; 0 without positives."""
    rows, taken = positive_rows(assignment)
    predicted = head_output.boxes.flatten(0, 1).index_select(0, rows)
    # Where there is no positive both boxes are the prediction: a finite loss, times a weight of 0.
    target = torch.where(taken[:, None], assignment.boxes.flatten(0, 1)[rows], predicted.detach())
    weight = assignment.quality.flatten()[rows] if quality else torch.ones_like(taken, dtype=torch.float32)
    weight = torch.where(taken, weight, 0)
    losses = loss(predicted, target)
    if losses.ndim == predicted.ndim:  # one for each edge
        losses = losses.mean(-1)
    values = torch.where(taken, losses, 0)
    weighted, weights = distributed.world_sums([(weight * values).sum(), weight.sum()])
    return weighted / weights.clamp(min=1e-6)


def positive_rows(assignment: Assignment) -> tuple[Tensor, Tensor]:
    """Where the positives stand: rows [most] int64 into the batch's points [B * P], and taken [most] bool.

    Rows not taken are other points. No row is there twice: a GPU adds up the gradients of one row one after
    the other, which took most of a step. What works on these rows leaves nine points of ten alone, and their
    number is known without asking the device.
    """
    positive = assignment.positive.flatten()
    numbers = torch.arange(len(positive), device=positive.device)
    count, up_to = positive.sum(), positive.cumsum(0)
    slots = torch.where(positive, up_to - 1, count + numbers - up_to)  # positives, then the rest
    rows = torch.empty_like(numbers).scatter(0, slots, numbers)[: assignment.most]
    return rows, torch.arange(assignment.most, device=positive.device) < count

"""Draws the figures of docs/losses.md into docs/images.

python docs/plot_losses.py [folder]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from detector.criterion.combine import Arithmetic, Combine, Geometric, ShiftedGeometric
from detector.losses import box, classification, fscore, region
from detector.losses.sums import confusion_sums

Z = torch.linspace(-8, 8, 401, dtype=torch.float64)


def gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Element-wise derivative."""
    x = x.clone().requires_grad_()
    (result,) = torch.autograd.grad(loss(x).sum(), x)
    return result


def panels(left: str, right: str) -> tuple[plt.Figure, Axes, Axes]:
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.4), dpi=80, layout="constrained")
    for axes, title in ((a, left), (b, right)):
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
    return figure, a, b


def value_and_slope(axes: tuple[Axes, Axes], loss: Callable[[Tensor], Tensor], x: Tensor, label: str) -> None:
    axes[0].plot(x, loss(x), label=label)
    axes[1].plot(x, gradient(loss, x), label=label)


def on_positives() -> plt.Figure:
    figure, a, b = panels("loss at y = 1", "its derivative by z")
    one = torch.ones_like(Z)
    value_and_slope((a, b), lambda z: classification.cross_entropy(z, one), Z, "cross-entropy")
    for gamma in (1, 2, 5):
        # Without cross-entropy's share and with alpha 1, this is focal without its class weights.
        focal = partial(
            classification.bce_focal, targets=one, alpha=1, gamma=gamma, bce_weight=0, focal_weight=1
        )
        value_and_slope((a, b), focal, Z, rf"focal, $\gamma$ = {gamma}")
    both = partial(classification.bce_focal, targets=one, alpha=1, gamma=3, bce_weight=0.5, focal_weight=0.5)
    value_and_slope((a, b), both, Z, r"BCE + focal, $\gamma$ = 3")
    a.set(xlabel="logit z", ylim=(0, 5))
    b.set(xlabel="logit z")
    a.legend(fontsize=8)
    return figure


def balanced() -> plt.Figure:
    figure, a, b = panels("y = 1", "y = 0")
    p = Z.sigmoid()
    for axes, y in ((a, torch.ones_like(Z)), (b, torch.zeros_like(Z))):
        axes.plot(p, classification.cross_entropy(Z, y), "k--", label="cross-entropy")
        for beta in (0.16, 0.5, 0.84):
            axes.plot(p, classification.balanced_cross_entropy(Z, y, beta=beta), label=rf"$\beta$ = {beta}")
        axes.set(xlabel="p", ylim=(0, 4))
    a.legend(fontsize=8)
    return figure


def quality() -> plt.Figure:
    figure, a, b = panels(r"quality focal, $\beta$ = 2", r"varifocal, $\alpha$ = 0.75, $\gamma$ = 2")
    p = Z.sigmoid()
    for q in (0.0, 0.3, 0.7, 1.0):
        target = torch.full_like(Z, q)
        a.plot(p, classification.quality_focal(Z, target), label=f"q = {q}")
        b.plot(p, classification.varifocal(Z, target, alpha=0.75, gamma=2), label=f"q = {q}")
    for axes in (a, b):
        axes.set(xlabel="p", ylim=(0, 2))
    a.legend(fontsize=8)
    return figure


def sets() -> plt.Figure:
    """4 positives and 12 negatives; all positives at one p, all negatives at another."""
    figure, a, b = panels("positives at p, negatives at 0.2", "positives at 0.8, negatives at p")
    p = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    y = torch.cat((torch.ones(4), torch.zeros(12))).double().expand(101, 16)
    losses = {
        "Dice, s = 1": lambda sums: region.dice_from_sums(*sums, smooth=1),
        "Dice, s = 0": lambda sums: region.dice_from_sums(*sums, smooth=0),
        "IoU, s = 0": lambda sums: region.soft_iou_from_sums(*sums, smooth=0),
        "F½": lambda sums: fscore.f_beta_from_sums(*sums, beta=0.5),
        "F1": lambda sums: fscore.f1_from_sums(*sums),
        "F2": lambda sums: fscore.f_beta_from_sums(*sums, beta=2),
    }
    for axes, probs in ((a, torch.where(y == 1, p, 0.2)), (b, torch.where(y == 1, 0.8, p))):
        for name, loss in losses.items():
            axes.plot(p, loss(confusion_sums(probs, y, dim=-1)), "--" if name == "F1" else "-", label=name)
        axes.set(xlabel="p", ylim=(0, 1))
    a.legend(fontsize=8)
    return figure


def offsets() -> plt.Figure:
    figure, a, b = panels(r"loss of one coordinate, $\delta$ = 2", "its derivative")
    d = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    zero = torch.zeros_like(d)
    for name in ("mse", "huber", "smooth_l1", "paper"):
        options = {} if name == "mse" else {"delta": 2.0}
        value_and_slope((a, b), partial(getattr(box, name), target=zero, **options), d, name)
    a.set(xlabel=r"$d = t - \hat{t}$", ylim=(0, 8))
    b.set(xlabel=r"$d = t - \hat{t}$", ylim=(-4, 4))
    a.legend(fontsize=8)
    return figure


def rotation() -> plt.Figure:
    figure, a, b = panels("sum over coordinates, error of length 1.5", "where each is 1, in two coordinates")
    angle = torch.linspace(0, math.pi / 2, 181, dtype=torch.float64)
    zero = torch.zeros(181, 4, dtype=torch.float64)
    turned = 1.5 * torch.stack((angle.cos(), angle.sin(), zero[:, 0], zero[:, 0]), dim=-1)
    a.plot(angle.rad2deg(), box.huber(turned, zero).sum(-1), label="huber")
    a.plot(angle.rad2deg(), box.norm_huber(turned, zero), label="norm_huber")
    a.set(xlabel="direction of the error, degrees", ylim=(0.9, 1.2))
    a.legend(fontsize=8)
    grid = torch.linspace(-2, 2, 161, dtype=torch.float64)
    x, y = torch.meshgrid(grid, grid, indexing="xy")
    error = torch.stack((x, y, torch.zeros_like(x), torch.zeros_like(x)), dim=-1)
    for colour, values in (
        ("C0", box.huber(error, torch.zeros_like(error)).sum(-1)),
        ("C1", box.norm_huber(error, torch.zeros_like(error))),
    ):
        b.contour(x, y, values, levels=[1.0], colors=colour)
    b.set_aspect("equal")
    return figure


def overlaps() -> plt.Figure:
    figure, a, b = panels("a 4 px square, shifted", "a 24 px square, shifted")
    shift = torch.linspace(0, 16, 161, dtype=torch.float64)
    for axes, side in ((a, 4.0), (b, 24.0)):
        target = torch.tensor([0.0, 0, side, side], dtype=torch.float64).expand(161, 4)
        moved = target + torch.stack((shift, shift * 0, shift, shift * 0), dim=-1)
        for loss in (box.iou_loss, box.giou_loss, box.diou_loss):
            axes.plot(shift, loss(moved, target), label=loss.__name__)
        axes.plot(shift, box.nwd_loss(moved, target, constant=12.8), label="nwd_loss")
        axes.set(xlabel="shift to the right, pixels", ylim=(0, 1.7))
    a.legend(fontsize=8)
    return figure


def factor_weights() -> plt.Figure:
    figure, a, b = panels("share of one factor L, the other three 0.5", "derivative by that factor")
    values = torch.logspace(-6, 0, 121, dtype=torch.float64)
    means: dict[str, Combine] = {
        "geometric": Geometric(eps=1e-12),
        "shifted, s = 0.01": ShiftedGeometric(shift=0.01),
        "shifted, s = 0.1": ShiftedGeometric(shift=0.1),
        "shifted, s = 1": ShiftedGeometric(shift=1.0),
        "arithmetic": Arithmetic(),
    }
    for name, combine in means.items():
        rest = torch.full((3,), 0.5, dtype=torch.float64)
        slope = []
        for value in values:
            factors = torch.cat((value[None], rest)).requires_grad_()
            slope.append(torch.autograd.grad(combine(factors), factors)[0])
        slopes = torch.stack(slope)
        a.semilogx(
            values, slopes[:, 0] * values / (slopes[:, 0] * values + 0.5 * slopes[:, 1:].sum(1)), label=name
        )
        b.loglog(values, slopes[:, 0], label=name)
    a.set(xlabel="L", ylabel="share of the pull")
    b.set(xlabel="L")
    b.legend(fontsize=8)
    return figure


def one_logit() -> plt.Figure:
    """What the losses say when 4 positives and 12 hard negatives all get one logit z."""
    figure, a, b = panels("the factors", "what they are joined to")
    z = torch.linspace(-12, 12, 241, dtype=torch.float64)
    factors = one_logit_factors(z)
    for name, values in factors.items():
        a.plot(z, values, label=name)
    four = torch.stack(
        [factors[name] for name in ("cls, positives", "cls, negatives", "F1, positives")], dim=-1
    )
    four = torch.cat((four, torch.ones_like(z)[:, None]), dim=-1)  # F1 on negatives alone is 1
    two = torch.stack((factors["cls, joint"], factors["F1, joint"]), dim=-1)
    b.plot(z, [Geometric(eps=1e-12)(row) for row in four], label="four, geometric")
    b.plot(z, [ShiftedGeometric(shift=0.1)(row) for row in four], label="four, shifted, s = 0.1")
    b.plot(z, [Geometric(eps=1e-12)(row) for row in two], label="two (joint), geometric")
    b.plot(z, [ShiftedGeometric(shift=0.1)(row) for row in two], label="two (joint), shifted, s = 0.1")
    for axes in (a, b):
        axes.set(xlabel="logit of every point", ylim=(0, 3))
        axes.legend(fontsize=8)
    return figure


def one_logit_factors(z: Tensor) -> dict[str, Tensor]:
    """The composite's factors, with cross-entropy, when every point has logit z."""
    y = torch.cat((torch.ones(4), torch.zeros(12))).double().expand(len(z), 16)
    logits = z[:, None].expand_as(y)
    ce = classification.cross_entropy(logits, y)
    positive = confusion_sums(logits.sigmoid(), y, weights=y, dim=-1)
    joint = confusion_sums(logits.sigmoid(), y, dim=-1)
    return {
        "cls, positives": ce[:, :4].mean(1),
        "cls, negatives": ce[:, 4:].mean(1),
        "F1, positives": fscore.f1_from_sums(*positive),
        "cls, joint": ce.mean(1),
        "F1, joint": fscore.f1_from_sums(*joint),
    }


FIGURES: dict[str, Callable[[], plt.Figure]] = {
    "loss_classification": on_positives,
    "loss_balanced": balanced,
    "loss_quality": quality,
    "loss_sets": sets,
    "loss_offsets": offsets,
    "loss_rotation": rotation,
    "loss_overlap": overlaps,
    "loss_factor_weights": factor_weights,
    "loss_one_logit": one_logit,
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        figure = draw()
        # No version stamp: the file changes only when the picture does.
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")

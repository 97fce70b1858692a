"""Matplotlib without a screen: what the drawing functions beside the numbers share."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def new_figure(*, width: float = 6, height: float = 4.5, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure, in inches of 120 pixels, and its axes from the left; pyplot's state is left alone."""
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)[0].tolist()


def pixels(figure: Figure) -> np.ndarray:
    """[H, W, 3] uint8 picture of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()

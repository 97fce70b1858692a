"""From the newest frame to the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from detector.errors import UserError
from detector.inference.pipeline import Pipeline, Shot
from detector.inference.prediction import Prediction
from detector.inference.stages import Stage
from detector.live.newest import Newest, Taken
from detector.live.view import View
from detector.structures import Frame
from detector.thermal.agc import Agc


def watch(newest: Newest, view: View, *, pipeline: Pipeline, gain: Agc, stage: Stage, least: float) -> None:
    """Show what is found until the source is at its end; the stage gives one prediction for each it gets.

    least: score below which the stage looks at nothing.

    Raises UserError as the source does, and for a gain that looks at a whole recording first.
    """
    gain = gain.for_sequence(_never_whole())
    now: Taken

    def predicted() -> Iterator[Prediction]:
        nonlocal now
        for now in newest:
            # One by one: a frame read ahead would be old when its turn comes.
            yield from pipeline([Shot(now.frame, gain(now.frame))], least=least)

    # Closed: what a stage still has to say it says now.
    with closing(stage(predicted())) as found:
        for prediction in found:
            view.show(prediction, arrived=now.arrived, counts=newest.counts)


def _never_whole() -> Iterator[Frame]:
    raise UserError(
        "the checkpoint's gain (thermal=sequence) looks at all frames of a recording first, which a camera "
        "does not have: train with thermal=percentile"
    )
    yield

"""What the page is shown: the newest predictions, made into JSON when somebody asks and once for all."""

from __future__ import annotations

import base64
import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Condition, Lock
from typing import Any

import cv2
import numpy as np

from detector.inference.draw import PALETTE, shown
from detector.inference.prediction import Prediction
from detector.live.newest import Counts

WINDOW = 30
"""Frames over which the rate is measured."""
ZERO_CELSIUS = 273.15


class Shown:
    """A frame on the page. number: from 1 on. arrived: when, by time.monotonic()."""

    def __init__(
        self, prediction: Prediction, *, number: int, arrived: float, rate: float, counts: Counts
    ) -> None:
        self.number, self.arrived = number, arrived
        self._prediction, self._rate, self._counts = prediction, rate, counts
        self._lock = Lock()
        self._body: bytes | None = None

    def body(self) -> bytes:
        """JSON: number, picture (grey PNG as a data address), objects, rate a second, and counts of frames.

        An object has its box [left, top, right, bottom] in pixels, class by number, score, track (its number,
        or null) and temperatures in Celsius, least and greatest, or null.
        """
        with self._lock:
            if self._body is None:
                self._body = json.dumps(self._plain(), allow_nan=False).encode()
            return self._body

    def _plain(self) -> dict[str, Any]:
        found = self._prediction
        image = shown(found.frame, found.image)
        _, encoded = cv2.imencode(".png", (image.clip(0, 1) * 255).round().astype(np.uint8))
        objects = zip(
            found.boxes.tolist(),
            found.labels.tolist(),
            found.scores.tolist(),
            found.tracks,
            found.temperatures,
            strict=True,
        )
        return {
            "number": self.number,
            "size": [image.shape[1], image.shape[0]],
            "picture": "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode(),
            "objects": [
                {
                    "box": [round(side, 2) for side in box],
                    "class": label,
                    "score": round(score, 4),
                    "track": track,
                    "celsius": warm and [round(kelvin - ZERO_CELSIUS, 1) for kelvin in (warm.low, warm.high)],
                }
                for box, label, score, track, warm in objects
            ],
            "rate": round(self._rate, 1),
            "received": self._counts.received,
            "dropped": self._counts.dropped,
            "reconnected": self._counts.reconnected,
        }


class View:
    """Where the detector leaves what it found and pages fetch it; no page ever makes the detector wait.

    name: of the source. classes: by label. thresholds: of each class, where the page's sliders begin.
    floor: the score below which nothing is shown, where they end.
    """

    def __init__(
        self, *, name: str, classes: Sequence[str], thresholds: Mapping[str, float], floor: float
    ) -> None:
        self.about: dict[str, Any] = {
            "name": name,
            "floor": floor,
            "classes": [
                {
                    "name": of,
                    "threshold": thresholds[of],
                    "colour": "#{:02x}{:02x}{:02x}".format(*PALETTE[label % len(PALETTE)]),
                }
                for label, of in enumerate(classes)
            ],
        }
        self._changed = Condition()
        self._newest: Shown | None = None
        self._times: deque[float] = deque(maxlen=WINDOW)

    def show(self, prediction: Prediction, *, arrived: float, counts: Counts) -> None:
        """Make it the newest."""
        self._times.append(time.monotonic())
        span = self._times[-1] - self._times[0]
        rate = (len(self._times) - 1) / span if span else 0.0
        with self._changed:
            number = self._newest.number + 1 if self._newest else 1
            self._newest = Shown(prediction, number=number, arrived=arrived, rate=rate, counts=counts)
            self._changed.notify_all()

    def after(self, number: int, *, wait: float) -> Shown | None:
        """The newest that is not `number`; None where none comes within `wait` seconds."""

        def fresh() -> bool:
            return self._newest is not None and self._newest.number != number

        with self._changed:
            return self._newest if self._changed.wait_for(fresh, wait) else None

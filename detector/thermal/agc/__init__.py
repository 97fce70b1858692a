"""Automatic gain: from counts to float32 in [0, 1]. One object serves training, evaluation and prediction.

Which one to use when: docs/thermal.md.
"""

from detector.thermal.agc.base import Agc, normalise
from detector.thermal.agc.clahe import Clahe
from detector.thermal.agc.plateau import PlateauEqualisation
from detector.thermal.agc.ranges import BitDepthRange, FixedKelvin, FixedRange, Percentile, SequenceRange
from detector.thermal.agc.scaled import Scaled

__all__ = [
    "Agc",
    "BitDepthRange",
    "Clahe",
    "FixedKelvin",
    "FixedRange",
    "Percentile",
    "PlateauEqualisation",
    "Scaled",
    "SequenceRange",
    "normalise",
]

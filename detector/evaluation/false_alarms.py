"""On which frames a detector raises false alarms: what a second training looks at more often.

A false alarm is here a report on nothing: a detection of the kind `background` (errors/kinds.py) that scores
at least what serves its class best on these very frames. A box that is badly placed, doubled or of the wrong
class is a mistake about an object, where positives are: to show it more often would mine no negative.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detector.data.annotations import Annotations
from detector.errors import UserError
from detector.evaluation.errors.kinds import BACKGROUND, find_mistakes
from detector.evaluation.matching import pool
from detector.evaluation.predictions import Entries
from detector.evaluation.results_file import read_predictions
from detector.evaluation.scores.outcomes import outcomes
from detector.evaluation.scores.thresholds import LEAST_F1, score_thresholds


def read_false_alarms(file: Path, annotations: Annotations) -> np.ndarray:
    """[N] int64: how many false alarms a results file has on each frame of the split it was made of.

    Raises UserError as `read_predictions`, and for a file that finds next to none of the objects: frames of
    two splits may have the same ids.
    """
    counts = false_alarms(annotations, read_predictions(file, annotations))
    if counts is None:
        raise UserError(
            f"{file}: finds next to none of the {annotations.object_counts().sum()} objects of this split: "
            f"no class has an F1 of {LEAST_F1:g} at any score; predictions of another split?"
        )
    return counts


def false_alarms(annotations: Annotations, predictions: Entries) -> np.ndarray | None:
    """As above, of the entries; None where no class reaches LEAST_F1 at any score.

    Of a class that does not reach it nothing counts: its best score is an accident.
    """
    ready = pool(annotations, predictions)
    best = score_thresholds(outcomes(ready, annotations.classes)).best_scores()
    if not best:
        return None
    limits = np.array([best.get(name, np.inf) for name in annotations.classes])
    mistakes = find_mistakes(ready)
    alarms = (mistakes.kinds == BACKGROUND) & ~mistakes.ignored
    alarms &= ready.found.reach(limits)[mistakes.found]
    return np.bincount(ready.found.images[mistakes.found[alarms]], minlength=ready.images)

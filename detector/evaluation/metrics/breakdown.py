"""What COCO's numbers leave out: results by overlap and by size, MR^-2 and the Jaccard index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.evaluation.matching import Pool, match
from detector.evaluation.metrics.bins import Bin, Bins, Tables, Value, format_bins, measure, plain_bins, shown
from detector.evaluation.metrics.overlap import Crowding, crowding, overlap_bins, overlaps
from detector.evaluation.metrics.sizes import size_bins


@dataclass(frozen=True, eq=False)
class Breakdown:
    """overlap, sizes: tables of each bin by its name, 'all' among overlap. crowding: of each class.

    bins: where they were divided. truth_overlaps [N]: of each of the pool's truths, as `overlaps` gives it.
    """

    overlap: dict[str, Tables]
    sizes: dict[str, Tables]
    crowding: Crowding
    bins: Bins
    truth_overlaps: np.ndarray

    def scalars(self) -> dict[str, Value]:
        """The overall values by names that TensorBoard takes: 'MR-2', 'AP_by_size/below_6' and the like."""
        values = self.crowding.values()
        for title, bins in (("overlap", self.overlap), ("size", self.sizes)):
            for name, found in bins.items():
                plain = name.replace("<", "below_").replace(">", "above_")
                values[f"AP_by_{title}/{plain}"] = found.values()["AP"]
        del values["AP_by_overlap/all"]
        return values

    def to_dict(self, classes: slice = slice(None)) -> dict[str, Any]:
        """Plain values for metrics.json, the mean over some of the classes."""
        return {
            **self.crowding.values(classes),
            "overlap": plain_bins(self.overlap, classes),
            "sizes": plain_bins(self.sizes, classes),
        }

    def table(self) -> str:
        """Plain text: a line for each bin of overlap, one of MR^-2 and JI, a line for each size."""
        values = {name: shown(value) for name, value in self.crowding.values().items()}
        crowd = int(self.crowding.crowd.sum())
        line = (
            f"MR^-2 {values['MR-2']} (less is better)   JI {values['JI']}   "
            f"recall of {crowd} truths with overlap >{self.bins.crowd_above:g}: {values['crowd_recall']}"
        )
        return "\n".join((format_bins("overlap", self.overlap), line, "", format_bins("size px", self.sizes)))


def break_down(pool: Pool, *, bins: Bins) -> Breakdown:
    """The breakdown of what `pool` holds."""
    overlap = overlaps(pool)
    every = Bin(name="all", counted=~pool.truths.crowd)
    return Breakdown(
        overlap=measure(pool, [every, *overlap_bins(pool, overlap, bins.overlap)]),
        sizes=measure(pool, size_bins(pool, bins.sizes)),
        crowding=crowding(pool, match(pool, [0.5]), in_crowd=overlap > bins.crowd_above),
        bins=bins,
        truth_overlaps=overlap,
    )

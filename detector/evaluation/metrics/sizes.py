"""AP and recall by size: the square root of a box's area, in pixels of the frame.

COCO calls everything below 32 x 32 pixels small: nearly everything, on a low-resolution thermal camera.
The rule is COCO's for its areas: a truth on the bound between two bins belongs to both, and a detection that
finds nothing counts only where its own area lies in the bin.
"""

from __future__ import annotations

from collections.abc import Sequence

from detector.evaluation.matching import Pool
from detector.evaluation.metrics.bins import Bin, bin_names


def size_bins(pool: Pool, edges: Sequence[float]) -> list[Bin]:
    """One more bin than edges, rising numbers of pixels; (32, 96) gives COCO's small, medium and large."""
    names = bin_names(edges, first=f"<{edges[0]:g}", last=f">{edges[-1]:g}")
    lows, highs = [0.0, *edges], [*edges, float("inf")]
    found, truths = pool.found.areas, pool.truths
    return [
        Bin(
            name=name,
            counted=~truths.crowd & (truths.areas >= low**2) & (truths.areas <= high**2),
            left_out=(found < low**2) | (found > high**2),
        )
        for name, low, high in zip(names, lows, highs, strict=True)
    ]

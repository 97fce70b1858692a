"""Which classes a table shows where there are many: nobody reads 150 rows."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 20
CLASSES = "classes.csv"
"""The file of all."""


def worst(values: Mapping[str, float | None], most: int = MOST) -> list[str]:
    """Names of the classes to show: all, in their order, up to `most`; else those of the lowest values.

    values: by name in label order, None where a class has no truth.
    """
    if len(values) <= most:
        return list(values)
    measured = {name: value for name, value in values.items() if value is not None}
    return sorted(measured, key=lambda name: measured[name])[:most]


def told(shown: int, count: int, by: str) -> str:
    """A line below such a table; empty where it shows all."""
    return "" if count <= MOST else f"the {shown} worst of {count} classes by {by}; all are in {CLASSES}"

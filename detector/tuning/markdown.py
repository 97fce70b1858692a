"""Tables in Markdown, as GitHub shows them."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Header, rule and rows, without a line break at the end."""
    lines = (header, ["---"] * len(header), *rows)
    # A bar ends a cell, in code too.
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)

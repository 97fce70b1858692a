"""The Markdown of the repository as MyST reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PAGES = (
    "README.md",
    "data/README.md",
    *(f"docs/{page.name}" for page in sorted((REPOSITORY / "docs").glob("*.md"))),
)
"""What people read, by its path in the repository."""

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
"""Of text that has no code in it: (picture, label, target)."""


def links(text: str) -> Iterator[str]:
    """Targets of links and pictures that lead to another file of the repository, without #place."""
    for _, _, target in LINK.findall(_without_code(text)):
        file = target.partition("#")[0]
        if file and not re.match(r"[a-z]+:", file):
            yield file


def as_myst(text: str, folder: Path) -> str:
    """GitHub's $`x`$ becomes a role; a link to a folder, of which the site has no page, its label.

    README.md of the repository is the site's index.md. folder: where the page lies.
    """
    text = re.sub(r"\$(`[^`]+`)\$", r"{math}\1", text)
    text = text.replace("](../README.md", "](../index.md")
    return LINK.sub(lambda link: link[2] if (folder / link[3]).is_dir() else link[0], text)


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)

"""Build the site: `python -m docs.site.build [FOLDER]`, by default site/. A warning is an error."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

from docs.site import api, commands
from docs.site.pages import HERE, PAGES, REPOSITORY, as_myst, links


def main(output: Path) -> int:
    """Sphinx's exit status; the pages are in `output`."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        stage(source)
        arguments = ["-q", "-W", "--keep-going", "-E", "-c", str(HERE), "-d", f"{folder}/.doctrees"]
        status = build_main([*arguments, str(source), str(output)])
    if status == 0:
        print(output / "index.html")
    return status


def stage(source: Path) -> None:
    """The pages as they lie in the repository, so that their links hold, and those that are generated."""
    for page in PAGES:
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        if page == "README.md":
            text += (HERE / "navigation.md").read_text(encoding="utf-8")
        written = source / ("index.md" if page == "README.md" else page)
        written.parent.mkdir(exist_ok=True)
        written.write_text(as_myst(text, (REPOSITORY / page).parent), encoding="utf-8")
        for target in links(text):
            file = (REPOSITORY / page).parent.joinpath(target).resolve()
            if file.is_file() and file.suffix != ".md":
                copy = source / file.relative_to(REPOSITORY)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
    commands.write(source / "commands")
    api.write(source / "api")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "site"))

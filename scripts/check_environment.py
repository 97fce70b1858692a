"""Exit status 0 where this environment has the package from this folder and everything it requires."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

DISTRIBUTION = "thermal-detector"


def problems() -> list[str]:
    """What is missing, one line each."""
    try:
        from packaging.requirements import Requirement

        requirements = importlib.metadata.requires(DISTRIBUTION) or []
    except ImportError as error:
        return [str(error)]
    found = []
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": "dev"}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{requirement.name} is not installed")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{requirement} is needed, {version} is installed")
    spec = importlib.util.find_spec("detector")
    here = Path(__file__).resolve().parents[1] / "detector" / "__init__.py"
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != here:
        found.append(f"the package detector is not the one of {here.parent.parent}")
    return found


if __name__ == "__main__":
    missing = problems()
    if missing:
        print("environment: " + "; ".join(missing), file=sys.stderr)
        sys.exit(1)

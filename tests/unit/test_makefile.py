"""What make takes away."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="asks make")
def test_clean_leaves_what_was_trained():
    command = ["make", "--dry-run", "clean"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "site" in done.stdout.split()
    assert "runs" not in done.stdout.split()

"""Which step is made again: nonfinite.json may be anybody's."""

import json
import re
from pathlib import Path

import pytest

from detector.app.commands.replay import noted
from detector.errors import UserError

STEPS = [{"step": 3, "images": [7, 8]}, {"step": 12, "images": [1]}]


def test_the_last_step_or_the_one_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "nonfinite.json"
    file.write_text(json.dumps(STEPS))
    assert noted(file, None) == (12, [1])
    assert noted(file, 3) == (3, [7, 8])


@pytest.mark.parametrize(
    ("text", "step", "said"),
    [
        (None, None, "the run has met no such number"),
        ("[]", None, "has no step None"),
        (json.dumps(STEPS), 4, "has no step 4, only 3, 12"),
        ('[{"step": -1, "images": []}]', None, "has no step -1"),
        ('{"step": 1}', None, "is not what a run writes"),
        ('[{"step": 1, "images": ["x"]}]', None, "is not what a run writes"),
        ('[{"step": 1e999, "images": []}]', None, "is not what a run writes"),
        ("[" * 10**5, None, "is not what a run writes"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str | None, step: int | None, said: str) -> None:
    file = tmp_path / "nonfinite.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=re.escape(said)):
        noted(file, step)

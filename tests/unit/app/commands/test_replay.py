"""Which step is made again: nonfinite.json may be anybody's, and so may the checkpoint."""

import json
import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from detector.app.commands import replay
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


def test_a_checkpoint_is_blamed_for_what_it_holds_and_not_for_a_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TypeError("a fault of ours")

    (tmp_path / "nonfinite.json").write_text(json.dumps(STEPS))
    (tmp_path / "last.pt").touch()
    asked = {"run": str(tmp_path), "step": None, "checkpoint": str(tmp_path / "last.pt"), "root": None}
    saved: dict[str, object] = {}
    monkeypatch.setattr(replay.checkpoint, "load", lambda _path: {"config": saved})
    monkeypatch.setattr(replay, "training_split", lambda _config: None)
    monkeypatch.setattr(replay, "_trainer", lambda *_, **__: None)
    monkeypatch.setattr(replay, "_replay", broken)
    with pytest.raises(UserError, match=r"last\.pt: its training cannot go on \('engine'\)"):
        replay.run(OmegaConf.create({**asked, "device": "cpu"}))
    saved["engine"] = {}
    with pytest.raises(TypeError, match="a fault of ours"):
        replay.run(OmegaConf.create({**asked, "device": "cpu"}))

"""Processes on several hosts have the same frames, and the first has the checkpoint."""

from typing import Any

import pytest

from detector import distributed
from detector.app.running import alike
from detector.errors import UserError


def everywhere(monkeypatch: pytest.MonkeyPatch, *values: Any) -> None:
    """These are what the processes tell, a host each."""
    told = [(f"host{number}", value) for number, value in enumerate(values)]
    monkeypatch.setattr(distributed, "gathered", lambda _: told)


def test_other_frames_are_named_with_their_host(monkeypatch):
    mine = {"training": {"frames": 9, "objects": 20, "digest": "a"}}
    alike.require_alike(mine)  # alone
    everywhere(monkeypatch, mine, mine)
    alike.require_alike(mine)
    everywhere(monkeypatch, mine, mine, {"training": {"frames": 8, "objects": 19, "digest": "b"}})
    said = r"process 2 on host2 has another training split .* 8 frames and 19 objects against 9 frames and 20"
    with pytest.raises(UserError, match=said):
        alike.require_alike(mine)


def test_a_checkpoint_that_the_first_process_lacks_is_not_passed_over(monkeypatch, tmp_path):
    file = tmp_path / "last.pt"
    alike.require_on_first(file)  # nobody has one
    for there in ((True, False), (True, True), (False, False)):
        everywhere(monkeypatch, *there)
        alike.require_on_first(file)
    everywhere(monkeypatch, False, False, True)
    with pytest.raises(UserError, match=r"last\.pt: is there for process 2 on host2, and not for process 0"):
        alike.require_on_first(file)

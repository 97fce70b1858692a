"""Judging a checkpoint: whether its thresholds were chosen on the frames it is judged on."""

from detector.app.commands.evaluate import chosen_here


def test_thresholds_are_chosen_here_however_the_folder_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "set")
    own = {"root": str(tmp_path / "set"), "val": "val"}
    for name in ("set", "other/../set", "link", "link/../set/."):
        asked = {"source": {"name": "coco"}, "root": str(tmp_path / name)}
        assert chosen_here(own, asked, "val") is True, name
        assert chosen_here(own, asked, "test") is False, name
    other = {"source": {"name": "coco"}, "root": str(tmp_path)}
    assert chosen_here(own, other, "val") is False
    assert chosen_here(own, {"source": None}, "val") is True, "its own data"
    assert chosen_here(None, other, "val") is None

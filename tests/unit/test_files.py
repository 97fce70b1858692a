"""Files are whole or not there, and what cannot be written or read is named."""

import os
from pathlib import Path

import pytest

from detector.errors import UserError
from detector.files import named, replacing, require_regular, write_text


def test_what_fails_while_it_is_written_leaves_the_old_bytes_and_no_litter(tmp_path):
    file = tmp_path / "new" / "metrics.json"
    write_text(file, "å")
    with pytest.raises(TypeError), replacing(file) as half:
        half.writelines([b"half", "no bytes"])
    assert file.read_bytes() == "å".encode()
    assert os.listdir(file.parent) == ["metrics.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_is_told_with_the_file_s_name(tmp_path):
    with pytest.raises(OSError, match="No space left on device") as caught, named(tmp_path / "a.json"):
        Path("/dev/full").write_bytes(b"1")
    assert caught.value.filename == str(tmp_path / "a.json")


def test_a_name_that_is_told_already_stays(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, named(tmp_path / "other"):
        (tmp_path / "none").read_bytes()
    assert caught.value.filename == str(tmp_path / "none")


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe: is no regular file but a pipe"):
        require_regular(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for fine in ("file", "missing", "."):
        require_regular(tmp_path / fine)

"""Every end that is no bug is one line."""

import contextlib
import errno
import os
import signal

import pytest

from detector.app.ending import one_line


def ended(error: BaseException, capsys) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught, one_line():
        raise error
    return int(caught.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "a.json"),
            "error: a.json: No space left on device",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "error: x: Permission denied"),
        (OSError(errno.ENOSPC, "No space"), "error: a file could not be written or read: No space"),
        (OSError(errno.ENOTCONN, "not connected", "/mnt/a.png"), "error: /mnt/a.png: not connected"),
    ],
)
def test_a_disk_s_failure_is_one_line_with_the_file(error, line, capsys):
    assert ended(error, capsys) == (1, f"{line}\n")


def test_a_network_whose_output_is_no_number_is_one_line(capsys):
    with pytest.raises(SystemExit, match="1"), one_line():
        raise FloatingPointError("the output is not finite")
    assert capsys.readouterr().err == "error: the output is not finite\n"


def test_another_oserror_is_a_bug_and_passes():
    with pytest.raises(OSError, match="strange"), one_line():
        raise OSError("strange")


def test_sigterm_ends_with_a_word(capsys):
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as caught, one_line(), contextlib.suppress(Exception):
            os.kill(os.getpid(), signal.SIGTERM)
        assert (caught.value.code, capsys.readouterr().err) == (130, "stopped by SIGTERM\n")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)

"""How the program ends: one clear line where the user can put something right, a trace where it is a bug."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from detector.errors import Interrupted, NonFiniteError, UserError

INTERRUPTED = 130

DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EFBIG}
"""What disks that are full, closed, broken or gone say, also where they name no file."""


@contextmanager
def one_line() -> Iterator[None]:
    """What the user can put right ends the program with one line on stderr and status 1.

    An interruption, SIGTERM also, ends it with status 130; anything else is a bug and passes.
    """
    try:
        with _sigterm_raises(), disks_explained():
            yield
    except (UserError, NonFiniteError, FloatingPointError) as error:  # the last: of a network in use
        _end("error: " + " ".join(str(error).split()), 1)
    except Interrupted as error:
        _end(str(error), INTERRUPTED)
    except KeyboardInterrupt as error:
        _end(str(error) or "stopped", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has had enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@contextmanager
def disks_explained() -> Iterator[None]:
    """A UserError in place of what the system says of a file or a disk."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if isinstance(error, FileExistsError | NotADirectoryError) and error.filename is not None:
            raise UserError(f"{error.filename}: is a file, or lies in one: name a folder") from error
        if error.filename is not None:
            raise UserError(f"{error.filename}: {error.strerror}") from error
        if error.errno not in DISK:
            raise
        raise UserError(f"a file could not be written or read: {error.strerror}") from error


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """SIGTERM ends the program as Ctrl-C does, with a word, unless somebody has an answer of their own."""
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (signal's contract)
        # No Exception: it comes in the middle of anything, also of what takes every one of them for damage.
        raise KeyboardInterrupt("stopped by SIGTERM")

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)

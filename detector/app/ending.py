"""How the program ends: one clear line where the user can put something right, a trace where it is a bug."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from detector.errors import Interrupted, NonFiniteError, UserError

INTERRUPTED = 130


@contextmanager
def one_line() -> Iterator[None]:
    """What the user can put right ends the program with one line on stderr and status 1.

    An interruption ends it with status 130; anything else is a bug and passes.
    """
    try:
        yield
    except (UserError, NonFiniteError) as error:
        _end("error: " + " ".join(str(error).split()), 1)
    except Interrupted as error:
        _end(str(error), INTERRUPTED)
    except KeyboardInterrupt:
        _end("stopped", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has had enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        _end(f"error: {error.filename}: {error.strerror}", 1)


def _end(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)

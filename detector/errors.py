"""The ways a command ends that are no bug of ours. Imports nothing, so that every command can name them."""


class UserError(ValueError):
    """Bad input, configuration or file. The message says what, where, what was found and what to do."""


class NonFiniteError(RuntimeError):
    """A loss term or the gradient norm became infinite or NaN."""


class Interrupted(RuntimeError):
    """Training was told to stop; the message says what was saved."""


def first_line(error: BaseException) -> str:
    """What an error of another program says, on one line; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

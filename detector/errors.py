"""The one error type for what a user can put right."""


class UserError(ValueError):
    """Bad input, configuration or file. The message says what, where, what was found and what to do."""

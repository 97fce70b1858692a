import pytest

from detector.app.full_package import needed_for
from detector.errors import UserError


def test_a_missing_module_is_told_with_what_needed_it():
    with (
        pytest.raises(UserError, match=r"^best.pt: needs the full package, .* no no_such_module here"),
        needed_for("best.pt"),
    ):
        import no_such_module  # noqa: F401


def test_another_error_passes():
    with pytest.raises(ImportError, match="cannot import name"), needed_for("best.pt"):
        from math import no_such_name  # noqa: F401

import pytest

from detector.doctor.findings import Finding, Severity, evenly_spaced, listed, percent
from detector.doctor.limits import Limits
from detector.errors import UserError
from tests.built import read


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (1, "100.0 %"), (0.0004, "under 0.1 %"), (0.9996, "over 99.9 %"), (0.515, "51.5 %")],
)
def test_a_share_is_never_rounded_to_none_or_all(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("count", "most", "indices"), [(0, 3, []), (1, 3, [0]), (2, 3, [0, 1]), (11, 3, [0, 5, 10]), (5, 1, [0])]
)
def test_a_spread_has_the_first_and_the_last(count, most, indices):
    assert evenly_spaced(count, most) == indices


def test_a_list_says_how_many_it_leaves_out():
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_a_finding_is_one_line_with_what_to_do():
    assert Finding(Severity.ERROR, "leak", "half", "split anew").line == "error    leak: half; split anew"
    assert Finding(Severity.NOTE, "leak", "none").line == "note     leak: none"


def test_a_hostile_name_stays_on_the_line():
    name = "a\nerror: b\x1b[31m" + b"\xff".decode("utf-8", "surrogateescape")
    assert Finding(Severity.NOTE, "files", name).line == "note     files: a?error: b?[31m?"


def test_limits_are_not_negative():
    with pytest.raises(UserError, match=r"limits.leak_error=-1.0: must not be negative"):
        read(Limits, "doctor:limits", leak_error=-1)

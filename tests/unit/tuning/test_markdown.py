from detector.tuning.markdown import table


def test_a_table_has_a_rule_under_its_header_and_no_bar_within_a_cell() -> None:
    assert table(("arm", "AP"), [("`a|b`", "0.1")]) == "| arm | AP |\n| --- | --- |\n| `a\\|b` | 0.1 |"

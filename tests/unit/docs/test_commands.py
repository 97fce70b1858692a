"""The pages of the commands say all that the configurations say."""

from __future__ import annotations

import pytest

from detector.app import configs
from detector.app.commands import COMMANDS
from docs.site import commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_setting_and_option_has_its_row(name):
    page = commands.page(name)
    for key, setting in configs.settings(name).items():
        value = ", must be given" if setting.value == "???" else f" = {commands._code(setting.value)}"
        assert f"| `{key}`{value} | {commands._text(setting.meaning)} |" in page
    for choice in configs.choices(name):
        assert f"## {choice.key}\n" in page
        for option in configs.options(choice.group):
            assert f"| `{option}`{', the default' * (option == choice.option)} | " in page
    assert f"thermal-detector {name} " in page


def test_a_comment_is_no_markup_and_its_page_a_link():
    assert commands._text("Blur: <ignore> or *.png, see docs/thermal.md") == (
        r"Blur: \<ignore\> or \*.png, see [docs/thermal.md](../docs/thermal.md)"
    )
    assert commands._code("a|b") == r"`a\|b`"

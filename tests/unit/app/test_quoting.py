"""Paths reach a command as the shell passed them on."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from detector.app.quoting import quoted
from detector.errors import UserError


def read(word: str):
    (changed,) = quoted([word])
    return OverridesParser.create().parse_override(changed).value()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "2024",
            "1e3",
            "007",
            "true",
            "2024-01-01 12:00.npy",
            "clip (1).mp4",
            "mein film ä.mp4",
            "it's.npy",
        ),
        *(
            "a,b.mp4",
            "x=1.mp4",
            'a "b".npy',
            "C:\\clips\\",
            "ends in \\",
            "a\\'b, c",
            "#1.png",
            "a&b.png",
            "-",
        ),
    ],
)
def test_a_path_is_what_it_says(path):
    assert read(f"source={path}") == path


def test_what_exists_is_a_path_though_it_looks_like_a_list(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read("source=[a]") == ["a"]
    (tmp_path / "[a]").mkdir()
    assert read("source=[a]") == "[a]"


def test_the_users_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert read("source=~/a b.npy") == "/home/me/a b.npy"


@pytest.mark.parametrize(
    "word",
    [
        *(
            "source=null",
            "source=[a.cptv,b.cptv]",
            "source='a (1).cptv'",
            "checkpoint=thermal",
            "engine=default",
        ),
        *(
            "engine.epochs=3",
            "hydra.run.dir=runs/${now:%Y}",
            "~augment.objects",
            "--multirun",
            "data.root=sets/a",
        ),
    ],
)
def test_everything_else_passes_as_it_is(word):
    assert quoted([word]) == [word]


@pytest.mark.parametrize("word", ["source=", "output= "])
def test_an_empty_path_is_refused(word):
    with pytest.raises(UserError, match=r"(source|output)= is empty: give a path"):
        quoted([word])

"""What customers read when a person comes and goes."""

import tomllib
from importlib import resources

import pytest

from tools.operators.person_turns import Event, line

LANGUAGES = {"en", "zh", "ms", "ta"}


def test_every_line_is_there_in_every_language() -> None:
    lines = (resources.files("tools.operators") / "lines.toml").read_text(encoding="utf-8")
    assert {name: set(each) for name, each in tomllib.loads(lines).items()} == {
        "joined": LANGUAGES,
        "left": LANGUAGES,
    }


@pytest.mark.parametrize("event", ["joined", "left"])
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_line_names_the_person_whatever_they_are_called(event: Event, language: str) -> None:
    assert "Mei {x} <b>" in line(event, language, "Mei {x} <b>")


def test_in_a_language_that_we_do_not_write_it_is_english() -> None:
    assert line("joined", "fr", "Mei") == line("joined", "en", "Mei")

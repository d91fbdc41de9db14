"""The data files of this package."""

import tomllib
from importlib import resources
from typing import Any


def load(name: str) -> dict[str, Any]:
    """One TOML file of this package."""
    return tomllib.loads((resources.files("tools.screening") / name).read_text(encoding="utf-8"))


def words(*lists: str) -> frozenset[str]:
    """The words of space-separated lists."""
    return frozenset(word for words in lists for word in words.split())


HOMOGLYPHS: dict[str, str] = {
    foreign: latin
    for latin, foreigns in load("homoglyphs.toml")["lookalikes"].items()
    for foreign in foreigns
}

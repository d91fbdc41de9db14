"""docs/security.md has a line for each category of threat, and each line a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.monitoring.programs import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
ROW = re.compile(r"^\| ([A-Z]+\d+) [^|]+ \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CATEGORIES = {
    *(f"LLM{n:02}" for n in range(1, 11)),
    *(f"API{n}" for n in range(1, 11)),
    *(f"ASI{n:02}" for n in range(1, 11)),
}
ROWS = {category: (stops, shown) for category, stops, shown in ROW.findall(TEXT)}


@cache
def known_in(file: Path) -> frozenset[str]:
    """The names of a file's tests, of those in classes too; of none that never runs."""
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not any("skip" in ast.unparse(mark) for mark in node.decorator_list)
    )


def test_every_category_has_one_line() -> None:
    assert [category for category, *_ in ROW.findall(TEXT)] == list(ROWS)
    assert ROWS.keys() == CATEGORIES


@pytest.mark.parametrize("category", sorted(CATEGORIES & ROWS.keys()))
def test_what_stops_it_is_shown_by_tests_that_there_are(category: str) -> None:
    stops, shown = ROWS[category]
    named = TEST.findall(shown)
    assert len(stops.split()) > 5
    assert named
    assert TEST.sub("", shown).replace(",", "").strip() == "", "tests alone belong there"
    missing = [f"{f}::{t}" for f, t in named if t not in known_in(ROOT / f)]
    assert not missing


def test_every_test_of_security_stands_in_it() -> None:
    named = {file for file, _ in TEST.findall(TEXT)}
    ours = {f"tests/security/{f.name}" for f in Path(__file__).parent.glob("test_*.py")}
    assert ours - named == {f"tests/security/{Path(__file__).name}"}


def test_a_line_without_a_test_would_be_seen() -> None:
    assert "test_that_there_is_not" not in known_in(Path(__file__))
    assert "test_every_category_has_one_line" in known_in(Path(__file__))

"""The fault plan names for each row what shows it, and all of that exists."""

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evals.bench.chaos import ROWS

ROOT = Path(__file__).parents[2]
PLAN: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("plan.toml").read_text())
FIELDS = {"fault", "holds", "bound", "proofs"}


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, those of a class as `Class::test`."""
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node.name for node in tree.body if isinstance(node, functions)]
    for group in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        found += [f"{group.name}::{n.name}" for n in group.body if isinstance(n, functions)]
    return frozenset(found)


def exists(proof: str) -> bool:
    if proof.startswith("chaos:"):
        return proof.removeprefix("chaos:") in ROWS
    path, _, name = proof.partition("::")
    return (ROOT / path).is_file() and name in names_in(path)


def test_every_row_is_there_and_no_other() -> None:
    assert list(PLAN) == [f"T{n:02}" for n in range(1, 39)]
    assert set(ROWS.values()) <= set(PLAN)


@pytest.mark.parametrize("row", PLAN.values(), ids=PLAN.keys())
def test_a_row_is_whole_and_what_shows_it_exists(row: dict[str, Any]) -> None:
    assert FIELDS <= set(row) <= FIELDS | {"not_shown"}
    assert row["proofs"]
    assert [proof for proof in row["proofs"] if not exists(proof)] == []


def test_every_kind_of_fault_shows_some_row() -> None:
    shown = {p.removeprefix("chaos:") for row in PLAN.values() for p in row["proofs"]}
    assert set(ROWS) <= shown


def test_a_proof_that_does_not_exist_is_seen() -> None:
    assert not exists("chaos:nothing")
    assert not exists("tests/chaos/test_plan.py::test_nothing")
    assert not exists("tests/chaos/test_nothing.py::test_nothing")
    assert exists("tests/chaos/test_plan.py::test_a_proof_that_does_not_exist_is_seen")

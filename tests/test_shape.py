"""What linters cannot hold: the layout, and one node a file with its test."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "evals", "graph", "monitoring", "nodes", "tools")
NOT_NODES = {"__init__", "state"}
DOCUMENTS = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
LONGEST_FILE = 300


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [f for f in listed.stdout.splitlines() if (ROOT / f).exists()]


def nodes() -> list[Path]:
    return sorted(f for f in (ROOT / "nodes").glob("*.py") if f.stem not in NOT_NODES)


def test_files_stay_small_enough_to_read() -> None:
    sources = [f for package in PACKAGES for f in (ROOT / package).rglob("*.py")]
    long = {str(f): n for f in sources if (n := len(f.read_text().splitlines())) > LONGEST_FILE}
    assert not long


@pytest.mark.parametrize("file", nodes(), ids=lambda f: f.stem)
def test_a_node_is_one_function_named_as_its_file_and_tested(file: Path) -> None:
    functions = [
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [name for name in functions if not name.startswith("_")] == [file.stem]
    assert (ROOT / "tests" / "nodes" / f"test_{file.stem}.py").exists()


def test_the_root_stays_tidy() -> None:
    visible = {f.split("/")[0] for f in tracked() if not f.startswith(".")}
    assert len(visible) <= 20, sorted(visible)
    documents = {f for f in visible if f.endswith(".md")}
    assert documents == DOCUMENTS


def test_no_path_of_one_machine_stands_in_the_project() -> None:
    own = "/" + "work/"
    for name in tracked():
        if not name.endswith((".png", ".lock")):
            assert own not in (ROOT / name).read_text(errors="replace"), name

"""Nothing of the books gets into what models are trained or tried on (5.4 case 50)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DATA = [
    f
    for folder in ("evals", "tools/understanding", "policies")
    for f in (ROOT / folder).rglob("*")
    if f.suffix in {".jsonl", ".json", ".txt", ".toml", ".csv", ".md"}
]
TRAINING = ["evals/train_intents.py", "evals/bench/intents.py", "tools/understanding/intents.py"]
GUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
ADDRESS = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}")


@pytest.mark.parametrize("file", DATA, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_data_holds_no_ids_and_only_invented_addresses(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not GUID.findall(text)
    assert not [a for a in ADDRESS.findall(text) if not a.endswith((".example", ".test"))]
    assert "xero.com" not in text


@pytest.mark.parametrize("name", TRAINING)
def test_training_does_not_know_the_books(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    modules += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    assert not [m for m in modules if m.startswith(("tools.xero", "tools.sandbox", "tools.runs"))]

"""The search over folders that it does not know."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from evals.probe.retrieve import open_corpus
from tools.embedded.minilm import build_minilm
from tools.search.embedder import Embedder

ORCHIDS = """# Orchids

Plants of the tropics.

## Watering the plants

Give water once a week, and never on the leaves.

## Light, and shade

Keep them out of the midday sun.
"""
LINES = (
    {"_id": "d1", "title": "Heart", "text": "Aspirin thins the blood and prevents clots."},
    {"_id": "d2", "title": "", "text": "Bond yields fall when the central bank cuts rates."},
    {"id": "d3", "text": "A reboot of the router repairs most lost connections."},
)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(build_minilm(Path.home() / ".cache" / "tria" / "minilm"))


def write_lines(file: Path, *rows: Mapping[str, str]) -> None:
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")


def best(folder: Path, embedder: Embedder, *queries: str) -> list[str]:
    """The first id for each query."""
    with open_corpus(folder, embedder) as corpus:
        return [corpus.retrieve_row({"query": query})["ids"][0] for query in queries]


def test_sections_of_markdown_are_named_by_file_and_heading(
    tmp_path: Path, embedder: Embedder
) -> None:
    (tmp_path / "orchids.md").write_text(ORCHIDS)
    (tmp_path / "ferns.md").write_text("Ferns grow new leaves from spores, without any flower.")
    queries = ("how often do they drink", "can they stand at noon in the sun", "spores of ferns")
    assert best(tmp_path, embedder, *queries) == [
        "orchids#watering-the-plants",
        "orchids#light-and-shade",
        "ferns",
    ]


def test_lines_are_named_by_their_own_id(tmp_path: Path, embedder: Embedder) -> None:
    write_lines(tmp_path / "corpus.jsonl", *LINES)
    queries = ("medicine against thrombosis", "interest rates and debt", "wifi is down")
    assert best(tmp_path, embedder, *queries) == ["d1", "d2", "d3"]


def test_every_document_is_ranked(tmp_path: Path, embedder: Embedder) -> None:
    write_lines(tmp_path / "corpus.jsonl", *LINES)
    with open_corpus(tmp_path, embedder) as corpus:
        assert sorted(corpus.retrieve_row({"query": "aspirin"})["ids"]) == ["d1", "d2", "d3"]


def test_a_long_document_is_found_by_its_end(tmp_path: Path, embedder: Embedder) -> None:
    long = "The town council met and talked about roads. " * 80 + "The bridge is made of oak."
    write_lines(tmp_path / "corpus.jsonl", *LINES, {"id": "long", "text": long})
    assert best(tmp_path, embedder, "which wood was used for building over the river") == ["long"]


def test_queries_and_judgements_beside_the_documents_are_no_documents(
    tmp_path: Path, embedder: Embedder
) -> None:
    write_lines(tmp_path / "corpus.jsonl", *LINES)
    write_lines(tmp_path / "queries.jsonl", {"_id": "q1", "text": "wifi is down"})
    assert best(tmp_path, embedder, "wifi is down") == ["d3"]


def test_documents_may_stand_in_folders_of_the_folder(tmp_path: Path, embedder: Embedder) -> None:
    (tmp_path / "plants").mkdir()
    (tmp_path / "plants" / "orchids.md").write_text(ORCHIDS)
    assert best(tmp_path, embedder, "how often do they drink") == ["orchids#watering-the-plants"]


def test_a_folder_without_documents(tmp_path: Path, embedder: Embedder) -> None:
    (tmp_path / "picture.png").write_bytes(b"")
    with pytest.raises(ValueError, match="no Markdown and no JSON-lines"):
        open_corpus(tmp_path, embedder)

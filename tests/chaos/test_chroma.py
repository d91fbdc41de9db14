"""Chroma holds a collection that is not ours: policies cannot be looked up, and that is said."""

from pathlib import Path

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from tools.errors import BackendUnavailable
from tools.search.chroma import open_chroma
from tools.search.hybrid_index import Entry, HybridIndex

ENTRIES = {key: Entry(key, f"a text about {key}", ()) for key in ("boxes", "lids")}


# T13
def test_vectors_of_another_length_are_an_outage_and_no_crash(tmp_path: Path) -> None:
    connect = open_chroma(None, tmp_path)
    other = HybridIndex(connect, ENTRIES, DeterministicFakeEmbedding(size=8), "texts")
    other.index()
    index = HybridIndex(connect, ENTRIES, DeterministicFakeEmbedding(size=12), "texts")
    for _ in range(2):
        with pytest.raises(BackendUnavailable):
            index.search("boxes")
    assert other.search("boxes")

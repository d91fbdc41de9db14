import threading
from pathlib import Path

import numpy as np
import pytest

from tools.embedded.minilm import build_minilm, read_weights
from tools.errors import PartNotStarted
from tools.search.embedder import DIMENSIONS, Embedder

# What the model's authors publish for this sentence (first numbers of the float32 vector).
PUBLISHED = ("This is an example sentence", [0.0676569, 0.0634959, 0.0487131])


@pytest.fixture(scope="module")
def folder() -> Path:
    return build_minilm(Path.home() / ".cache" / "tria" / "minilm")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> Embedder:
    return Embedder(folder)


def test_vectors_have_length_one(embedder: Embedder) -> None:
    rows = embedder.vectors(["Pay within a month.", "", "盒子多少钱", "box " * 2000])
    assert rows.shape == (4, DIMENSIONS)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_vectors_agree_with_the_published_model(embedder: Embedder) -> None:
    sentence, numbers = PUBLISHED
    # int8 products are rounded otherwise from one processor to the next.
    assert np.allclose(embedder.embed_query(sentence)[:3], numbers, atol=0.02)


def test_sentences_of_one_meaning_are_close(embedder: Embedder) -> None:
    rows = embedder.vectors(["The box arrived broken", "My carton was damaged", "What is GST?"])
    near, far = rows[0] @ rows[1], rows[0] @ rows[2]
    assert near > far + 0.2


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    alone = embedder.embed_query("Where is my order?")
    assert embedder.embed_documents(["a much longer text " * 20, "Where is my order?"])[1] == alone


async def test_async_gives_the_same_vectors(embedder: Embedder) -> None:
    assert await embedder.aembed_query("lids") == embedder.embed_query("lids")
    assert await embedder.aembed_documents(["lids"]) == embedder.embed_documents(["lids"])


def test_threads_share_one_embedder(embedder: Embedder) -> None:
    texts = [f"order number {number}" for number in range(20)]
    expected = embedder.embed_documents(texts)
    found: list[list[list[float]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(embedder.embed_documents(texts)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_built_model_is_left_alone(folder: Path) -> None:
    before = (folder / "model.onnx").stat().st_mtime_ns
    assert build_minilm(folder) == folder
    assert (folder / "model.onnx").stat().st_mtime_ns == before


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PartNotStarted, match="make setup"):
        Embedder(tmp_path)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(PartNotStarted, match="not the file that was checked"):
        read_weights(weights)

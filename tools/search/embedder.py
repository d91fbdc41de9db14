"""Sentences to vectors, on this machine: MiniLM in int8, on one thread."""

import os
from collections.abc import Sequence
from pathlib import Path

# Before the import: afterwards it has an id of this machine, and sends what it is used for.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # noqa: TID251

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from typing_extensions import override

from tools.errors import PartNotStarted

DIMENSIONS = 384
MAX_TOKENS = 256


class Embedder(Embeddings):
    """English sentences as vectors of length one; safe to share between threads.

    The inherited async methods run in an executor, where onnxruntime lets go of the GIL.
    """

    def __init__(self, folder: Path) -> None:
        """Load model.onnx and tokenizer.json; raises PartNotStarted when one is missing."""
        model, tokenizer = folder / "model.onnx", folder / "tokenizer.json"
        if not (model.exists() and tokenizer.exists()):
            raise PartNotStarted(f"The embedder's model is not in {folder}: run `make setup`.")
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._session = onnxruntime.InferenceSession(model, _one_thread())

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of 384 numbers per text, so that `a @ b.T` holds cosines."""
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            # One at a time: int8 scales depend on the whole batch, and a text has one vector.
            rows[row] = self._run(self._tokenizer.encode(text))
        return rows

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self.vectors(texts).tolist()
        return rows

    @override
    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    def _run(self, encoding: Encoding) -> NDArray[np.float32]:
        tokens = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask}
        batch = {name: np.array([row], np.int64) for name, row in tokens.items()}
        row: NDArray[np.float32] = self._session.run(["vectors"], batch)[0][0]
        return row


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return options

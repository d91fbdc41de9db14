"""Embeddings by hashed words: the same text has the same vector, similar texts similar ones."""

import base64
import hashlib
import math
import re
import struct
from collections.abc import Sequence
from typing import Any

from tools.sandbox.store import Json

DIMENSIONS = 384
LARGEST = 4096


def embeddings(body: Json) -> Json:
    """The answer to an embeddings request, as floats or as base64 when asked."""
    size = min(int(body.get("dimensions") or DIMENSIONS), LARGEST)
    vectors = [vector_of(words, size) for words in _inputs(body.get("input", ""))]
    encode = _as_base64 if body.get("encoding_format") == "base64" else list
    data = [
        {"object": "embedding", "index": index, "embedding": encode(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": len(data), "total_tokens": len(data)}
    return {"object": "list", "data": data, "model": body.get("model"), "usage": usage}


def vector_of(words: Sequence[str], size: int) -> list[float]:
    """A vector of length 1."""
    vector = [0.0] * size
    for word in words or ("",):
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        vector[int.from_bytes(digest[:4]) % size] += 1.0 if digest[4] % 2 else -1.0
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


def _inputs(sent: Any) -> list[list[str]]:
    """The words of each input: texts, or lists of token numbers."""
    if isinstance(sent, str) or (sent and isinstance(sent[0], int)):
        sent = [sent]
    return [
        re.findall(r"\w+", one.lower()) if isinstance(one, str) else [str(token) for token in one]
        for one in sent
    ]


def _as_base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

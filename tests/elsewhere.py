"""A sign-in elsewhere: a server with keys that change, and tokens signed by them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi import FastAPI, Response
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from graph.clients import now
from tests.conftest import Served

ISSUER = "https://sign-in.tria.example/"
AUDIENCE = "https://chat.tria.example"
MAKERS: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
WRITERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


class Elsewhere:
    """`published` is what its address shows; `answer` replaces that, `delay` comes before it."""

    def __init__(self) -> None:
        self.private: dict[str, tuple[str, Any]] = {}
        self.published: list[dict[str, Any]] = []
        self.answer: Response | None = None
        self.delay = 0.0
        self.asked = 0
        self.url = ""

    def add(self, key_id: str, algorithm: str = "ES256", **more: str) -> None:
        """Make and publish a key."""
        key = MAKERS[algorithm]()
        self.private[key_id] = (algorithm, key)
        public = json.loads(WRITERS[algorithm].to_jwk(key.public_key()))
        self.published.append(public | {"kid": key_id} | more)

    def withdraw(self, key_id: str) -> None:
        """Publish it no longer."""
        self.published = [key for key in self.published if key["kid"] != key_id]

    def token(self, key_id: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of one key, of one customer unless the claims say else; None leaves one out."""
        algorithm, key = self.private[key_id]
        usual = {
            "sub": "elsewhere-1",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": now() + timedelta(hours=1),
            "contact_ids": [],
            "roles": ["owner"],
        }
        told = {k: v for k, v in (usual | claims).items() if v is not None}
        return jwt.encode(told, key, algorithm, {"kid": key_id} | (header or {}))

    def _answer(self) -> Response:
        self.asked += 1
        time.sleep(self.delay)
        if self.answer:
            return self.answer
        return Response(json.dumps({"keys": self.published}), media_type="application/json")


@contextmanager
def elsewhere_running() -> Iterator[Elsewhere]:
    """One with a key of each algorithm, named as it."""
    elsewhere, app = Elsewhere(), FastAPI()
    for algorithm in MAKERS:
        elsewhere.add(algorithm, algorithm)
    app.get("/keys")(elsewhere._answer)
    with Served(app) as served:
        elsewhere.url = f"{served.url}/keys"
        yield elsewhere


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def in_seconds(seconds: float) -> datetime:
    """That far from now."""
    return now() + timedelta(seconds=seconds)

"""The public keys of a sign-in elsewhere (JWKS): fetched, kept, and fetched again."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt
import structlog

from tools.errors import BackendUnavailable

ALGORITHMS = frozenset(("RS256", "ES256", "EdDSA"))
FETCH_SECONDS = 2.0
FRESH_SECONDS = 300.0  # then they are asked for again beside the work
TRUSTED_SECONDS = 3600.0  # then that is waited for: a key may have been withdrawn
PAUSE_SECONDS = 10.0  # between two questions, whatever tokens come in
LARGEST = 256 * 1024

# JSON that is nested too deeply ends in a RecursionError.
UNUSABLE = (httpx.HTTPError, TimeoutError, ValueError, RecursionError, jwt.PyJWTError)

log = structlog.get_logger()


class SigningKeyUnknown(jwt.InvalidTokenError):
    """The sign-in has no key of this id."""


def make_keys_http() -> httpx.AsyncClient:
    """The connection for it. Keys are taken from the configured address and from nowhere else."""
    return httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False)


class SigningKeys:
    """Keys by their id. Those that are known stay good while the sign-in does not answer."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> jwt.PyJWK:
        """The key; raises SigningKeyUnknown, or BackendUnavailable before there are any."""
        age = self._clock() - self._fetched_at
        is_known = key_id in self._keys
        if not is_known or age > FRESH_SECONDS:
            fetching = self._fetch_soon()
            if fetching and (not is_known or age > TRUSTED_SECONDS):
                await asyncio.shield(fetching)
        if key_id in self._keys:
            return self._keys[key_id]
        if not self._keys:
            raise BackendUnavailable("the sign-in's keys could not be fetched")
        raise SigningKeyUnknown("the sign-in has no such key")

    def _fetch_soon(self) -> "asyncio.Task[None] | None":
        """The fetch under way, or a new one; none so soon after the last."""
        if self._fetching and not self._fetching.done():
            return self._fetching
        if self._clock() - self._tried_at < PAUSE_SECONDS:
            return None
        self._tried_at = self._clock()
        self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = _usable(await self._answer())
            self._fetched_at = self._clock()
        except UNUSABLE as error:
            log.warning("signing keys not fetched", error=type(error).__name__)

    async def _answer(self) -> Any:
        async with self._http.stream("GET", self._url) as response:
            if response.status_code != httpx.codes.OK:
                raise httpx.HTTPError("not an answer with keys")
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError("far too long for keys")
        return json.loads(body)


def _usable(answer: Any) -> Mapping[str, jwt.PyJWK]:
    """Keys to check signatures with. A shared secret among them would let anybody sign."""
    if not isinstance(answer, dict) or not isinstance(answer.get("keys"), list):
        raise ValueError("not an object with keys")
    found = [key for key in answer["keys"] if isinstance(key, dict)]
    return {
        key.key_id: key
        for key in jwt.PyJWKSet(found).keys
        if key.key_id and key.public_key_use in (None, "sig") and key.algorithm_name in ALGORITHMS
    }

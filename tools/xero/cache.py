"""Answers of Xero that are good for a while, shared by all processes and forgotten by tag.

A tag is the id of a contact, or SETTINGS for what belongs to the organisation. Without Redis
nothing is kept and everything is asked anew.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple
from uuid import uuid4

from tools.xero.shared import Shared

SETTINGS = "settings"
LONGEST_SECONDS = 24 * 3600
VERSION_SECONDS = LONGEST_SECONDS + 3600
RECALL = resources.files("tools.xero").joinpath("recall.lua").read_text()


class Recalled(NamedTuple):
    """What was found, and the name under which a new answer to the question is to be kept."""

    name: str
    body: bytes | None


class Cache:
    """Raw JSON by question. An answer that was asked for before `forget` is never found after."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def recall(
        self, tenant: str, path: str, params: Mapping[str, str], tags: Sequence[str]
    ) -> Recalled | None:
        """The answer kept for the question, if any; None where nothing can be kept."""
        asked = json.dumps([path, sorted(params.items())]).encode()
        question = self._shared.key("answer", tenant, hashlib.sha256(asked).hexdigest())
        keys = [question, *(self._version(tag) for tag in sorted(set(tags)))]
        arguments: list[str | int] = [uuid4().hex, VERSION_SECONDS]
        found: Any = await self._shared.ask(
            lambda r: r.register_script(RECALL)(keys, arguments),
        )
        if found is None:
            return None
        name, body = found
        return Recalled(name, body.encode() if body is not None else None)

    async def keep(self, name: str, body: bytes, seconds: int) -> None:
        """Keep an answer under the name from `recall`, for at most a day."""
        await self._shared.ask(
            lambda r: r.set(name, body.decode(), ex=max(min(seconds, LONGEST_SECONDS), 1))
        )

    async def forget(self, *tags: str) -> bool:
        """Let no process find the tags' answers again; False where Redis did not take it."""
        versions: dict[str, str] = {self._version(tag): uuid4().hex for tag in tags}
        return await self._shared.ask(lambda r: _renewed(r, versions)) is not None

    def _version(self, tag: str) -> str:
        return self._shared.key("version", tag.lower())


async def _renewed(redis: Any, versions: Mapping[str, str]) -> list[Any]:
    async with redis.pipeline(transaction=True) as pipe:
        for name, version in versions.items():
            pipe.set(name, version, ex=VERSION_SECONDS)
        done: list[Any] = await pipe.execute()
    return done

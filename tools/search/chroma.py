"""How to reach Chroma: a server of its own, or the one in this process over a folder."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.api import ClientAPI
from chromadb.api.fastapi import FastAPI
from chromadb.config import Settings

CHROMA_SECONDS = 3.0

Connect = Callable[[], ClientAPI]


def open_chroma(url: str | None, folder: Path, seconds: float = CHROMA_SECONDS) -> Connect:
    """How to reach Chroma: the server at `url`, else in this process over `folder`.

    Connects when the function it returns is first called, so that a service starts without
    Chroma; that call raises what Chroma and httpx raise. A folder belongs to one process.
    """
    if url is None:
        settings = Settings(anonymized_telemetry=False)
        return cache(lambda: chromadb.PersistentClient(folder, settings))
    return cache(lambda: _server_client(url.rstrip("/"), seconds))


def _server_client(url: str, seconds: float) -> ClientAPI:
    # Chroma's client waits for ever, also while it connects: look first whether it is alive.
    httpx.get(f"{url}/api/v2/heartbeat", timeout=seconds).raise_for_status()
    address = urlsplit(url)
    is_secure = address.scheme == "https"
    client = chromadb.HttpClient(
        host=str(address.hostname),
        port=address.port or (443 if is_secure else 80),
        ssl=is_secure,
        # No connection is kept: one that the server dropped would fail the next search.
        settings=Settings(anonymized_telemetry=False, chroma_http_max_keepalive_connections=0),
    )
    server = getattr(client, "_server", None)
    if isinstance(server, FastAPI):
        server._session.timeout = httpx.Timeout(seconds)
    return client

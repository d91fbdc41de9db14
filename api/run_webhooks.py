"""Tells another system that a run has ended, where the client asked for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import structlog
from fastapi import HTTPException
from psycopg.rows import DictRow

from api.presentation import run_json
from api.streaming import values_after
from graph.clients import Clients, now
from graph.settings import ON_THIS_MACHINE, Settings
from monitoring import metrics
from tools.deferred import Deferred

log = structlog.get_logger()

TIMEOUT = httpx.Timeout(5, connect=2)


def check_webhook(address: str | None, settings: Settings) -> None:
    """422 for an address that is not on the operator's list: no client chooses where we send."""
    if address is None:
        return
    parts = urlsplit(address)
    is_safe = parts.scheme == "https" or parts.hostname in ON_THIS_MACHINE
    if is_safe and parts.netloc in settings.tria_webhook_hosts:
        return
    raise HTTPException(422, "webhook: this host is not allowed (see TRIA_WEBHOOK_HOSTS).")


@asynccontextmanager
async def telling(clients: Clients) -> AsyncIterator[None]:
    """Have the sweeper tell of ended runs."""
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False) as http:
        clients.sweeper.add(RunWebhooks(clients, http).tell)
        yield


class RunWebhooks:
    """Posts ended runs, each until it is taken or has been tried often enough."""

    def __init__(self, clients: Clients, http: httpx.AsyncClient) -> None:
        self._clients = clients
        self._deferred = Deferred(clients.pool)
        self._http = http

    async def tell(self) -> None:
        """Post every run whose turn it is."""
        for run in await self._deferred.to_tell():
            is_delivered = await self._post(run)
            metrics.WEBHOOKS_SENT.labels("taken" if is_delivered else "refused").inc()
            await self._deferred.told(run, is_delivered=is_delivered)

    async def _post(self, run: DictRow) -> bool:
        content = orjson.dumps(await self._content(run), default=str)
        headers = {"Content-Type": "application/json"}
        try:
            answer = await self._http.post(
                run["webhook"], content=content, headers=headers, timeout=TIMEOUT
            )
        except httpx.HTTPError as error:
            log.warning("webhook not delivered", error=type(error).__name__)
            return False
        return answer.is_success

    async def _content(self, run: DictRow) -> dict[str, Any]:
        values = await values_after(self._clients, run)
        error = {"error": run["error"], "message": "The run failed."} if run["error"] else None
        sent = {"values": values, "error": error, "webhook_sent_at": now().isoformat()}
        return run_json(run) | sent

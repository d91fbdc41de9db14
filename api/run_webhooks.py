"""Tells another system that a run has ended, where the client asked for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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
LONGEST_SECONDS = 15  # for one attempt, and so for all of a sweep; far below its lease


def check_webhook(address: str | None, settings: Settings) -> None:
    """422 for an address that is not on the operator's list: no client chooses where we send."""
    if address is not None and not _is_allowed(address, settings):
        raise HTTPException(422, "webhook: this host is not allowed (see TRIA_WEBHOOK_HOSTS).")


def _is_allowed(address: str, settings: Settings) -> bool:
    """Judged as the client reads it that will send; what it cannot read is not allowed."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        return False
    is_safe = url.scheme == "https" or (url.scheme == "http" and url.host in ON_THIS_MACHINE)
    return is_safe and not url.userinfo and url.netloc.decode() in settings.tria_webhook_hosts


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
        """Post every run whose turn it is, all at once: a slow host holds up no other."""
        due = await self._deferred.to_tell()
        ends = await asyncio.gather(*(self._tell_of(run) for run in due), return_exceptions=True)
        for error in (end for end in ends if isinstance(end, BaseException)):
            raise error

    async def _tell_of(self, run: DictRow) -> None:
        content = orjson.dumps(await self._content(run), default=str)
        is_delivered = await self._post(run["webhook"], content)
        metrics.WEBHOOKS_SENT.labels("taken" if is_delivered else "refused").inc()
        await self._deferred.told(run, is_delivered=is_delivered)

    async def _post(self, address: str, content: bytes) -> bool:
        """Whether it was taken. What is answered beyond the status is not read."""
        headers = {"Content-Type": "application/json"}
        sending = self._http.stream(
            "POST", address, content=content, headers=headers, timeout=TIMEOUT
        )
        try:
            async with asyncio.timeout(LONGEST_SECONDS), sending as answer:
                return answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.warning("webhook not delivered", error=type(error).__name__)
            return False

    async def _content(self, run: DictRow) -> dict[str, Any]:
        values = await values_after(self._clients, run)
        error = {"error": run["error"], "message": "The run failed."} if run["error"] else None
        sent = {"values": values, "error": error, "webhook_sent_at": now().isoformat()}
        return run_json(run) | sent

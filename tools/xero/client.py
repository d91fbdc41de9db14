"""One HTTP client for Xero: reads are retried where that is safe, a write is sent exactly once."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from tools.errors import BackendRejected, BackendUnavailable, OutcomeUnknown
from tools.xero.documents import loads
from tools.xero.oauth import Tokens

ACCOUNTING = "/api.xro/2.0"
TIMEOUT = httpx.Timeout(15, connect=3, pool=2)
READS = 3
LONGEST_WAIT_SECONDS = 10.0
IN_PROGRESS = 4  # Xero allows five at a time for one organisation


def make_http() -> httpx.AsyncClient:
    """The connection pool for Xero."""
    return httpx.AsyncClient(timeout=TIMEOUT, limits=httpx.Limits(max_connections=10))


class XeroClient:
    """Speaks HTTP with one organisation in Xero. Knows nothing of customers: see scoped.py."""

    def __init__(self, http: httpx.AsyncClient, url: str, tokens: Tokens, tenant_id: str) -> None:
        self._http = http
        self._url = url.rstrip("/") + ACCOUNTING
        self._tokens = tokens
        self._tenant = tenant_id
        self._slots = asyncio.Semaphore(IN_PROGRESS)
        self.is_up = True  # whether the last call got an answer

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Read; raises BackendUnavailable after the last try, BackendRejected when refused."""
        for attempt in range(1, READS + 1):
            answer = await self._read(path, params)
            if answer is not None and answer.status_code == 200:
                return _parsed(answer)
            if answer is not None and answer.status_code == 401 and attempt == 1:
                await self._tokens.expire()
                continue
            if answer is not None and not _is_passing(answer):
                raise BackendRejected(f"Xero refused GET {path} with {answer.status_code}")
            if attempt < READS:
                await asyncio.sleep(_wait(answer, attempt))
        raise BackendUnavailable(f"Xero does not answer GET {path}")

    async def put(self, path: str, body: bytes, key: str) -> dict[str, Any]:
        """Create; raises OutcomeUnknown when nobody can say whether Xero did it."""
        answer = await self._write(path, body, key)
        if answer.status_code == 401:  # refused before anything was done
            await self._tokens.expire()
            answer = await self._write(path, body, key)
        if answer.status_code in (401, 429):
            raise BackendUnavailable("Xero did not take the request; nothing was written")
        if answer.status_code >= 500:
            raise OutcomeUnknown(f"PUT {path} answered {answer.status_code}")
        if answer.status_code != 200:
            raise BackendRejected(f"Xero refused PUT {path}: {_messages(answer)}")
        try:
            return loads(answer.content)
        except ValueError as error:
            raise OutcomeUnknown(f"the answer to PUT {path} is no JSON") from error

    async def _write(self, path: str, body: bytes, key: str) -> httpx.Response:
        headers = await self._headers()
        headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        async with self._slots:
            try:
                return await self._http.put(
                    self._url + path,
                    content=body,
                    headers=headers,
                    params={"unitdp": "4", "summarizeErrors": "true"},
                )
            except httpx.ConnectError as error:
                raise BackendUnavailable("Xero could not be reached; nothing was sent") from error
            except httpx.HTTPError as error:
                raise OutcomeUnknown(f"the answer to PUT {path} was lost") from error

    async def _read(self, path: str, params: Mapping[str, str] | None) -> httpx.Response | None:
        headers = await self._headers()
        async with self._slots:
            try:
                answer = await self._http.get(
                    self._url + path, params=dict(params or {}), headers=headers
                )
            except httpx.TransportError:
                self.is_up = False
                return None
        self.is_up = answer.status_code < 500
        return answer

    async def _headers(self) -> dict[str, str]:
        token = await self._tokens.access_token()
        return {
            "Authorization": f"Bearer {token}",
            "xero-tenant-id": self._tenant,
            "Accept": "application/json",
        }


def _parsed(answer: httpx.Response) -> dict[str, Any]:
    try:
        return loads(answer.content)
    except ValueError as error:
        raise BackendUnavailable("Xero answered with something that is no JSON") from error


def _is_passing(answer: httpx.Response) -> bool:
    if answer.status_code == 429:
        return _retry_after(answer) <= LONGEST_WAIT_SECONDS
    return answer.status_code in (502, 503, 504)


def _wait(answer: httpx.Response | None, attempt: int) -> float:
    if answer is not None and answer.status_code == 429:
        return _retry_after(answer)
    return 0.2 * 2.0**attempt


def _retry_after(answer: httpx.Response) -> float:
    try:
        return float(answer.headers.get("Retry-After", "1"))
    except ValueError:
        return LONGEST_WAIT_SECONDS + 1


def _messages(answer: httpx.Response) -> str:
    """Every validation message Xero gave, for logs and operators; customers never see it."""
    try:
        elements = answer.json().get("Elements", [])
        return "; ".join(e["Message"] for x in elements for e in x.get("ValidationErrors", []))
    except (ValueError, AttributeError, KeyError, TypeError):
        return str(answer.status_code)

"""Xero's sign-in over HTTP: where an admin consents, and what exchanges codes and tokens."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import httpx

from tools.errors import BackendUnavailable

SCOPES = (
    "offline_access",
    "accounting.contacts.read",
    "accounting.invoices",
    "accounting.payments.read",
    "accounting.settings.read",
    "accounting.reports.aged.read",
)
SECONDS = 12


class GrantRefused(Exception):
    """Xero knows the refresh token or the code no longer; only a new sign-in helps."""


class Organisation(NamedTuple):
    """An organisation that the signed-in person let us into."""

    tenant_id: UUID
    name: str


@dataclass(frozen=True)
class Grant:
    """What the token endpoint gives. `scope` is empty where it does not say."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    seconds: int
    scope: str


@dataclass(frozen=True)
class XeroApp:
    """What identifies our app, and the organisation it works in where that is configured."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: str | None = None
    first_refresh_token: str | None = field(default=None, repr=False)
    authorize_url: str = "https://login.xero.com/identity/connect/authorize"
    connections_url: str = "https://api.xero.com/connections"
    redirect_url: str = "http://127.0.0.1:8003/admin/xero/callback"

    @property
    def mark(self) -> str:
        """Changes when somebody configures other credentials."""
        parts = (self.client_id, self.client_secret, self.first_refresh_token or "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class SignIn:
    """Speaks with Xero's sign-in. Failures are BackendUnavailable, or GrantRefused for good."""

    def __init__(self, http: httpx.AsyncClient, app: XeroApp) -> None:
        self._http = http
        self._app = app

    def authorize_url(self, state: str) -> str:
        """Where the admin's browser goes to consent."""
        query = {
            "response_type": "code",
            "client_id": self._app.client_id,
            "redirect_uri": self._app.redirect_url,
            "scope": " ".join(SCOPES),
            "state": state,
        }
        return f"{self._app.authorize_url}?{urlencode(query)}"

    async def exchange(self, code: str) -> Grant:
        """Tokens for the code that the browser brought back. A code works once."""
        form = {"code": code, "redirect_uri": self._app.redirect_url}
        return await self._granted({"grant_type": "authorization_code", **form}, tries=1)

    async def refresh(self, refresh_token: str) -> Grant:
        """New tokens. Where the answer was lost the old token still works for half an hour."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._granted(form, tries=2)

    async def connections(self, access_token: str) -> list[Organisation]:
        """Every organisation that the token opens."""
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        try:
            answer = await self._http.get(self._app.connections_url, headers=headers)
            answer.raise_for_status()
            found = answer.json()
            return [
                Organisation(UUID(c["tenantId"]), str(c.get("tenantName") or ""))
                for c in found
                if c.get("tenantType", "ORGANISATION") == "ORGANISATION"
            ]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackendUnavailable("Xero does not tell its connections") from error

    async def _granted(self, form: Mapping[str, str], tries: int) -> Grant:
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._posted(form, tries)
        except (httpx.HTTPError, TimeoutError) as error:
            raise BackendUnavailable("Xero's sign-in does not answer") from error
        return _grant(answer)

    async def _posted(self, form: Mapping[str, str], tries: int) -> httpx.Response:
        client = (self._app.client_id, self._app.client_secret)
        for left in reversed(range(tries)):
            try:
                return await self._http.post(self._app.token_url, data=dict(form), auth=client)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if not left:
                    raise
        raise BackendUnavailable("Xero's sign-in was not asked")


def _grant(answer: httpx.Response) -> Grant:
    found = _json(answer)
    if answer.status_code == 200:
        try:
            tokens = str(found["access_token"]), str(found["refresh_token"])
            return Grant(*tokens, int(found["expires_in"]), str(found.get("scope") or ""))
        except (KeyError, ValueError, TypeError) as error:
            raise BackendUnavailable("Xero's sign-in answered without tokens") from error
    problem = found.get("error")
    if answer.status_code == 400 and problem == "invalid_grant":
        raise GrantRefused(problem)
    known = problem if problem in ("invalid_client", "unauthorized_client") else ""
    advice = ": check XERO_CLIENT_ID and XERO_CLIENT_SECRET" if known else ""
    raise BackendUnavailable(f"Xero's sign-in answered {answer.status_code} {known}{advice}")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

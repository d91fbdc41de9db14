"""Xero's sign-in: consent, tokens, their revocation, and the organisations they open."""

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from tools.sandbox.company import company, stable_id
from tools.sandbox.desk import Connection, Desk
from tools.sandbox.store import Json
from tools.sandbox.xero import tokens
from tools.sandbox.xero.responses import BrokenOff, failure, respond
from tools.sandbox.xero.scopes import KNOWN
from tools.sandbox.xero.tokens import oauth_error
from tools.sandbox.xero.wire import Refused, Reply, as_json, problem

OWN_HOSTS = ("localhost", "127.0.0.1", "::1")


def make_routes(desk: Desk) -> APIRouter:
    """Consent, tokens, revocation and connections."""
    router = APIRouter(prefix="/xero")
    _add_consent(router, desk)
    _add_tokens(router, desk)
    _add_connections(router, desk)
    return router


def _add_consent(router: APIRouter, desk: Desk) -> None:
    @router.get("/identity/connect/authorize")
    async def authorize(request: Request) -> Response:
        desk.requests["GET", "/identity/connect/authorize"] += 1
        return _consent(desk, request)


def _add_tokens(router: APIRouter, desk: Desk) -> None:
    @router.post("/connect/token")
    async def token(request: Request) -> Response:
        desk.requests["POST", "/connect/token"] += 1
        fault = desk.faults.take("POST /connect/token")
        if failed := await failure(request, fault):
            return failed
        try:
            _check_client(request.headers.get("authorization", ""))
            with desk.store.transaction():
                answer = tokens.pair(desk, _grant(desk, _form(await request.body())))
        except Refused as refused:
            return respond(refused.reply)
        if fault and fault.mode == "drop_after_commit":
            return BrokenOff()
        return respond(as_json(200, answer))

    @router.post("/connect/revocation")
    async def revocation(request: Request) -> Response:
        desk.requests["POST", "/connect/revocation"] += 1
        try:
            _check_client(request.headers.get("authorization", ""))
        except Refused as refused:
            return respond(refused.reply)
        tokens.revoke(desk.store, _form(await request.body()).get("token", ""))
        return respond(Reply(200, b"", ""))


def _add_connections(router: APIRouter, desk: Desk) -> None:
    @router.get("/connections")
    async def connections(request: Request) -> Response:
        desk.requests["GET", "/connections"] += 1
        try:
            check_bearer(desk, request.headers.get("authorization", ""))
        except Refused as refused:
            return respond(refused.reply)
        now = desk.clock.now()
        return respond(as_json(200, [_shown(c, now) for c in desk.connections]))


def check_bearer(desk: Desk, authorization: str) -> frozenset[str]:
    """The scopes of the access token; raises Refused with a 401 if it is not ours or has ended."""
    scheme, _, token = authorization.partition(" ")
    found = tokens.find_token(desk.store, token, "access") if scheme == "Bearer" else None
    if found is None:
        raise problem(401, "Unauthorized", "AuthenticationUnsuccessful")
    if found.expires <= desk.clock.now().timestamp():
        raise problem(401, "Unauthorized", "TokenExpired: the access token has ended")
    return frozenset(found.consent.scope.split())


def check_tenant(desk: Desk, tenant: str | None) -> None:
    """Raise Refused with a 403 unless the header names our organisation, and it is connected."""
    ours = company()["organisation"]["tenant_id"]
    if tenant != ours or all(c.tenant_id != ours for c in desk.connections):
        raise problem(403, "Forbidden", "AuthenticationUnsuccessful")


def _consent(desk: Desk, request: Request) -> Response:
    asked = request.query_params
    redirect = asked.get("redirect_uri", "")
    is_known = asked.get("client_id") == company()["app"]["client_id"]
    if not is_known or not _may_lead_to(redirect) or asked.get("response_type") != "code":
        return respond(oauth_error("unauthorized_client").reply)
    scope = asked.get("scope", "")
    answer = {"state": asked["state"]} if "state" in asked else {}
    if not scope or set(scope.split()) - KNOWN:
        return _lead_back(redirect, {"error": "invalid_scope", **answer})
    code = secrets.token_urlsafe(24)
    consent = tokens.new_consent(scope)
    tokens.issue(desk, f"{code} {redirect}", "code", consent, tokens.CODE_LIFE)
    return _lead_back(redirect, {"code": code, "scope": scope, **answer})


def _may_lead_to(redirect: str) -> bool:
    # Nobody registers addresses with the sandbox, so it leads to this machine alone.
    try:
        found = urlsplit(redirect)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and found.hostname in OWN_HOSTS


def _lead_back(redirect: str, answer: dict[str, str]) -> Response:
    return RedirectResponse(f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(answer)}", 302)


def _check_client(authorization: str) -> None:
    app = company()["app"]
    scheme, _, value = authorization.partition(" ")
    try:
        sent = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise oauth_error("invalid_client") from error
    expected = f"{app['client_id']}:{app['client_secret']}".encode()
    if scheme != "Basic" or not hmac.compare_digest(sent, expected):
        raise oauth_error("invalid_client")


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _grant(desk: Desk, form: dict[str, str]) -> tokens.Consent:
    match form.get("grant_type"):
        case "refresh_token":
            return tokens.use_refresh_token(desk, form.get("refresh_token", ""))
        case "authorization_code":
            code = f"{form.get('code', '')} {form.get('redirect_uri', '')}"
            return tokens.use_code(desk, code)
        case _:
            raise oauth_error("unsupported_grant_type")


def _shown(connection: Connection, now: datetime) -> Json:
    return {
        "id": stable_id("connection", connection.tenant_id),
        "tenantId": connection.tenant_id,
        "tenantType": "ORGANISATION",
        "tenantName": connection.name,
        "createdDateUtc": now.isoformat(),
        "updatedDateUtc": now.isoformat(),
    }

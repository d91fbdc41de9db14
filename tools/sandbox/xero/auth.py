"""Xero's sign-in: authorisation code, rotating refresh tokens, access tokens of 30 minutes."""

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from tools.sandbox.company import company
from tools.sandbox.desk import Desk
from tools.sandbox.store import Json, Store
from tools.sandbox.xero.responses import BrokenOff, failure, respond
from tools.sandbox.xero.wire import Refused, as_json, problem

ACCESS_LIFE = timedelta(minutes=30)
REFRESH_LIFE = timedelta(days=60)
GRACE = timedelta(minutes=30)
CODE_LIFE = timedelta(minutes=5)


def make_routes(desk: Desk) -> APIRouter:
    """Consent, tokens and connections."""
    router = APIRouter(prefix="/xero")

    @router.get("/identity/connect/authorize")
    async def authorize(request: Request) -> Response:
        desk.requests["GET", "/identity/connect/authorize"] += 1
        return _consent(desk, request)

    @router.post("/connect/token")
    async def token(request: Request) -> Response:
        desk.requests["POST", "/connect/token"] += 1
        fault = desk.faults.take("POST /connect/token")
        if failed := await failure(request, fault):
            return failed
        try:
            _check_client(request.headers.get("authorization", ""))
            with desk.store.transaction():
                answer = _grant(desk, _form(await request.body()))
        except Refused as refused:
            return respond(refused.reply)
        return BrokenOff() if fault == "drop_after_commit" else respond(as_json(200, answer))

    @router.get("/connections")
    async def connections(request: Request) -> Response:
        desk.requests["GET", "/connections"] += 1
        try:
            check_bearer(desk, request.headers.get("authorization", ""))
        except Refused as refused:
            return respond(refused.reply)
        return respond(as_json(200, [_connection(desk.clock.now())]))

    return router


def seed_tokens(store: Store) -> None:
    """The refresh token that a first start may use; it neither ends nor rotates away."""
    known = (company()["app"]["refresh_token"], "first", 0)
    store.db.execute("insert or ignore into tokens (token, kind, expires) values (?, ?, ?)", known)


def check_bearer(desk: Desk, authorization: str) -> None:
    """Raise Refused with a 401 unless the access token is one of ours and has not ended."""
    scheme, _, token = authorization.partition(" ")
    expires = _expiry(desk.store, token, "access") if scheme == "Bearer" else None
    if expires is None:
        raise problem(401, "Unauthorized", "AuthenticationUnsuccessful")
    if expires <= desk.clock.now().timestamp():
        raise problem(401, "Unauthorized", "TokenExpired: the access token has ended")


def check_tenant(tenant: str | None) -> None:
    """Raise Refused with a 403 unless the header names our organisation."""
    if tenant != company()["organisation"]["tenant_id"]:
        raise problem(403, "Forbidden", "AuthenticationUnsuccessful")


def _consent(desk: Desk, request: Request) -> Response:
    asked = request.query_params
    redirect = asked.get("redirect_uri")
    is_known = asked.get("client_id") == company()["app"]["client_id"]
    if not redirect or not is_known or asked.get("response_type") != "code":
        return respond(_oauth_error("unauthorized_client").reply)
    code = secrets.token_urlsafe(24)
    _issue(desk, f"{code} {redirect}", "code", CODE_LIFE)
    answer = {"code": code, "scope": asked.get("scope", "")}
    if "state" in asked:
        answer["state"] = asked["state"]
    return RedirectResponse(f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(answer)}", 302)


def _check_client(authorization: str) -> None:
    scheme, _, encoded = authorization.partition(" ")
    app = company()["app"]
    try:
        sent = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _oauth_error("invalid_client") from error
    expected = f"{app['client_id']}:{app['client_secret']}".encode()
    if scheme != "Basic" or not hmac.compare_digest(sent, expected):
        raise _oauth_error("invalid_client")


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _grant(desk: Desk, form: dict[str, str]) -> Json:
    match form.get("grant_type"):
        case "refresh_token":
            _use_refresh_token(desk, form.get("refresh_token", ""))
        case "authorization_code":
            _use_code(desk, f"{form.get('code', '')} {form.get('redirect_uri', '')}")
        case _:
            raise _oauth_error("unsupported_grant_type")
    return {
        "access_token": _issue(desk, secrets.token_urlsafe(48), "access", ACCESS_LIFE),
        "refresh_token": _issue(desk, secrets.token_urlsafe(32), "refresh", REFRESH_LIFE),
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "token_type": "Bearer",
        "scope": company()["app"]["scope"],
    }


def _use_refresh_token(desk: Desk, token: str) -> None:
    now = desk.clock.now().timestamp()
    found = desk.store.db.execute(
        "select kind, expires, used from tokens where token = ? and kind in ('refresh', 'first')",
        (token,),
    ).fetchone()
    if found and found[0] == "first":
        return
    if not found or found[1] <= now or (found[2] and found[2] + GRACE.total_seconds() <= now):
        raise _oauth_error("invalid_grant")
    sql = "update tokens set used = coalesce(used, ?) where token = ?"
    desk.store.db.execute(sql, (now, token))


def _use_code(desk: Desk, code: str) -> None:
    expires = _expiry(desk.store, code, "code")
    desk.store.db.execute("delete from tokens where token = ? and kind = 'code'", (code,))
    if expires is None or expires <= desk.clock.now().timestamp():
        raise _oauth_error("invalid_grant")


def _issue(desk: Desk, token: str, kind: str, life: timedelta) -> str:
    expires = (desk.clock.now() + life).timestamp()
    sql = "insert into tokens (token, kind, expires) values (?, ?, ?)"
    desk.store.db.execute(sql, (token, kind, expires))
    return token


def _expiry(store: Store, token: str, kind: str) -> float | None:
    sql = "select expires from tokens where token = ? and kind = ?"
    found = store.db.execute(sql, (token, kind)).fetchone()
    return float(found[0]) if found else None


def _oauth_error(code: str) -> Refused:
    return Refused(as_json(400, {"error": code}))


def _connection(now: datetime) -> Json:
    facts = company()["organisation"]
    return {
        "id": facts["tenant_id"],
        "tenantId": facts["tenant_id"],
        "tenantType": "ORGANISATION",
        "tenantName": facts["name"],
        "createdDateUtc": now.isoformat(),
        "updatedDateUtc": now.isoformat(),
    }

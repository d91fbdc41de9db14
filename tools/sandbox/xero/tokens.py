"""Codes, refresh and access tokens: each belongs to a consent and carries its scope."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from tools.sandbox.company import company
from tools.sandbox.desk import Desk
from tools.sandbox.store import Json, Store
from tools.sandbox.xero.scopes import OFFLINE
from tools.sandbox.xero.wire import Refused, as_json

ACCESS_LIFE = timedelta(minutes=30)
REFRESH_LIFE = timedelta(days=60)
GRACE = timedelta(minutes=30)
CODE_LIFE = timedelta(minutes=5)

Kind = Literal["code", "access", "refresh", "first"]


@dataclass(frozen=True)
class Consent:
    """What a person agreed to, once."""

    consent_id: str
    scope: str


@dataclass(frozen=True)
class Token:
    """A token of one of the kinds; `expires` and `used` are timestamps."""

    kind: Kind
    consent: Consent
    expires: float
    used: float | None


def seed_tokens(store: Store) -> None:
    """The refresh token that a first start may use; it neither ends nor rotates away."""
    app = company()["app"]
    known = (app["refresh_token"], "first", "first", app["scope"], 0)
    sql = "insert or ignore into tokens (token, kind, consent, scope, expires) values (?,?,?,?,?)"
    store.db.execute(sql, known)


def new_consent(scope: str) -> Consent:
    """A consent of its own, to be revoked by itself."""
    return Consent(str(uuid.uuid4()), scope)


def find_token(store: Store, token: str, *kinds: Kind) -> Token | None:
    """The token, if it is of one of the kinds; it may have ended."""
    sql = "select kind, consent, scope, expires, used from tokens where token = ?"
    found = store.db.execute(sql, (token,)).fetchone()
    if not found or found[0] not in kinds:
        return None
    kind, consent, scope, expires, used = found
    return Token(kind, Consent(consent, scope), expires, used)


def issue(desk: Desk, token: str, kind: Kind, consent: Consent, life: timedelta) -> str:
    """Store a new token and return it."""
    expires = (desk.clock.now() + life).timestamp()
    sql = "insert into tokens (token, kind, consent, scope, expires) values (?, ?, ?, ?, ?)"
    values = (token, kind, consent.consent_id, consent.scope, expires)
    desk.store.db.execute(sql, values)
    return token


def pair(desk: Desk, consent: Consent) -> Json:
    """An access token and, if the consent is for offline access, a refresh token."""
    access = issue(desk, secrets.token_urlsafe(48), "access", consent, ACCESS_LIFE)
    answer = {
        "access_token": access,
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "token_type": "Bearer",
        "scope": consent.scope,
    }
    if OFFLINE in consent.scope.split():
        refresh = issue(desk, secrets.token_urlsafe(32), "refresh", consent, REFRESH_LIFE)
        answer["refresh_token"] = refresh
    return answer


def use_refresh_token(desk: Desk, token: str) -> Consent:
    """The consent behind a refresh token, which rotates; raises Refused with `invalid_grant`."""
    now = desk.clock.now().timestamp()
    found = find_token(desk.store, token, "refresh", "first")
    if found and found.kind == "first":
        return new_consent(found.consent.scope)
    if not found or found.expires <= now or (found.used and found.used <= now - _grace()):
        raise oauth_error("invalid_grant")
    sql = "update tokens set used = coalesce(used, ?) where token = ?"
    desk.store.db.execute(sql, (now, token))
    return found.consent


def use_code(desk: Desk, code: str) -> Consent:
    """The consent behind a code, once; raises Refused with `invalid_grant`."""
    found = find_token(desk.store, code, "code")
    desk.store.db.execute("delete from tokens where token = ? and kind = 'code'", (code,))
    if not found or found.expires <= desk.clock.now().timestamp():
        raise oauth_error("invalid_grant")
    return found.consent


def revoke(store: Store, token: str) -> None:
    """End every token of the consent; the token of the first start stays."""
    if found := find_token(store, token, "access", "refresh"):
        store.db.execute("delete from tokens where consent = ?", (found.consent.consent_id,))


def oauth_error(code: str) -> Refused:
    """The 400 of the token endpoint."""
    return Refused(as_json(400, {"error": code}))


def _grace() -> float:
    return GRACE.total_seconds()

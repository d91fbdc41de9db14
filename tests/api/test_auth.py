"""Whose a credential is, and everything that makes one worth nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import Response
from langgraph_sdk import get_client
from prometheus_client import REGISTRY

from api.app import create_app
from api.credentials import Credentials, open_credentials, reason_of
from api.principals import Principal
from api.scopes import MOST, OWN, SCOPES
from api.tokens import LONGEST_TOKEN, Kind, Staff, issue_staff_token, issue_token, staff_claims
from graph.clients import now
from graph.settings import Settings, read_settings
from graph.studio import demo_caller
from tests.api.conftest import ONE_TRACE
from tests.conftest import SECRET, Served, customer, headers_of
from tests.elsewhere import AUDIENCE, ISSUER, Elsewhere, elsewhere_running, in_seconds
from tools.api_keys import ApiKeys, IssuedKey, NewKey
from tools.database import Pool, make_pool
from tools.errors import SettingsInvalid
from tools.synthetic import CUSTOMER as SYNTHETIC

MEI = Staff("mei", "Mei", 3)
RANK = {"name": "Mei", "level": 3, "is_admin": False}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    with elsewhere_running() as running:
        yield running


@pytest.fixture(scope="module")
def both(settings: Settings, elsewhere: Elsewhere) -> Settings:
    """Settings with which tokens of the sign-in elsewhere are accepted too."""
    trusted = {
        "tria_jwks_url": elsewhere.url,
        "tria_jwt_issuer": ISSUER,
        "tria_jwt_audience": AUDIENCE,
    }
    return settings.model_copy(update=trusted)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with make_pool(postgres_url, max_size=2) as pool:
        yield pool
        async with pool.connection() as connection:
            await connection.execute("delete from api_keys")


@pytest.fixture
async def credentials(both: Settings, pool: Pool) -> AsyncIterator[Credentials]:
    async with open_credentials(both, pool) as opened:
        yield opened


async def refused(credentials: Credentials, credential: str) -> str:
    """The reason why it opens nothing."""
    with pytest.raises(jwt.InvalidTokenError) as raised:
        await credentials.principal(credential)
    return reason_of(raised.value)


# ---------------------------------------------------------------- tokens of ours


def encoded(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_hand(header: Any, claims: Any, secret: bytes = SECRET.encode()) -> str:
    """A token that no library would make, signed with HMAC and SHA-256."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encoded(mac)}"


def claims(**changes: Any) -> dict[str, Any]:
    """A customer's; None leaves a claim out."""
    usual = {
        "sub": "one",
        "iss": "tria",
        "aud": "tria-chat",
        "exp": int(in_seconds(3600).timestamp()),
        "contact_ids": ["c-1"],
        "roles": ["owner"],
    }
    return {k: v for k, v in (usual | changes).items() if v is not None}


def ours(**changes: Any) -> str:
    return jwt.encode(claims(**changes), SECRET, "HS256")


def at(seconds: float) -> int:
    return int(in_seconds(seconds).timestamp())


HS256 = {"alg": "HS256", "typ": "JWT"}
BAD: dict[str, tuple[str, Callable[[], str]]] = {
    "nothing": ("nothing_sent", lambda: ""),
    "a word": ("malformed", lambda: "nonsense"),
    "dots": ("malformed", lambda: ".."),
    "not ASCII": ("malformed", lambda: "é.ü.ñ"),
    "a NUL": ("malformed", lambda: "a\x00.b.c"),
    "far too long": ("malformed", lambda: ours(name="x" * LONGEST_TOKEN)),
    "a header nested deeply": ("malformed", lambda: by_hand(b"[" * 5000, {})),
    "a header that is a list": ("malformed", lambda: by_hand([HS256], claims())),
    "an algorithm that is a list": ("malformed", lambda: by_hand({"alg": ["HS256"]}, claims())),
    "a key id that is a number": ("malformed", lambda: by_hand(HS256 | {"kid": 1}, claims())),
    "a header that must be understood": (
        "malformed",
        lambda: by_hand(HS256 | {"crit": ["x"], "x": 1}, claims()),
    ),
    "claims that are a list": ("malformed", lambda: by_hand(HS256, [claims()])),
    "claims nested deeply": ("malformed", lambda: by_hand(HS256, b"[" * 5000)),
    "no algorithm": ("algorithm", lambda: jwt.encode(claims(), None, "none")),  # type: ignore[arg-type]
    "no algorithm, in capitals": (
        "algorithm",
        lambda: f"{encoded({'alg': 'NONE'})}.{encoded(claims())}.",
    ),
    "a longer hash": ("algorithm", lambda: jwt.encode(claims(), SECRET * 2, "HS512")),
    "another secret": ("signature", lambda: jwt.encode(claims(), SECRET[::-1], "HS256")),
    "no signature": ("signature", lambda: ours().rpartition(".")[0] + "."),
    "somebody else's claims": (
        "signature",
        lambda: ".".join((ours().split(".")[0], encoded(claims(sub="two")), ours().split(".")[2])),
    ),
    "expired": ("expired", lambda: ours(exp=at(-120))),
    "not yet": ("malformed", lambda: ours(nbf=at(600))),
    "issued in the future": ("malformed", lambda: ours(iat=at(600))),
    "good for too long": ("lives_too_long", lambda: ours(exp=at(26 * 3600))),
    "good for ever": ("malformed", lambda: by_hand(HS256, claims(exp=float("inf")))),
    "an end that is no number": ("malformed", lambda: by_hand(HS256, claims(exp=[1]))),
    "no end": ("claims", lambda: ours(exp=None)),
    "no subject": ("claims", lambda: ours(sub=None)),
    "an empty subject": ("claims", lambda: ours(sub="")),
    "a subject with a NUL": ("claims", lambda: ours(sub="a\x00")),
    "the service's own customer": ("claims", lambda: ours(sub=SYNTHETIC)),
    "no issuer": ("claims", lambda: ours(iss=None)),
    "another issuer": ("issuer", lambda: ours(iss=ISSUER)),
    "another audience": ("audience", lambda: ours(aud=AUDIENCE)),
    "several audiences": ("audience", lambda: ours(aud=["tria-chat", "tria-console"])),
    "no contacts": ("claims", lambda: ours(contact_ids=None)),
    "contacts that are one text": ("claims", lambda: ours(contact_ids="c-1")),
    "no roles": ("claims", lambda: ours(roles=None)),
    "roles that are numbers": ("claims", lambda: ours(roles=[1])),
    "a scope that is none": ("claims", lambda: ours(scopes=["everything"])),
    "staff without a rank": ("claims", lambda: ours(aud="tria-console")),
    "staff of level 9": ("claims", lambda: ours(aud="tria-console", staff=RANK | {"level": 9})),
    "a service without scopes": ("claims", lambda: ours(aud="tria-service")),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_token_of_ours_that_is_not_right_opens_nothing(
    credentials: Credentials, case: str
) -> None:
    reason, make = BAD[case]
    assert await refused(credentials, make()) == reason


async def test_our_tokens_name_customers_staff_and_services(credentials: Credentials) -> None:
    caller = demo_caller(customer())
    found = await credentials.principal(issue_token(SECRET, caller, now()))
    assert found == Principal("customer", caller.customer_id, OWN, caller)
    assert found.customer_id == caller.customer_id
    staff = await credentials.principal(issue_staff_token(SECRET, MEI, now()))
    assert (staff.kind, staff.staff, staff.customer_id) == ("staff", MEI, None)
    assert staff.scopes == {"console", "metrics"}
    service = await credentials.principal(ours(aud="tria-service", scopes=["threads:read"]))
    assert (service.kind, service.customer_id) == ("service", None)
    assert service.scopes == {"threads:read"}
    assert len({found.key, staff.key, service.key}) == 3


async def test_an_admin_may_operate_and_connect(credentials: Credentials) -> None:
    token = issue_staff_token(SECRET, replace(MEI, is_admin=True), now())
    assert {"operate", "admin"} < (await credentials.principal(token)).scopes


@pytest.mark.parametrize("kind", ["customer", "staff", "service"])
async def test_no_sign_in_carries_more_scopes_than_its_kind_may_have(
    credentials: Credentials, kind: Kind
) -> None:
    audience = {"customer": "tria-chat", "staff": "tria-console", "service": "tria-service"}[kind]
    everything = ours(aud=audience, staff=RANK | {"is_admin": True}, scopes=list(SCOPES))
    assert (await credentials.principal(everything)).scopes == MOST[kind]
    nothing = ours(aud=audience, staff=RANK, scopes=[])
    assert (await credentials.principal(nothing)).scopes == set()


async def test_the_scope_of_an_admin_makes_nobody_one(credentials: Credentials) -> None:
    token = ours(aud="tria-console", staff=RANK, scopes=["console", "admin"])
    assert (await credentials.principal(token)).scopes == {"console"}


# ---------------------------------------------------------------- tokens of a sign-in elsewhere


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_the_sign_in_elsewhere_names_a_customer(
    credentials: Credentials, elsewhere: Elsewhere, algorithm: str
) -> None:
    found = await credentials.principal(elsewhere.token(algorithm, contact_ids=["c-9"]))
    assert (found.kind, found.subject) == ("customer", "elsewhere-1")
    assert found.caller is not None
    assert found.caller.contact_ids == ("c-9",)


async def test_its_staff_and_services_say_what_they_are(
    credentials: Credentials, elsewhere: Elsewhere
) -> None:
    staff = await credentials.principal(elsewhere.token("ES256", kind="staff", staff=RANK))
    assert staff.staff == Staff("elsewhere-1", "Mei", 3)
    service = elsewhere.token("ES256", kind="service", scopes=["metrics"])
    assert (await credentials.principal(service)).scopes == {"metrics"}
    customers = await credentials.principal(elsewhere.token("ES256", staff=RANK))
    assert customers.kind == "customer", "a claim alone makes nobody staff"


def confused(elsewhere: Elsewhere) -> str:
    """Signed with the public key as if it were a shared secret."""
    public = elsewhere.private["RS256"][1].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    told = claims(iss=ISSUER, aud=AUDIENCE)
    return by_hand({"alg": "HS256", "kid": "RS256"}, told, pem)


def relabelled(elsewhere: Elsewhere) -> str:
    """Signed with one key, and said to be signed in another way."""
    _, body, signature = elsewhere.token("RS256").split(".")
    return f"{encoded({'alg': 'ES256', 'kid': 'RS256'})}.{body}.{signature}"


def with_own_key(elsewhere: Elsewhere) -> str:
    """Signed with a key that stands in the token itself."""
    stranger = Elsewhere()
    stranger.add("ES256")
    return stranger.token("ES256", {"jwk": stranger.published[0], "jku": elsewhere.url})


FOREIGN_BAD: dict[str, tuple[str, Callable[[Elsewhere], str]]] = {
    "an unknown key": ("signing_key", lambda e: e.token("ES256", {"kid": "another"})),
    "a path for a key id": ("signing_key", lambda e: e.token("ES256", {"kid": "../../dev/null"})),
    "a statement for a key id": ("signing_key", lambda e: e.token("ES256", {"kid": "' or 1=1"})),
    "no key id": ("signing_key", lambda e: e.token("ES256", {"kid": ""})),
    "a key of its own": ("signature", with_own_key),
    "the public key as a secret": ("signature", confused),
    "another algorithm than its key's": ("algorithm", relabelled),
    "no algorithm": ("algorithm", lambda e: jwt.encode(claims(iss=ISSUER), None, "none")),  # type: ignore[arg-type]
    "a longer hash": (
        "algorithm",
        lambda e: jwt.encode(claims(), e.private["RS256"][1], "RS512", {"kid": "RS256"}),
    ),
    "our issuer": ("issuer", lambda e: e.token("ES256", iss="tria")),
    "no issuer": ("claims", lambda e: e.token("ES256", iss=None)),
    "our audience": ("audience", lambda e: e.token("ES256", aud="tria-chat")),
    "no audience": ("claims", lambda e: e.token("ES256", aud=None)),
    "expired": ("expired", lambda e: e.token("ES256", exp=at(-120))),
    "no end": ("claims", lambda e: e.token("ES256", exp=None)),
    "good for too long": ("lives_too_long", lambda e: e.token("ES256", exp=at(26 * 3600))),
    "no subject": ("claims", lambda e: e.token("ES256", sub=None)),
    "no contacts": ("claims", lambda e: e.token("ES256", contact_ids=None)),
    "a kind that is none": ("malformed", lambda e: e.token("ES256", kind="owner")),
    "a kind that is a list": ("malformed", lambda e: e.token("ES256", kind=["staff"])),
    "staff without a rank": ("claims", lambda e: e.token("ES256", kind="staff")),
}


@pytest.mark.parametrize("case", FOREIGN_BAD)
async def test_a_token_from_elsewhere_that_is_not_right_opens_nothing(
    credentials: Credentials, elsewhere: Elsewhere, case: str
) -> None:
    await credentials.principal(elsewhere.token("ES256"))
    reason, make = FOREIGN_BAD[case]
    assert await refused(credentials, make(elsewhere)) == reason


async def test_without_a_sign_in_elsewhere_its_tokens_are_worth_nothing(
    settings: Settings, pool: Pool, elsewhere: Elsewhere
) -> None:
    async with open_credentials(settings, pool) as opened:
        assert await refused(opened, elsewhere.token("ES256")) == "algorithm"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"TRIA_JWKS_URL": "https://x.tria.example/keys"}, "TRIA_JWT_ISSUER"),
        ({"TRIA_JWT_AUDIENCE": "x"}, "TRIA_JWKS_URL"),
        ({"TRIA_JWKS_URL": "http://x.tria.example/keys"}, "TRIA_JWKS_URL: .*https"),
        ({"TRIA_JWKS_URL": "file:///etc/passwd"}, "TRIA_JWKS_URL: .*https"),
    ],
    ids=["alone", "without keys", "not by TLS", "a file"],
)
def test_half_a_sign_in_elsewhere_is_a_wrong_setting(
    environment: dict[str, str], changed: dict[str, str], problem: str
) -> None:
    with pytest.raises(SettingsInvalid, match=problem):
        read_settings(environment | changed)


# ---------------------------------------------------------------- API keys


async def a_key(pool: Pool, kind: Kind, told: dict[str, Any], **changes: Any) -> IssuedKey:
    asked = NewKey(kind, told["sub"], told, days=30)
    return await ApiKeys(pool).issue(replace(asked, **changes), "a test")


async def test_an_api_key_names_whom_a_token_would(credentials: Credentials, pool: Pool) -> None:
    issued = await a_key(pool, "customer", claims())
    by_key = await credentials.principal(issued.key)
    assert by_key == await credentials.principal(ours())
    rank = staff_claims(MEI)
    assert (await credentials.principal((await a_key(pool, "staff", rank)).key)).staff == MEI


async def test_an_api_key_has_the_scopes_it_was_issued_with(
    credentials: Credentials, pool: Pool
) -> None:
    issued = await a_key(pool, "customer", claims(), scopes=["threads:read"])
    assert (await credentials.principal(issued.key)).scopes == {"threads:read"}
    service = await a_key(pool, "service", {"sub": "probe"}, scopes=["metrics", "admin"])
    assert (await credentials.principal(service.key)).scopes == {"metrics"}


async def test_an_api_key_that_is_wrong_revoked_or_expired_opens_nothing(
    credentials: Credentials, pool: Pool
) -> None:
    revoked = await a_key(pool, "customer", claims())
    expired = await a_key(pool, "customer", claims())
    await credentials.principal(revoked.key)
    await ApiKeys(pool).revoke(revoked.row["key_id"], "a test")
    assert await refused(credentials, revoked.key) == "key_ended", "at once"
    async with pool.connection() as connection:
        await connection.execute("update api_keys set expires_at = now()")
    assert await refused(credentials, expired.key) == "key_ended"
    head, _, secret = expired.key.partition(".")
    assert await refused(credentials, f"{head}.{secret[::-1]}") == "key_unknown"
    assert await refused(credentials, "tria_nonsense") == "key_unknown"


# ---------------------------------------------------------------- over HTTP


@pytest.fixture(scope="module")
def url(both: Settings, service_url: str) -> Iterator[str]:
    """A service that accepts tokens from elsewhere."""
    with Served(create_app(both)) as served:
        yield served.url


def search(url: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/threads/search", json={}, headers=headers, timeout=30)


async def test_every_kind_of_credential_is_sent_in_either_header(
    url: str, elsewhere: Elsewhere, pool: Pool
) -> None:
    key = (await a_key(pool, "customer", claims())).key
    for credential in (key, ours(), elsewhere.token("RS256")):
        assert search(url, Authorization=f"Bearer {credential}").status_code == 200
        assert search(url, Authorization=f"bearer {credential}").status_code == 200
        assert search(url, **{"x-api-key": credential}).status_code == 200
    assert search(url, Authorization="Bearer x", **{"x-api-key": key}).status_code == 401


async def test_the_clients_of_langgraph_sign_in_with_an_api_key(url: str, pool: Pool) -> None:
    key = (await a_key(pool, "customer", claims(sub="of-a-key"))).key
    async with get_client(url=url, api_key=key) as sdk:
        thread = await sdk.threads.create()
        assert [t["thread_id"] for t in await sdk.threads.search()] == [thread["thread_id"]]
        await sdk.threads.delete(thread["thread_id"])


def test_every_fault_has_the_same_answer_and_is_counted_without_the_credential(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answers, secret = set(), "a-secret-nobody-may-read"
    sent = {
        "nothing_sent": "Basic eDp4",
        "malformed": f"Bearer {secret}",
        "expired": f"Bearer {ours(exp=at(-120))}",
        "key_unknown": f"Bearer tria_0000000000000000.{secret}",
        "signature": f"Bearer {jwt.encode(claims(name=secret), SECRET[::-1], 'HS256')}",
    }
    before = [counted(reason) for reason in sent]
    for authorization in sent.values():
        answer = search(url, Authorization=authorization, **ONE_TRACE)
        answers.add((answer.status_code, answer.text, answer.headers["WWW-Authenticate"]))
    assert len(answers) == 1
    assert [counted(reason) for reason in sent] == [n + 1 for n in before]
    shown = httpx.get(f"{url}/metrics").text
    assert 'tria_sign_in_refused_total{reason="expired"}' in shown
    written = capfd.readouterr()
    for place in (shown, written.out, written.err, str(answers)):
        assert secret not in place


def counted(reason: str) -> float:
    found = REGISTRY.get_sample_value("tria_sign_in_refused_total", {"reason": reason})
    return found or 0.0


def test_while_the_keys_cannot_be_had_nobody_is_called_a_stranger(
    both: Settings, service_url: str, elsewhere: Elsewhere
) -> None:
    elsewhere.answer = Response("down", 503)
    try:
        with Served(create_app(both)) as served:
            answer = search(served.url, Authorization=f"Bearer {elsewhere.token('ES256')}")
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert search(served.url, **headers_of(customer())).status_code == 200
    finally:
        elsewhere.answer = None


# ---------------------------------------------------------------- pages of other sites


ORIGIN = "https://shop.tria.example"


def preflight(url: str, origin: str, method: str = "POST", headers: str = "") -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return httpx.options(f"{url}/threads/search", headers=asked)


@pytest.fixture(scope="module")
def open_url(settings: Settings, service_url: str) -> Iterator[str]:
    changed = {"tria_cors_origins": (ORIGIN, "http://localhost:3000")}
    with Served(create_app(settings.model_copy(update=changed))) as served:
        yield served.url


def test_pages_of_other_sites_are_shut_out_unless_a_setting_names_them(service_url: str) -> None:
    assert "access-control-allow-origin" not in preflight(service_url, ORIGIN).headers
    answer = search(service_url, Origin=ORIGIN, **headers_of(customer()))
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_that_is_named_may_ask_as_the_clients_do(open_url: str) -> None:
    sent = "authorization,content-type,x-api-key,x-auth-scheme,last-event-id,idempotency-key"
    sent += ",prefer"
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = preflight(open_url, ORIGIN, method, sent)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert method in answer.headers["Access-Control-Allow-Methods"]
        assert "access-control-allow-credentials" not in answer.headers
    assert preflight(open_url, ORIGIN, headers="x-other").status_code == 400


def test_a_page_that_is_named_reads_answers_and_errors(open_url: str) -> None:
    for headers in ({}, headers_of(customer())):
        answer = search(open_url, Origin=ORIGIN, **headers)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Origin" in answer.headers["Vary"]
        shown = answer.headers["Access-Control-Expose-Headers"].lower()
        for name in ("content-location", "location", "x-pagination-total", "retry-after"):
            assert name in shown
        assert "ratelimit" in shown


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.tria.example.evil.example",
        "https://evil-shop.tria.example",
        "http://shop.tria.example",
        "https://shop.tria.example:444",
        "https://SHOP.tria.example",
        "http://localhost:3001",
        "null",
    ],
)
def test_an_origin_that_is_only_like_a_named_one_is_shut_out(open_url: str, origin: str) -> None:
    assert preflight(open_url, origin).status_code == 400
    answer = search(open_url, Origin=origin, **headers_of(customer()))
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "origins",
    ["*", "https://*.tria.example", "shop.tria.example", f"{ORIGIN}/", "null", f"{ORIGIN}, *"],
)
def test_a_setting_that_names_no_site_exactly_is_wrong(
    environment: dict[str, str], origins: str
) -> None:
    with pytest.raises(SettingsInvalid, match="TRIA_CORS_ORIGINS"):
        read_settings(environment | {"TRIA_CORS_ORIGINS": origins})


def test_several_origins_stand_in_one_setting(environment: dict[str, str]) -> None:
    given = {"TRIA_CORS_ORIGINS": f" {ORIGIN} ,http://localhost:3000,"}
    found = read_settings(environment | given).tria_cors_origins
    assert found == (ORIGIN, "http://localhost:3000")

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from tests.tools.conftest import Control
from tests.tools.xero.conftest import SECRET
from tests.tools.xero.scripted import Reply, Scripted, tokens
from tools.database import Pool, fetch_all, fetch_one, make_pool, migrate
from tools.embedded.parts import SANDBOX_TENANT
from tools.errors import BackendRejected, BackendUnavailable
from tools.xero.connect import Connecting, OrganisationRefused, SignInInvalid
from tools.xero.oauth import AccountsOffline, Tokens
from tools.xero.sign_in import SCOPES, SignIn, XeroApp

ADMIN, OURS = "admin@tria.example", UUID(SANDBOX_TENANT)
OTHER = uuid4()
CONNECTIONS = [
    {"tenantId": str(OTHER), "tenantType": "ORGANISATION", "tenantName": "Another Pte Ltd"},
    {"tenantId": SANDBOX_TENANT, "tenantType": "ORGANISATION", "tenantName": "Tria Demo"},
    {"tenantId": str(uuid4()), "tenantType": "PRACTICE", "tenantName": "An accountant"},
]


@pytest.fixture
async def books(postgres_url: str) -> AsyncIterator[Pool]:
    """A database of its own: connecting removes the tokens of other organisations."""
    name = f"connect_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute(f"create database {name}".encode())
    url = f"{postgres_url.rsplit('/', 1)[0]}/{name}"
    await migrate(url)
    async with make_pool(url) as pool:
        yield pool


@pytest.fixture
def unconfigured(app: XeroApp) -> XeroApp:
    """Only the app is configured: no organisation, no token."""
    return replace(app, tenant_id=None, first_refresh_token=None)


def connecting(pool: Pool, http: httpx.AsyncClient, app: XeroApp) -> Connecting:
    return Connecting(pool, SignIn(http, app), SECRET, app.tenant_id)


async def consent(http: httpx.AsyncClient, url: str) -> tuple[str, str]:
    """As the admin's browser: agree, and come back with state and code."""
    answer = await http.get(url)
    assert answer.status_code == 302
    brought = parse_qs(urlsplit(answer.headers["Location"]).query)
    return brought["state"][0], brought["code"][0]


Begun = Callable[..., Awaitable[tuple[Connecting, str, Scripted]]]


@pytest.fixture
async def begun(books: Pool, http: httpx.AsyncClient) -> AsyncIterator[Begun]:
    """A sign-in that has begun, on a script, and its state."""
    async with AsyncExitStack() as opened:

        async def begin(app: XeroApp, **answers: Reply) -> tuple[Connecting, str, Scripted]:
            connections = Reply(200, httpx.Response(200, json=CONNECTIONS).content)
            script = Scripted(answers.get("connections", connections))
            token = Reply(200, tokens(access_token="the access token"))
            script.token_answers = [answers.get("token", token)]
            await opened.enter_async_context(script)
            urls = {"token_url": script.token_url, "connections_url": script.connections_url}
            flow = connecting(books, http, replace(app, **urls))
            return flow, state_of(await flow.begin(ADMIN)), script

        yield begin


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


async def test_an_admin_connects_an_organisation(
    books: Pool, http: httpx.AsyncClient, unconfigured: XeroApp, control: Control
) -> None:
    flow = connecting(books, http, unconfigured)
    service = Tokens(books, http, unconfigured, SECRET)
    with pytest.raises(AccountsOffline):
        await service.access()
    state, code = await consent(http, await flow.begin(ADMIN))
    found = await flow.finish(state, code)
    with pytest.raises(AccountsOffline):
        await service.access()
    assert OURS in {o.tenant_id for o in found}
    before = control.calls("POST", "/connect/token")
    chosen = await flow.choose(state, OURS, ADMIN)
    assert chosen.tenant_id == OURS
    assert (await service.access()).tenant_id == SANDBOX_TENANT
    assert control.calls("POST", "/connect/token") == before
    connection = await service.connection()
    assert connection is not None
    assert (connection.connected_by, connection.name) == (ADMIN, chosen.name)
    [noted] = await fetch_all(books, "select * from audit where event = 'xero.connected'")
    assert noted["actor"] == ADMIN
    assert (noted["subject"], noted["detail"]["name"]) == (SANDBOX_TENANT, chosen.name)


async def test_the_consent_asks_for_what_is_needed_and_no_more(begun: Begun, app: XeroApp) -> None:
    flow, _, _ = await begun(app)
    asked = parse_qs(urlsplit(await flow.begin(ADMIN)).query)
    assert asked["scope"][0].split() == list(SCOPES)
    assert asked["redirect_uri"] == [app.redirect_url]
    assert asked["response_type"] == ["code"]
    assert len(asked["state"][0]) > 40


async def test_the_code_goes_to_xero_with_our_address(begun: Begun, app: XeroApp) -> None:
    flow, state, script = await begun(app)
    found = await flow.finish(state, "the code")
    sent = parse_qs(script.token_requests[0].content.decode())
    assert sent == {
        "grant_type": ["authorization_code"],
        "code": ["the code"],
        "redirect_uri": [app.redirect_url],
    }
    assert script.requests[0].headers["Authorization"] == "Bearer the access token"
    assert [o.name for o in found] == ["Another Pte Ltd", "Tria Demo"]


async def test_pending_tokens_and_states_are_sealed(
    books: Pool, begun: Begun, app: XeroApp
) -> None:
    flow, state, _ = await begun(app)
    await flow.finish(state, "the code")
    [row] = await fetch_all(books, "select * from xero_sign_ins")
    assert b"the access token" not in bytes(row["access_token"])
    assert state.encode() not in bytes(row["state"])


async def test_a_state_works_once(begun: Begun, app: XeroApp) -> None:
    flow, state, script = await begun(app)
    await flow.finish(state, "the code")
    with pytest.raises(SignInInvalid):
        await flow.finish(state, "the code")
    assert len(script.token_requests) == 1


async def test_two_browsers_with_one_state_exchange_one_code(begun: Begun, app: XeroApp) -> None:
    flow, state, script = await begun(app)
    found = await asyncio.gather(
        *(flow.finish(state, "the code") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(f, SignInInvalid) for f in found) == 4
    assert len(script.token_requests) == 1


async def test_an_unknown_state_reaches_nobody(begun: Begun, app: XeroApp) -> None:
    flow, _, script = await begun(app)
    with pytest.raises(SignInInvalid):
        await flow.finish("made up", "the code")
    assert not script.token_requests


@pytest.mark.parametrize("step", ["finish", "choose"])
async def test_a_state_ends_after_ten_minutes(
    books: Pool, begun: Begun, app: XeroApp, step: str
) -> None:
    flow, state, _ = await begun(app)
    if step == "choose":
        await flow.finish(state, "the code")
    await fetch_one(books, "update xero_sign_ins set expires_at = now() returning admin")
    with pytest.raises(SignInInvalid):
        await (flow.finish(state, "c") if step == "finish" else flow.choose(state, OURS, ADMIN))
    await flow.begin(ADMIN)
    assert len(await fetch_all(books, "select * from xero_sign_ins")) == 1


async def test_only_the_admin_who_began_chooses(begun: Begun, app: XeroApp) -> None:
    flow, state, _ = await begun(app)
    await flow.finish(state, "the code")
    with pytest.raises(SignInInvalid):
        await flow.choose(state, OURS, "another@tria.example")
    await flow.choose(state, OURS, ADMIN)
    with pytest.raises(SignInInvalid):
        await flow.choose(state, OURS, ADMIN)


async def test_nothing_is_chosen_before_xero_has_answered(begun: Begun, app: XeroApp) -> None:
    flow, state, _ = await begun(app)
    with pytest.raises(SignInInvalid):
        await flow.choose(state, OURS, ADMIN)


# 5.4 case 38
async def test_another_organisation_than_the_configured_one_is_refused(
    books: Pool, begun: Begun, app: XeroApp
) -> None:
    flow, state, _ = await begun(app)
    await flow.finish(state, "the code")
    with pytest.raises(OrganisationRefused):
        await flow.choose(state, OTHER, ADMIN)
    assert not await fetch_all(books, "select * from xero_tokens")
    assert (await flow.choose(state, OURS, ADMIN)).name == "Tria Demo"


async def test_only_what_the_sign_in_opens_can_be_chosen(
    begun: Begun, unconfigured: XeroApp
) -> None:
    flow, state, _ = await begun(unconfigured)
    await flow.finish(state, "the code")
    for wrong in (uuid4(), UUID(str(CONNECTIONS[2]["tenantId"]))):
        with pytest.raises(OrganisationRefused):
            await flow.choose(state, wrong, ADMIN)
    assert (await flow.choose(state, OTHER, ADMIN)).name == "Another Pte Ltd"


async def test_connecting_another_organisation_replaces_the_first(
    books: Pool, begun: Begun, unconfigured: XeroApp
) -> None:
    for tenant in (OTHER, OURS):
        flow, state, _ = await begun(unconfigured)
        await flow.finish(state, "the code")
        await flow.choose(state, tenant, ADMIN)
    [row] = await fetch_all(books, "select * from xero_tokens")
    assert row["tenant_id"] == OURS


async def test_connecting_again_ends_the_offline_mode(
    books: Pool, http: httpx.AsyncClient, app: XeroApp
) -> None:
    wrong = replace(app, first_refresh_token="a token Xero never issued")
    service = Tokens(books, http, wrong, SECRET)
    with pytest.raises(AccountsOffline):
        await service.access()
    flow = connecting(books, http, wrong)
    state, code = await consent(http, await flow.begin(ADMIN))
    await flow.finish(state, code)
    await flow.choose(state, OURS, ADMIN)
    assert (await service.access()).tenant_id == SANDBOX_TENANT


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"token": Reply(400, b'{"error":"invalid_grant"}')}, BackendRejected),
        ({"token": Reply(503)}, BackendUnavailable),
        ({"connections": Reply(503)}, BackendUnavailable),
        ({"connections": Reply(200, b"<html>")}, BackendUnavailable),
        ({"connections": Reply(200, b'[{"tenantId":"x"}]')}, BackendUnavailable),
        ({"connections": Reply(200, b"[7]")}, BackendUnavailable),
        ({"connections": Reply(401)}, BackendUnavailable),
    ],
)
async def test_a_sign_in_that_fails_begins_again(
    begun: Begun, app: XeroApp, answers: dict[str, Reply], error: type[Exception]
) -> None:
    flow, state, _ = await begun(app, **answers)
    with pytest.raises(error):
        await flow.finish(state, "the code")
    with pytest.raises(SignInInvalid):
        await flow.finish(state, "the code")

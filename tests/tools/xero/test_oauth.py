import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from uuid import uuid4

import httpx
import pytest
from psycopg.rows import DictRow

from tests.conftest import SECRET as SERVICE_SECRET
from tests.tools.conftest import Control
from tests.tools.xero.conftest import SECRET, Scene
from tests.tools.xero.scripted import HANGING, Answer, Reply, Scripted, tokens
from tools.database import Pool, fetch_all, fetch_one, make_pool
from tools.embedded.process import free_port
from tools.errors import BackendUnavailable, SettingsInvalid
from tools.xero import sign_in
from tools.xero.oauth import AccountsOffline, Tokens, cipher
from tools.xero.sign_in import XeroApp

REPLICA = """
import asyncio, json, sys
from tools.database import make_pool
from tools.xero.exchange import make_http
from tools.xero.oauth import Tokens
from tools.xero.sign_in import XeroApp

async def main(url, app, secret):
    async with make_pool(url, max_size=4) as pool, make_http() as http:
        tokens = Tokens(pool, http, XeroApp(**json.loads(app)), secret)
        found = await asyncio.gather(*(tokens.access() for _ in range(7)))
    print(json.dumps([access.token for access in found]))

asyncio.run(main(*sys.argv[1:]))
"""
REVOKED = Reply(400, b'{"error":"invalid_grant"}')


@pytest.fixture
async def fresh(app: XeroApp, pool: Pool) -> AsyncIterator[XeroApp]:
    """The app before it was ever connected."""
    fresh = replace(app, tenant_id=str(uuid4()))
    yield fresh
    await fetch_one(
        pool,
        "delete from xero_tokens where tenant_id = %s returning tenant_id",
        [fresh.tenant_id],
    )


def url_of(pool: Pool) -> str:
    assert isinstance(pool.conninfo, str)
    return pool.conninfo


def refreshes(control: Control) -> int:
    return control.calls("POST", "/connect/token")


async def change(pool: Pool, app: XeroApp, changes: str, *values: object) -> None:
    await fetch_one(
        pool,
        f"update xero_tokens set {changes} where tenant_id = %s returning tenant_id",  # noqa: S608
        [*values, app.tenant_id],
    )


async def age(pool: Pool, app: XeroApp, minutes_left: int) -> None:
    await change(pool, app, "expires_at = now() + %s * interval '1 minute'", minutes_left)


async def row_of(pool: Pool, app: XeroApp) -> DictRow:
    row = await fetch_one(pool, "select * from xero_tokens where tenant_id = %s", [app.tenant_id])
    assert row is not None
    return row


async def token_of(tokens: Tokens) -> str:
    return (await tokens.access()).token


async def test_the_first_token_comes_from_the_settings_and_is_kept(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    before = refreshes(control)
    token = await token_of(Tokens(pool, http, fresh, SECRET))
    again = replace(fresh, first_refresh_token=None)
    assert await token_of(Tokens(pool, http, again, SECRET)) == token
    assert refreshes(control) == before + 1


async def test_tokens_are_sealed_in_the_database(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    token = await token_of(Tokens(pool, http, fresh, SECRET))
    assert token.encode() not in bytes((await row_of(pool, fresh))["access_token"])
    with pytest.raises(SettingsInvalid):
        await token_of(Tokens(pool, http, fresh, "another secret"))


def test_nothing_secret_shows_when_the_app_is_printed(app: XeroApp) -> None:
    shown = repr(app)
    assert app.client_id in shown
    assert app.client_secret not in shown
    assert str(app.first_refresh_token) not in shown


@pytest.mark.parametrize(("minutes_left", "refreshed"), [(6, 0), (4, 1), (-1, 1)])
async def test_a_token_is_refreshed_before_it_ends(
    pool: Pool,
    http: httpx.AsyncClient,
    fresh: XeroApp,
    control: Control,
    minutes_left: int,
    refreshed: int,
) -> None:
    tokens = Tokens(pool, http, fresh, SECRET)
    first = await token_of(tokens)
    await age(pool, fresh, minutes_left)
    before = refreshes(control)
    assert (await token_of(tokens) == first) is not bool(refreshed)
    assert refreshes(control) == before + refreshed


async def test_the_rotated_token_is_used_and_not_the_first(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    await token_of(Tokens(pool, http, fresh, SECRET))
    await age(pool, fresh, -1)
    gone = replace(fresh, first_refresh_token="no longer valid")
    assert await token_of(Tokens(pool, http, gone, SECRET))


# 5.4 case 35
async def test_twenty_turns_on_several_replicas_refresh_once(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    before = refreshes(control)
    replicas = [Tokens(pool, http, fresh, SECRET) for _ in range(4)]
    found = await asyncio.gather(*(token_of(replicas[n % 4]) for n in range(20)))
    assert len(set(found)) == 1
    assert refreshes(control) == before + 1


async def test_twenty_turns_of_one_process_need_one_connection_to_refresh(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    async def slowly(_: httpx.Request) -> Reply:
        await asyncio.sleep(0.3)
        return Reply(200, tokens())

    script = Scripted()
    script.token_answers = [slowly]
    async with script, make_pool(url_of(pool), max_size=2) as small:
        one = Tokens(small, http, replace(fresh, token_url=script.token_url), SECRET)
        found = await asyncio.gather(*(token_of(one) for _ in range(20)))
    assert len(set(found)) == 1
    assert len(script.token_requests) == 1


async def test_several_processes_refresh_once(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    await token_of(Tokens(pool, http, fresh, SECRET))
    await age(pool, fresh, -1)
    before = refreshes(control)
    command = [sys.executable, "-c", REPLICA, url_of(pool), json.dumps(asdict(fresh)), SECRET]
    replicas = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    found = [json.loads((await replica.communicate())[0]) for replica in replicas]
    assert [len(tokens) for tokens in found] == [7, 7, 7]
    assert len({token for tokens in found for token in tokens}) == 1
    assert refreshes(control) == before + 1


# 5.4 case 35
async def test_a_new_token_is_stored_before_it_is_used(scene: Scene, pool: Pool) -> None:
    async def look(request: httpx.Request) -> Reply:
        row = await fetch_one(
            pool,
            "select access_token from xero_tokens where tenant_id = %s",
            [request.headers["xero-tenant-id"]],
        )
        assert row is not None
        stored = cipher(SERVICE_SECRET).decrypt(bytes(row["access_token"])).decode()
        assert request.headers["Authorization"] == f"Bearer {stored}"
        return Reply()

    await scene(Scripted(look)).client.get("/Invoices")


# 5.4 case 36
async def test_a_crash_after_the_refresh_leaves_the_old_token_usable(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    tokens = Tokens(pool, http, fresh, SECRET)
    await token_of(tokens)
    await age(pool, fresh, -1)
    old = cipher(SECRET).decrypt(bytes((await row_of(pool, fresh))["refresh_token"])).decode()
    await sign_in.SignIn(http, fresh).refresh(old)  # and then the process is killed
    again = replace(fresh, first_refresh_token=None)
    assert await token_of(Tokens(pool, http, again, SECRET))


async def test_an_answer_that_is_lost_is_asked_for_again_with_the_old_token(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    tokens = Tokens(pool, http, replace(fresh), SECRET)
    await token_of(tokens)
    await age(pool, fresh, -1)
    before = refreshes(control)
    control.fault("POST /connect/token", "drop_after_commit")
    assert await token_of(tokens)
    assert refreshes(control) == before + 2
    assert (await row_of(pool, fresh))["broken_at"] is None


@pytest.mark.parametrize("mode", ["unavailable", "html_error"])
async def test_a_sign_in_that_fails_may_be_tried_again(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control, mode: str
) -> None:
    control.fault("POST /connect/token", mode)
    tokens = Tokens(pool, http, fresh, SECRET)
    with pytest.raises(BackendUnavailable):
        await token_of(tokens)
    assert await token_of(tokens)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>"),
        Reply(200, b"[]"),
        Reply(200, b'{"access_token": "a"}'),
        Reply(200, tokens(expires_in="soon")),
        Reply(400, b'{"error":"invalid_client"}'),
        Reply(429, b""),
        Reply(400, b"<html>"),
        HANGING,
    ],
)
async def test_no_other_answer_ends_the_connection(
    scene: Scene, hasty: httpx.AsyncClient, answer: Answer
) -> None:
    script = Scripted()
    script.token_answers = [answer]
    parts = scene(script, by=hasty)
    with pytest.raises(BackendUnavailable) as caught:
        await parts.client.get("/Invoices")
    assert not isinstance(caught.value, AccountsOffline)
    assert not script.requests
    await parts.client.get("/Invoices")


async def test_a_sign_in_that_is_not_there_is_unavailable(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    away = replace(fresh, token_url=f"http://127.0.0.1:{free_port()}/connect/token")
    with pytest.raises(BackendUnavailable):
        await token_of(Tokens(pool, http, away, SECRET))


# 5.4 case 37
async def test_after_invalid_grant_nobody_asks_again(scene: Scene, pool: Pool) -> None:
    script = Scripted()
    parts = scene(script)
    await parts.client.get("/Invoices")
    tenant = await parts.tokens.tenant()
    await fetch_one(
        pool,
        "update xero_tokens set expires_at = now() where tenant_id = %s returning tenant_id",
        [tenant],
    )
    script.token_answers = [REVOKED, REVOKED]
    for each in (parts, parts, scene(script)):
        with pytest.raises(AccountsOffline, match="connect Xero again"):
            await each.client.get("/Invoices")
    assert len(script.token_requests) == 3, "the first one, the stored one and the configured one"
    assert len(script.requests) == 1
    assert not parts.client.is_up
    found = await parts.tokens.connection()
    assert found is not None
    assert found.broken_at is not None
    assert found.broken_reason == "Xero no longer accepts our refresh token"
    assert not (await parts.status.read()).is_connected
    [noted] = await fetch_all(pool, "select * from audit where subject = %s", [tenant])
    assert (noted["event"], noted["actor"]) == ("xero.disconnected", "tria")


async def test_a_refresh_token_that_never_worked_is_not_tried_twice(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    wrong = replace(fresh, first_refresh_token="a token Xero never issued")
    before = refreshes(control)
    for _ in range(3):
        with pytest.raises(AccountsOffline, match="connect Xero again"):
            await token_of(Tokens(pool, http, wrong, SECRET))
    assert refreshes(control) == before + 1


async def test_another_configured_token_is_tried(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    wrong = replace(fresh, first_refresh_token="a token Xero never issued")
    with pytest.raises(AccountsOffline):
        await token_of(Tokens(pool, http, wrong, SECRET))
    assert await token_of(Tokens(pool, http, fresh, SECRET))
    row = await row_of(pool, fresh)
    assert (row["broken_at"], row["broken_reason"], row["refused"]) == (None, None, None)


async def test_an_app_that_was_never_connected_says_what_to_do(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    unconnected = Tokens(pool, http, replace(fresh, first_refresh_token=None), SECRET)
    with pytest.raises(AccountsOffline, match="XERO_REFRESH_TOKEN"):
        await token_of(unconnected)
    assert await unconnected.connection() is None
    assert not await unconnected.refresh_if_older_than(1)


async def test_tokens_that_xero_forgot_are_replaced_by_the_configured_one(
    scene: Scene, pool: Pool
) -> None:
    script = Scripted(Reply(), Reply(401, b"{}"), Reply())
    parts = scene(script)
    await parts.client.get("/Organisation")
    await fetch_one(
        pool,
        "update xero_tokens set refreshed_at = now() - interval '1 hour' where tenant_id = %s"
        " returning tenant_id",
        [await parts.tokens.tenant()],
    )
    script.token_answers = [REVOKED]
    await parts.client.get("/Organisation")
    assert b"the+first+refresh+token" in script.token_requests[-1].content


async def test_a_new_token_is_not_thrown_away_because_one_call_was_refused(
    scene: Scene,
) -> None:
    script = Scripted(Reply(401, b"insufficient scope"))
    parts = scene(script)
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            await parts.client.get("/Reports/AgedReceivablesByContact")
    assert len(script.token_requests) == 1


async def test_the_daily_refresh_keeps_an_unused_token_alive(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    tokens = Tokens(pool, http, fresh, SECRET)
    await token_of(tokens)
    assert not await tokens.refresh_if_older_than(1)
    await change(pool, fresh, "refreshed_at = now() - interval '25 hours'")
    before = refreshes(control)
    found = await asyncio.gather(*(tokens.refresh_if_older_than(1) for _ in range(3)))
    assert any(found)
    assert refreshes(control) == before + 1
    assert not await tokens.refresh_if_older_than(1)


@pytest.mark.parametrize(("days", "is_ageing"), [(44, False), (46, True)])
async def test_a_token_that_is_not_renewed_is_reported(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, *, days: int, is_ageing: bool
) -> None:
    tokens = Tokens(pool, http, fresh, SECRET)
    await token_of(tokens)
    await change(pool, fresh, "refreshed_at = now() - %s * interval '1 day'", days)
    found = await tokens.connection()
    assert found is not None
    assert (found.refresh_age_days, found.is_ageing) == (days, is_ageing)
    assert found.token_age_s == pytest.approx(days * 86_400, abs=30)

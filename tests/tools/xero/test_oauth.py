import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from graph.clients import xero_app
from graph.settings import Settings
from tests.tools.conftest import Control
from tests.tools.xero.conftest import SECRET
from tools.database import Pool, fetch_one
from tools.embedded.process import free_port
from tools.errors import BackendRejected, BackendUnavailable, SettingsInvalid
from tools.xero.client import XeroClient
from tools.xero.oauth import Tokens, XeroApp, cipher


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


def refreshes(control: Control) -> int:
    return control.calls("POST", "/connect/token")


async def age(pool: Pool, app: XeroApp, minutes_left: int) -> None:
    await fetch_one(
        pool,
        "update xero_tokens set expires_at = now() + %s * interval '1 minute'"
        " where tenant_id = %s returning tenant_id",
        [minutes_left, app.tenant_id],
    )


async def test_the_first_token_comes_from_the_settings_and_is_kept(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    before = refreshes(control)
    token = await Tokens(pool, http, fresh, SECRET).access_token()
    again = replace(fresh, first_refresh_token=None)
    assert await Tokens(pool, http, again, SECRET).access_token() == token
    assert refreshes(control) == before + 1


async def test_tokens_are_sealed_in_the_database(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    token = await Tokens(pool, http, fresh, SECRET).access_token()
    row = await fetch_one(pool, "select * from xero_tokens where tenant_id = %s", [fresh.tenant_id])
    assert row is not None
    assert token.encode() not in bytes(row["access_token"])
    with pytest.raises(SettingsInvalid):
        await Tokens(pool, http, fresh, "another secret").access_token()


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
    first = await tokens.access_token()
    await age(pool, fresh, minutes_left)
    before = refreshes(control)
    assert (await tokens.access_token() == first) is not bool(refreshed)
    assert refreshes(control) == before + refreshed


async def test_the_rotated_token_is_used_and_not_the_first(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    await Tokens(pool, http, fresh, SECRET).access_token()
    await age(pool, fresh, -1)
    gone = replace(fresh, first_refresh_token="no longer valid")
    assert await Tokens(pool, http, gone, SECRET).access_token()


async def test_many_replicas_refresh_once(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    before = refreshes(control)
    replicas = [Tokens(pool, http, fresh, SECRET) for _ in range(6)]
    tokens = await asyncio.gather(*(r.access_token() for r in replicas))
    assert len(set(tokens)) == 1
    assert refreshes(control) == before + 1


async def test_an_answer_that_is_lost_leaves_the_token_usable(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control
) -> None:
    tokens = Tokens(pool, http, fresh, SECRET)
    await tokens.access_token()
    await age(pool, fresh, -1)
    control.fault("POST /connect/token", "drop_after_commit")
    with pytest.raises(BackendUnavailable):
        await tokens.access_token()
    assert await tokens.access_token()


@pytest.mark.parametrize("mode", ["unavailable", "html_error"])
async def test_a_sign_in_that_fails_may_be_tried_again(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, control: Control, mode: str
) -> None:
    control.fault("POST /connect/token", mode)
    tokens = Tokens(pool, http, fresh, SECRET)
    with pytest.raises(BackendUnavailable):
        await tokens.access_token()
    assert await tokens.access_token()


async def test_a_sign_in_that_is_not_there_is_unavailable(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    away = replace(fresh, token_url=f"http://127.0.0.1:{free_port()}/connect/token")
    with pytest.raises(BackendUnavailable):
        await Tokens(pool, http, away, SECRET).access_token()


async def test_a_refused_token_says_to_connect_again(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    wrong = replace(fresh, first_refresh_token="a token Xero never issued")
    with pytest.raises(BackendRejected, match="connect Xero again"):
        await Tokens(pool, http, wrong, SECRET).access_token()


async def test_an_app_that_was_never_connected_says_what_to_set(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp
) -> None:
    unconnected = replace(fresh, first_refresh_token=None)
    with pytest.raises(SettingsInvalid, match="XERO_REFRESH_TOKEN"):
        await Tokens(pool, http, unconnected, SECRET).access_token()


async def test_tokens_that_xero_forgot_are_replaced_by_the_configured_one(
    pool: Pool, http: httpx.AsyncClient, fresh: XeroApp, settings: Settings
) -> None:
    seal = cipher(SECRET).encrypt
    tokens = Tokens(pool, http, fresh, SECRET)
    await tokens.access_token()
    await fetch_one(
        pool,
        "update xero_tokens set access_token = %s, refresh_token = %s,"
        " refreshed_at = now() - interval '1 hour' where tenant_id = %s returning tenant_id",
        [seal(b"forgotten"), seal(b"forgotten too"), fresh.tenant_id],
    )
    books = XeroClient(http, settings.xero_api_url, tokens, xero_app(settings).tenant_id)
    assert (await books.get("/Organisation"))["Organisations"]

"""What the scripted Xero breaks is broken on the network, and in the way its name says."""

import httpx
import pytest

from tests.tools.xero.scripted import (
    CUT,
    CUT_BY_RESET,
    DROPPED,
    ENDLESS,
    HALF_READ,
    HANGING,
    HANGING_HALFWAY,
    NO_HEADERS,
    NO_HTTP,
    RESET,
    Broken,
    Obstacle,
    Reply,
    Scripted,
    no_connection_is_free,
    nobody_accepts,
    nobody_listens,
)

LARGE = b" " * 2**23  # more than the buffers between two sockets hold


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DROPPED, httpx.RemoteProtocolError),
        (CUT, httpx.RemoteProtocolError),
        (NO_HTTP, httpx.RemoteProtocolError),
        (NO_HEADERS, httpx.RemoteProtocolError),
        (RESET, httpx.ReadError),
        (CUT_BY_RESET, httpx.ReadError),
        (HALF_READ, httpx.ReadError),
        (HANGING, httpx.ReadTimeout),
        (HANGING_HALFWAY, httpx.ReadTimeout),
    ],
)
async def test_an_answer_that_is_broken(
    hasty: httpx.AsyncClient, answer: Broken, error: type[Exception]
) -> None:
    async with Scripted(answer) as script:
        with pytest.raises(httpx.TransportError) as caught:
            await hasty.post(script.url, content=LARGE)
        assert caught.type is error
        assert [len(r.content) for r in script.requests] == [len(LARGE) if answer.is_read else 0]


async def test_an_answer_without_an_end(hasty: httpx.AsyncClient) -> None:
    async with Scripted(ENDLESS) as script, hasty.stream("GET", script.url) as answer:
        pieces = answer.aiter_raw()
        assert [await anext(pieces) for _ in range(3)]


@pytest.mark.parametrize(
    ("obstacle", "error"),
    [
        (nobody_listens, httpx.ConnectError),
        (nobody_accepts, httpx.ConnectTimeout),
        (no_connection_is_free, httpx.PoolTimeout),
    ],
)
async def test_an_obstacle(
    hasty: httpx.AsyncClient, obstacle: Obstacle, error: type[Exception]
) -> None:
    async with Scripted() as script:
        await hasty.get(script.url)
        async with obstacle(script, hasty):
            with pytest.raises(httpx.TransportError) as caught:
                await hasty.get(script.url)
        assert caught.type is error
        await hasty.get(script.url)
        assert len(script.requests) == 2


async def test_what_an_act_raises_is_not_lost(hasty: httpx.AsyncClient) -> None:
    async def act(_: httpx.Request) -> Reply:
        raise LookupError

    script = Scripted(act)
    script.open()
    with pytest.raises(httpx.RemoteProtocolError):
        await hasty.get(script.url)
    with pytest.raises(LookupError):
        await script.close()

"""Whether the fault campaign sees what clients must never see."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from evals.bench.fault.history import Turn
from evals.bench.fault.overheard import Overheard
from tests.conftest import Served

LOG = ["5-0", "5-1", "6-0"]
WIRE = (
    b': heartbeat\r\n\r\nevent: values\r\ndata: {"a": 1}\r\nid: 5-0\r\n\r\n'
    b'event: values\r\ndata: {"a": ": 2"}\r\n\r\n: reconnect\r\nretry: 500\r\n\r\n'
    b'event: end\r\ndata: null\r\nid: 5-0\r\n\r\nevent: cut\r\ndata: {"a'
)


def seen(*ids: str | None) -> Turn:
    turn = Turn("thread", "message", "text")
    for event_id in ids:
        turn.see("values", {}, event_id)
    return turn


@pytest.mark.parametrize(
    ("ids", "is_whole"),
    [
        (LOG, True),
        (["1-0", "4-9", *LOG], True),
        (["5-0", None, "5-1", "6-0"], True),
        (["5-0", "5-1", None], True),
        (["5-0", "6-0"], False),
        (["5-1", "6-0"], False),
        (["5-0", "5-1"], False),
        (["5-0", None], True),
        (["5-0", "6-0", None], False),
        (["5-0", "5-0", "5-1", "6-0"], False),
        ([*LOG, "6-1"], False),
    ],
)
def test_what_a_client_missed_or_got_twice_is_seen(
    ids: list[str | None], *, is_whole: bool
) -> None:
    assert (seen(*ids).missed(LOG) is None) is is_whole


def test_an_event_that_came_twice_is_out_of_order() -> None:
    assert seen(*LOG).is_in_order
    assert not seen("5-0", "5-0").is_in_order
    assert seen(None, "5-0", None, None).is_in_order


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_each_event_is_heard_with_its_own_id(size: int) -> None:
    app = FastAPI()

    @app.get("/")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(WIRE), size):
                yield WIRE[at : at + size]

        return StreamingResponse(pieces(), media_type="text/event-stream")

    heard: list[tuple[str, Any, str | None]] = []
    with Served(app) as served:
        async with httpx.AsyncClient(transport=Overheard(lambda *e: heard.append(e))) as http:
            assert (await http.get(served.url)).content == WIRE
    assert heard == [
        ("values", {"a": 1}, "5-0"),
        ("values", {"a": ": 2"}, None),
        ("end", None, "5-0"),
    ]

"""Whether the fault campaign sees what clients must never see."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from evals.bench.fault.history import Turn, content_of
from evals.bench.fault.overheard import Overheard
from tests.conftest import Served

IDS = ["5-0", "5-1", "6-0"]
LOG = {each: content_of("values", {"at": each}) for each in IDS}
WIRE = (
    b': heartbeat\r\n\r\nevent: values\r\ndata: {"a": 1}\r\nid: 5-0\r\n\r\n'
    b'event: values\r\ndata: {"a": ": 2"}\r\n\r\n: reconnect\r\nretry: 500\r\n\r\n'
    b'event: end\r\ndata: null\r\nid: 5-0\r\n\r\nevent: cut\r\ndata: {"a'
)


def seen(*ids: str) -> Turn:
    """The client of a turn; what it got without an id has brackets."""
    turn = Turn("thread", "message", "text")
    for each in ids:
        is_logged = not each.startswith("(")
        turn.see("values", {"at": each.strip("()")}, each if is_logged else None)
    return turn


@pytest.mark.parametrize(
    ("ids", "is_whole"),
    [
        ("5-0 5-1 6-0", True),
        ("1-0 4-9 5-0 5-1 6-0", True),
        ("5-0 (state) 5-1 6-0", True),
        ("5-0 (5-1) 6-0", True),
        ("5-0 (state)", True),
        ("5-0 6-0", False),
        ("5-1 6-0", False),
        ("5-0 5-1", False),
        ("5-0 6-0 (state)", False),
        ("5-0 5-1 6-0 6-1", False),
    ],
)
def test_what_a_client_missed_is_seen(ids: str, *, is_whole: bool) -> None:
    assert (seen(*ids.split()).missed(LOG) is None) is is_whole


def test_who_asked_for_nothing_earlier_has_not_missed_it() -> None:
    late = Turn("thread", "message", "text")
    late.come_late()
    late.see("values", {}, "5-1")
    late.come_late()
    assert "not ['6-0 values']" in (late.missed(LOG) or "")
    late.see("values", {}, "6-0")
    assert late.missed(LOG) is None


def test_an_event_that_came_twice_is_out_of_order() -> None:
    assert seen(*IDS).is_in_order
    assert not seen("5-0", "5-0").is_in_order
    assert seen("(a)", "5-0", "(a)", "(a)").is_in_order


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
    late: list[int] = []
    with Served(app) as served:
        overheard = Overheard(lambda *e: heard.append(e), lambda: late.append(len(heard)))
        async with httpx.AsyncClient(transport=overheard) as http:
            first = await http.get(served.url, headers={"Last-Event-ID": "-1"})
            assert first.content == WIRE
            await http.get(served.url)
    assert late == [3]
    assert heard == 2 * [
        ("values", {"a": 1}, "5-0"),
        ("values", {"a": ": 2"}, None),
        ("end", None, "5-0"),
    ]

"""Streams as clients read them: joined anywhere, cut anywhere, on any replica."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from api.app import create_app
from api.streaming import Reading
from api.thread_streams import _begun, _run_at
from graph.clients import Clients, connect_clients
from graph.settings import Settings
from tests.api.test_approvals import an_order_that_waits, desk, told
from tests.conftest import Served, customer, headers_of
from tools.actions.desk import ApprovalDesk
from tools.events import END, START, EventLog, make_redis

__all__ = ["desk"]  # a fixture

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}
MODES = ["values", "messages-tuple", "updates", "custom"]
PATIENCE = 40


class Replica:
    """One of two services on the same parts, in a thread of this process."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.served = Served(self.app)

    @property
    def clients(self) -> Clients:
        found: Clients = self.app.state.clients
        return found


@pytest.fixture
def replicas(settings: Settings, service_url: str) -> Iterator[tuple[Replica, Replica]]:
    with ExitStack() as stack:
        found = Replica(settings), Replica(settings)
        for replica in found:
            stack.enter_context(replica.served)
        yield found


async def ask(http: httpx.AsyncClient, thread: str, **changed: Any) -> tuple[str, str]:
    """A whole stream; its text, and its run's address."""
    body = {
        "assistant_id": "tria",
        "input": QUESTION,
        "stream_mode": MODES,
        "stream_resumable": True,
    }
    answer = await http.post(f"/threads/{thread}/runs/stream", json=body | changed)
    assert answer.status_code == 200, answer.text
    return answer.text, answer.headers["content-location"]


async def new_thread(http: httpx.AsyncClient) -> str:
    thread: str = (await http.post("/threads", json={})).json()["thread_id"]
    return thread


def events(text: str) -> list[str]:
    return [e for e in text.split("\r\n\r\n") if e and not e.startswith(":")]


async def lines_of(stream: httpx.Response) -> AsyncIterator[str]:
    async with asyncio.timeout(PATIENCE):
        async for line in stream.aiter_lines():
            yield line


async def test_a_thread_is_followed_run_after_run(http: httpx.AsyncClient) -> None:
    thread = await new_thread(http)
    told: list[dict[str, Any]] = []
    ids: list[str] = []
    runs: list[str] = []
    async with http.stream("GET", f"/threads/{thread}/stream?stream_mode=run_modes") as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        runs.append((await ask(http, thread))[1].rsplit("/", 1)[1])
        async for line in lines_of(stream):
            if line.startswith("id: "):
                ids.append(line.removeprefix("id: "))
            if line.startswith("data: ") and '"run_id"' in line and '"messages"' not in line:
                told.append(json.loads(line.removeprefix("data: ")))
            if '"run_done"' in line and len(runs) == 1:
                runs.append((await ask(http, thread))[1].rsplit("/", 1)[1])
            elif told and told[-1] == {"status": "run_done", "run_id": runs[-1]} and not line:
                break
    begun = [t["run_id"] for t in told if "attempt" in t]
    assert begun == runs
    assert [t["run_id"] for t in told if "status" in t] == runs
    assert len(set(ids)) == len(ids)


async def test_a_thread_stream_is_resumed_after_any_event(http: httpx.AsyncClient) -> None:
    thread = await new_thread(http)
    for _ in range(2):
        await ask(http, thread)
    whole = await _until_done(http, thread, "-1", 2)
    ids = [e.rsplit("id: ", 1)[1] for e in whole]
    cuts = (0, len(whole) // 3, len(whole) - 2)
    for cut in (*cuts, next(i for i, e in enumerate(whole) if "run_done" in e)):
        rest = await _until_done(http, thread, ids[cut], _done(whole[cut + 1 :]))
        assert rest == whole[cut + 1 :]


async def test_a_run_that_begins_while_a_client_comes_is_followed(
    settings: Settings, service_url: str
) -> None:
    redis = make_redis(settings.redis_url.get_secret_value())
    log, thread_id, run_id = EventLog(redis), uuid4(), uuid4()
    clients = cast(Clients, SimpleNamespace(events=log))
    under_way, place = await _run_at(clients, thread_id, "")
    assert under_way is None
    await log.begin(thread_id, run_id)
    async with asyncio.timeout(PATIENCE), aclosing(_begun(clients, thread_id, place)) as begun:
        assert (await anext(begun)).data == str(run_id)
    await log.aclose()
    await redis.aclose()


async def test_a_turn_that_goes_on_after_a_decision_adds_nothing_to_its_stream(
    sdk: LangGraphClient, http: httpx.AsyncClient, desk: ApprovalDesk
) -> None:
    thread, card = await an_order_that_waits(sdk)
    before = await _until_done(http, thread, "-1", 2)
    [waiting, _] = await sdk.runs.list(thread)
    location = f"/threads/{thread}/runs/{waiting['run_id']}/stream"
    async with http.stream(
        "GET", f"/threads/{thread}/stream", headers={"Last-Event-ID": _id_of(before[-1])}
    ) as stream:
        assert await desk.decide(UUID(card["action_id"]), "Aisha", approved=True, reason="")
        await told(sdk, thread, 5)
        text = ""
        async for line in lines_of(stream):
            text += line
            if "run_done" in line:
                break
    assert waiting["run_id"] not in text
    assert (await _until_done(http, thread, "-1", 3))[: len(before)] == before
    joined = await http.get(location, headers={"Last-Event-ID": "-1"})
    assert joined.text.count("event: metadata") == 1


def _id_of(event: str) -> str:
    return event.rsplit("id: ", 1)[1]


def _done(found: list[str]) -> int:
    return sum("run_done" in event for event in found)


async def _until_done(http: httpx.AsyncClient, thread: str, after: str, count: int) -> list[str]:
    """The events of a thread's stream up to the end of so many runs."""
    text = ""
    headers = {"Last-Event-ID": after}
    async with http.stream("GET", f"/threads/{thread}/stream", headers=headers) as stream:
        async with asyncio.timeout(PATIENCE):
            async for piece in stream.aiter_text():
                text += piece
                if _done(events(text)) == count and text.endswith("\r\n\r\n"):
                    break
    return events(text)


@pytest.mark.parametrize("after", ["x", "1", "1-1.", "1-1.2-2.x"])
async def test_a_place_in_a_thread_that_is_none_is_refused(
    http: httpx.AsyncClient, after: str
) -> None:
    thread = await new_thread(http)
    answer = await http.get(f"/threads/{thread}/stream", headers={"Last-Event-ID": after})
    assert answer.status_code == 422


async def test_nobody_else_reads_a_thread(http: httpx.AsyncClient, service_url: str) -> None:
    thread = await new_thread(http)
    url = f"{service_url}/threads/{thread}/stream"
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(url)).status_code == 401
        foreign = await stranger.get(url, headers=headers_of(customer(1)))
    assert foreign.status_code == 404


async def test_the_other_replica_streams_the_same(
    replicas: tuple[Replica, Replica],
) -> None:
    one, other = (
        httpx.AsyncClient(base_url=r.served.url, headers=headers_of(customer()), timeout=PATIENCE)
        for r in replicas
    )
    async with one, other:
        thread = await new_thread(one)
        body = {"assistant_id": "tria", "input": QUESTION, "stream_mode": MODES}
        made = await one.post(f"/threads/{thread}/runs", json=body | {"stream_resumable": True})
        location = made.headers["content-location"]
        first = {"Last-Event-ID": "-1"}
        texts = await asyncio.gather(
            *(each.get(f"{location}/stream", headers=first) for each in (one, other, other))
        )
        found = [events(text.text) for text in texts]
        assert found[0] == found[1] == found[2]
        assert found[0][0].startswith("event: metadata")
        for cut in (0, len(found[0]) - 2):
            after = {"Last-Event-ID": found[0][cut].rsplit("id: ", 1)[1]}
            rest = await other.get(f"{location}/stream", headers=after)
            assert events(rest.text) == found[0][cut + 1 :]


async def test_a_lost_log_is_replaced_by_the_state(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    thread = await new_thread(http)
    text, location = await ask(http, thread)
    last = events(text)[1].rsplit("id: ", 1)[1]
    await _forget(settings, location)
    rest = await http.get(f"{location}/stream", headers={"Last-Event-ID": last})
    [shown] = events(rest.text)
    assert shown.startswith("event: values")
    assert [m["type"] for m in json.loads(shown.split("data: ", 1)[1])["messages"]] == [
        "human",
        "ai",
    ]


@pytest.mark.parametrize("has_seen", [False, True], ids=["nothing", "all-but-the-last"])
async def test_who_comes_between_the_answer_and_its_end_in_the_log_misses_nothing(
    http: httpx.AsyncClient, settings: Settings, *, has_seen: bool
) -> None:
    text, location = await ask(http, await new_thread(http))
    ids = [event.rsplit("id: ", 1)[1] for event in events(text)]
    after, rest = (ids[-2], ids[-1:]) if has_seen else (START, ids)
    thread_id, run_id = (UUID(location.split("/")[n]) for n in (2, 4))
    redis: Any = make_redis(settings.redis_url.get_secret_value())
    [(end_id, end)] = await redis.xrevrange(f"run:{run_id}:events", count=1)
    await redis.xdel(f"run:{run_id}:events", end_id)
    async with connect_clients(settings) as clients:
        run = await clients.runs.get(run_id, thread_id)
        reading = Reading(clients, thread_id, run_id, after).events(run)
        first = asyncio.ensure_future(anext(reading))
        await asyncio.wait({first}, timeout=0.3)
        assert not first.done()
        await redis.xadd(f"run:{run_id}:events", end)
        found = [(await first).event_id, *[event.event_id async for event in reading]]
    await redis.aclose()
    assert found[:-1] == rest  # and the END


async def test_who_comes_too_late_without_a_place_sees_what_it_came_to(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    text, location = await ask(http, await new_thread(http))
    [shown] = events((await http.get(f"{location}/stream")).text)
    last = events(text)[-1].rsplit("\r\nid: ", 1)[0]
    assert shown.startswith("event: values")
    assert json.loads(shown.split("data: ")[1]) == json.loads(last.split("data: ")[1])
    thread_id, run_id = (UUID(location.split("/")[n]) for n in (2, 4))
    async with connect_clients(settings) as clients:
        running = {"status": "running"}  # as it was when this one was let in
        reading = Reading(clients, thread_id, run_id, None).events(running)
        assert [event.name async for event in reading] == ["values", END]


async def test_a_thread_without_a_place_tells_nothing_of_what_is_over(
    http: httpx.AsyncClient,
) -> None:
    thread = await new_thread(http)
    await ask(http, thread)
    text = ""
    async with http.stream("GET", f"/threads/{thread}/stream") as stream:
        asking = asyncio.create_task(ask(http, thread))
        async for line in lines_of(stream):
            text += f"{line}\r\n"
            if "run_done" in line:
                break
        _, location = await asking
    runs = set(re.findall(r'"run_id":\s*"([^"]+)"', text))
    assert runs == {location.rsplit("/", 1)[1]}


async def _forget(settings: Settings, location: str) -> None:
    redis = make_redis(settings.redis_url.get_secret_value())
    run = UUID(location.rsplit("/", 1)[1])
    await redis.delete(*await redis.keys(f"run:{run}:*"))
    await redis.aclose()


async def test_a_drained_replica_sends_its_streams_to_another_one(
    replicas: tuple[Replica, Replica],
) -> None:
    leaving, staying = replicas
    port = staying.served.port
    async with (
        Switch(leaving.served.port) as switch,
        get_client(
            url=f"http://127.0.0.1:{switch.port}", api_key=None, headers=headers_of(customer())
        ) as sdk,
    ):
        thread = (await sdk.threads.create())["thread_id"]
        run_id = None
        seen: list[str] = []
        async with asyncio.timeout(PATIENCE):
            async for part in sdk.runs.stream(
                thread, "tria", input=QUESTION, stream_mode="updates", stream_resumable=True
            ):
                if part.event == "metadata" and run_id is None:
                    run_id = part.data["run_id"]
                    switch.target = port
                    asyncio.run_coroutine_threadsafe(
                        leaving.clients.events.drain(), _loop_of(leaving)
                    )
                seen += [str(part.id)] if part.event == "updates" else []
        assert len(seen) == len(set(seen)) > 3
        assert seen == sorted(seen)
        whole = [
            str(part.id)
            async for part in sdk.runs.join_stream(thread, str(run_id), last_event_id="-1")
            if part.event == "updates"
        ]
        assert seen == whole


def _loop_of(replica: Replica) -> asyncio.AbstractEventLoop:
    ticking = replica.clients.events._hub._ticking
    assert ticking
    return ticking.get_loop()


class Switch:
    """A port that leads to one replica, then to another."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0

    async def __aenter__(self) -> "Switch":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pass(reader, here), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


def test_a_client_that_takes_nothing_holds_nobody_up(service_url: str) -> None:
    port = int(service_url.rsplit(":", 1)[1])
    who = headers_of(customer())
    with httpx.Client(base_url=service_url, headers=who, timeout=PATIENCE) as http:
        thread = http.post("/threads", json={}).json()["thread_id"]
        deaf = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        lines = "".join(f"{k}: {v}\r\n" for k, v in who.items())
        for each in deaf:
            each.send(f"GET /threads/{thread}/stream HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        body = {"assistant_id": "tria", "input": QUESTION, "stream_mode": MODES}
        assert "event: values" in http.post(f"/threads/{thread}/runs/stream", json=body).text
        for each in deaf:
            each.close()

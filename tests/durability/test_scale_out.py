"""Replicas behind the proxy: one dies, one leaves, all are replaced, and nobody loses a word."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
import redis
from langgraph_sdk import get_sync_client

from evals.bench.fault.cluster import Cluster, Replica
from tests.durability.conftest import whole
from tests.waiting import wait_until

OWNER = "select owner from runs where run_id = %s and status = 'running'"
SLOW_SECONDS = 2.5
QUESTION: Any = {"messages": [{"role": "user", "content": "which days do you deliver?"}]}

# The SDK says so whenever it comes again, which is what is looked at here.
pytestmark = pytest.mark.filterwarnings("ignore:Request failed", "ignore:Reconnecting without")


def open_thread(client: httpx.Client) -> str:
    thread: str = client.post("/threads", json={}).raise_for_status().json()["thread_id"]
    return thread


def message(text: str) -> dict[str, Any]:
    return {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": text}]},
        "stream_mode": ["values", "messages-tuple", "custom"],
        "stream_resumable": True,
    }


def slow_turn(cluster: Cluster, client: httpx.Client) -> tuple[str, str, Replica]:
    """A turn in a slow step: its thread, its run, and the replica that works on it."""
    with redis.Redis.from_url(cluster.redis_url) as kept:
        kept.flushall()  # so that it has to ask Xero
    control = cluster.variables["XERO_API_URL"].removesuffix("/xero") + "/control/faults"
    slow = {"operation": "GET /Invoices", "mode": "slow", "seconds": SLOW_SECONDS}
    httpx.post(control, json=slow).raise_for_status()
    thread = open_thread(client)
    body = message("what do I owe?")
    run = client.post(f"/threads/{thread}/runs", json=body).raise_for_status().json()["run_id"]
    owners: list[str] = []

    def is_owned() -> bool:
        with psycopg.connect(cluster.database_url) as connection:
            owners.extend(row[0] for row in connection.execute(OWNER, [run]).fetchall())
        return bool(owners)

    wait_until(is_owned)
    [owner] = [r for r in cluster.replicas if f":{r.pid}:" in owners[0]]
    return thread, run, owner


def status_of(replica: Replica, path: str) -> int:
    return httpx.get(f"http://127.0.0.1:{replica.port}{path}", timeout=5).status_code


def ids_of(stream: str) -> list[str]:
    return [line.removeprefix("id: ") for line in stream.splitlines() if line.startswith("id: ")]


def test_a_replica_that_leaves_says_so_first_and_ends_in_time(cluster: Cluster) -> None:
    leaving = cluster.replicas[0]
    leaving.send(signal.SIGTERM)
    wait_until(lambda: status_of(leaving, "/health/ready") == 503)
    assert status_of(leaving, "/health/live") == 200  # requests on their way are answered
    wait_until(lambda: not leaving.is_alive, 20)


def handovers(cluster: Cluster, run: str) -> int:
    with psycopg.connect(cluster.database_url) as connection:
        found = connection.execute("select attempts - strikes from runs where run_id = %s", [run])
        [count] = found.fetchone() or [-1]
    return int(count)


def reads(cluster: Cluster) -> int:
    """How often Xero was asked for invoices."""
    control = cluster.variables["XERO_API_URL"].removesuffix("/xero") + "/control/requests"
    rows = httpx.get(control).json()
    return sum(r["count"] for r in rows if r["method"] == "GET" and "Invoices" in r["path"])


def joined(cluster: Cluster, thread: str, run: str) -> Any:
    """The values of a run, through the client that comes again when it is sent off."""
    with get_sync_client(url=cluster.url, api_key=None, headers=cluster.sign_in(0)) as client:
        return client.runs.join(thread, run)


def test_the_step_in_flight_ends_and_another_replica_goes_on_after_it(
    cluster: Cluster, client: httpx.Client
) -> None:
    asked = [reads(cluster)]
    for leaves in (False, True):
        thread, run, owner = slow_turn(cluster, client)
        if leaves:
            owner.send(signal.SIGTERM)
        values = joined(cluster, thread, run)
        assert "You owe" in values["messages"][-1]["content"]
        assert [m["type"] for m in values["messages"]] == ["human", "ai"]
        assert handovers(cluster, run) == (1 if leaves else 0)
        asked.append(reads(cluster))
    assert asked[2] - asked[1] == asked[1] - asked[0] > 0  # a finished step is not done again


def read_to_its_end(stream: httpx.Response, on_first: Callable[[], None]) -> str:
    """What came until the connection ended: one that a replica leaves behind is broken off."""
    text = ""
    with contextlib.suppress(httpx.RemoteProtocolError):
        for chunk in stream.iter_text():
            if not text:
                on_first()
            text += chunk
    return text


def test_a_stream_at_a_replica_that_leaves_is_sent_off_and_goes_on_at_another(
    cluster: Cluster, client: httpx.Client
) -> None:
    thread, run, owner = slow_turn(cluster, client)
    [other, *_] = [r for r in cluster.replicas if r is not owner]
    location = f"/threads/{thread}/runs/{run}/stream"
    with httpx.Client(headers=client.headers, timeout=30) as direct:
        here = f"http://127.0.0.1:{owner.port}{location}"
        with direct.stream("GET", here, headers={"Last-Event-ID": "-1"}) as stream:
            said = read_to_its_end(stream, lambda: owner.send(signal.SIGTERM))
        before = ids_of(said)
        elsewhere = f"http://127.0.0.1:{other.port}{location}"
        rest = direct.get(elsewhere, headers={"Last-Event-ID": before[-1]}).text
        everything = direct.get(elsewhere, headers={"Last-Event-ID": "-1"}).text
    assert "You owe" not in said
    assert "retry: " in said
    assert "You owe" in rest
    assert before + ids_of(rest) == ids_of(everything)


def test_a_dead_replica_costs_nobody_a_request(cluster: Cluster, client: httpx.Client) -> None:
    thread = open_thread(client)
    cluster.replicas[1].send(signal.SIGKILL)
    for _ in range(40):
        assert client.get(f"/threads/{thread}").status_code == 200
    for _ in range(20):
        assert client.post("/threads", json={}).status_code == 200


def test_a_stopped_replica_is_left_out(cluster: Cluster, client: httpx.Client) -> None:
    thread = open_thread(client)
    stopped = cluster.replicas[2]
    stopped.send(signal.SIGSTOP)
    try:
        time.sleep(4)  # the proxy needs 2.5 to see it
        for _ in range(30):
            assert client.post(f"/threads/{thread}/history", json={}).status_code == 200
    finally:
        stopped.send(signal.SIGCONT)


def answers(values: Any) -> int:
    """How many answers stand after the last question."""
    kinds = [message["type"] for message in values["messages"]]
    return kinds[::-1].index("human")


@contextmanager
def talking(cluster: Cluster) -> Iterator[list[int]]:
    """Customers who ask and wait for answers, all the while; how many answers each message got."""
    seen: list[int] = []
    is_over = threading.Event()

    def talk(number: int) -> None:
        headers = cluster.sign_in(number)
        with get_sync_client(url=cluster.url, api_key=None, headers=headers) as client:
            thread = client.threads.create()["thread_id"]
            while not is_over.is_set():
                values = client.runs.wait(thread, "tria", input=QUESTION)
                seen.append(answers(values))

    talkers = [threading.Thread(target=talk, args=[n]) for n in range(3)]
    for talker in talkers:
        talker.start()
    try:
        yield seen
    finally:
        is_over.set()
        for talker in talkers:
            talker.join(90)


def test_all_replicas_are_replaced_under_load_and_every_message_is_answered(
    cluster: Cluster,
) -> None:
    with talking(cluster) as seen:
        for replica in cluster.replicas:
            before = len(seen)
            wait_until(lambda before=before: len(seen) > before + 2)  # type: ignore[misc]
            replica.send(signal.SIGTERM)
            wait_until(lambda replica=replica: not replica.is_alive)  # type: ignore[misc]
            whole(cluster)
    assert len(seen) > 6
    assert set(seen) == {1}


def test_the_proxy_takes_a_new_configuration_without_cutting_a_stream(
    cluster: Cluster, client: httpx.Client
) -> None:
    thread, run, owner = slow_turn(cluster, client)
    location = f"/threads/{thread}/runs/{run}/stream"
    with client.stream("GET", location) as stream:
        chunks = stream.iter_text()
        first = next(chunks)
        staying = f"127.0.0.1:{owner.port}"
        cluster.proxy.reload([staying])
        assert "You owe" in first + "".join(chunks)
    cluster.proxy.reload(cluster.addresses)
    assert client.get(f"/threads/{thread}").status_code == 200


def test_while_postgres_is_away_messages_are_refused_and_the_state_of_things_is_still_shown(
    cluster: Cluster, client: httpx.Client
) -> None:
    thread = open_thread(client)
    cluster.wires["postgres"].set("refuse")
    assert cluster.wires["postgres"].cut() > 0
    refused = [client.post(f"/threads/{thread}/runs", json=message("what do I owe?"))]
    wait_until(lambda: all(status_of(r, "/health/ready") == 503 for r in cluster.replicas))
    refused.append(client.post(f"/threads/{thread}/runs", json=message("what do I owe?")))
    for answer in refused:
        assert answer.status_code == answer.json()["status"] == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Try again" in answer.json()["detail"]
    assert client.get("/health").json()["parts"]["postgres"]["status"] == "fail"
    cluster.wires["postgres"].set("pass")
    whole(cluster)
    values = client.post(f"/threads/{thread}/runs/wait", json=message("what do I owe?")).json()
    assert [m["type"] for m in values["messages"]] == ["human", "ai"]

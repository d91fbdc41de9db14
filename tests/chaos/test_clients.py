"""Clients that leave, or never finish what they begin to say."""

import contextlib
import socket
import statistics
import time

import httpx

from tests.chaos.conftest import Stand, answered, open_thread, turn

OWED = "what do I owe?"
LORIS = 300


# T23
def test_a_client_that_leaves_at_any_event_changes_nothing_for_its_turn(stand: Stand) -> None:
    with stand.client() as client:
        thread = open_thread(client)
        whole = client.post(f"/threads/{thread}/runs/stream", json=turn(OWED)).text
        events = whole.count("event: ")
        assert events > 3
        for last in range(events):
            leave_after(client, thread, last)
        found = client.get(f"/threads/{thread}/state").json()["values"]["messages"]
        assert [m["type"] for m in found] == ["human", "ai"] * (events + 1)
        assert len({m["content"] for m in found if m["type"] == "ai"}) == 1


def leave_after(client: httpx.Client, thread: str, last: int) -> None:
    body = turn(OWED) | {"on_disconnect": "continue"}
    with client.stream("POST", f"/threads/{thread}/runs/stream", json=body) as stream:
        location = stream.headers["content-location"]
        seen = (line for line in stream.iter_lines() if line.startswith("event: "))
        for _ in zip(range(last), seen, strict=False):
            pass
    assert client.get(f"{location}/join").status_code == 200


# T25
def test_hundreds_that_never_end_their_headers_hold_nobody_up(stand: Stand) -> None:
    port = int(stand.url.rsplit(":", 1)[1])
    with stand.client() as client, contextlib.ExitStack() as stack:
        thread = open_thread(client)
        answered(client, OWED, thread)
        before = seconds_of_turns(client, thread)
        for _ in range(LORIS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            slow.sendall(b"POST /threads HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert seconds_of_turns(client, thread) < 2 * before + 1


def seconds_of_turns(client: httpx.Client, thread: str) -> float:
    taken = []
    for _ in range(4):
        began = time.monotonic()
        answered(client, OWED, thread)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)

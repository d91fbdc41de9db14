"""Conversations as a whole: made, found, changed, copied, pruned, deleted."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from api.presentation import ASSISTANT_ID
from tests.api.conftest import colleague, staff_headers
from tests.api.test_conversations import CASUAL_ORDER, books
from tests.api.test_states import OWED, ROUND, a_thread, first_seen, history, kinds, run, say, state
from tests.conftest import customer, headers_of

NEW = {
    *("thread_id", "created_at", "updated_at", "state_updated_at"),
    *("metadata", "status", "config", "values"),
}
MARKS = {"graph_id": "tria", "assistant_id": ASSISTANT_ID}

Thread = dict[str, Any]


@pytest.fixture
def mark() -> str:
    """What the threads of this test are found by."""
    return uuid4().hex


@pytest.fixture
async def operator(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The admin, who may operate."""
    async with httpx.AsyncClient(
        base_url=service_url, headers=staff_headers(colleague(-1)), timeout=30
    ) as client:
        yield client


async def a_marked(http: httpx.AsyncClient, mark: str, **more: Any) -> str:
    answer = await http.post("/threads", json={"metadata": {"mark": mark} | more})
    return str(answer.json()["thread_id"])


async def get(http: httpx.AsyncClient, thread: str) -> Thread:
    answer = await http.get(f"/threads/{thread}")
    assert answer.status_code == 200, answer.text
    found: Thread = answer.json()
    return found


async def search(http: httpx.AsyncClient, mark: str, **body: Any) -> list[Thread]:
    answer = await http.post("/threads/search", json={"metadata": {"mark": mark}} | body)
    assert answer.status_code == 200, answer.text
    found: list[Thread] = answer.json()
    return found


async def copied(http: httpx.AsyncClient, thread: str) -> str:
    answer = await http.post(f"/threads/{thread}/copy")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["thread_id"])


# ---------------------------------------------------------------- one thread


async def test_a_new_thread_has_nothing_yet_and_a_run_brings_the_rest(
    http: httpx.AsyncClient,
) -> None:
    made = (await http.post("/threads", json={"metadata": {"user": "u1"}})).json()
    assert set(made) == NEW
    assert made["metadata"] == {"user": "u1"}
    assert (made["status"], made["config"], made["values"]) == ("idle", {}, None)
    assert made["created_at"] == made["updated_at"] == made["state_updated_at"]
    assert await get(http, made["thread_id"]) == made
    await say(http, made["thread_id"], OWED)
    after = await get(http, made["thread_id"])
    assert set(after) == NEW | {"error", "interrupts"}
    assert after["metadata"] == {"user": "u1"} | MARKS
    assert (after["config"], after["error"]) == ({"configurable": {}}, None)
    assert (after["status"], after["interrupts"]) == ("idle", {})
    assert kinds(after) == ["human", "ai"]
    assert after["values"] == (await state(http, made["thread_id"]))["values"]


async def test_changing_metadata_does_not_change_the_age_of_the_state(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    before = await get(http, thread)
    after = (await http.patch(f"/threads/{thread}", json={"metadata": {"a": 1}})).json()
    assert after["updated_at"] > before["updated_at"]
    assert after["state_updated_at"] == before["state_updated_at"]
    assert after["metadata"] == before["metadata"] | {"a": 1}
    assert after["values"] == before["values"]
    answer = await http.patch(
        f"/threads/{thread}", json={"metadata": {"b": 1}}, headers={"Prefer": "return=minimal"}
    )
    assert (answer.status_code, answer.content) == (204, b"")
    described = (await http.get("/openapi.json")).json()["paths"]["/threads/{thread_id}"]["patch"]
    assert {"200", "204"} <= set(described["responses"])


async def test_metadata_does_not_grow_without_end(
    http: httpx.AsyncClient, service_url: str
) -> None:
    thread = await a_thread(http)
    for name in ("a", "b"):
        kept = await http.patch(f"/threads/{thread}", json={"metadata": {name: "x" * 7_900}})
        assert kept.status_code == 200
    refused = await http.patch(f"/threads/{thread}", json={"metadata": {"c": "x" * 7_900}})
    assert refused.status_code == 422
    assert "metadata: too large" in refused.json()["detail"]
    assert (await get(http, thread))["metadata"].keys() == {"a", "b"}
    smaller = await http.patch(f"/threads/{thread}", json={"metadata": {"a": "y"}})
    assert smaller.json()["metadata"]["a"] == "y"
    async with httpx.AsyncClient(base_url=service_url, headers=headers_of(customer(1))) as stranger:
        answer = await stranger.patch(f"/threads/{thread}", json={"metadata": {"c": "x" * 7_900}})
        assert answer.status_code == 404


async def test_a_thread_that_is_there_is_made_only_where_the_client_accepts_it(
    sdk: LangGraphClient, service_url: str
) -> None:
    made = await sdk.threads.create(graph_id="tria", ttl=60)
    again = await sdk.threads.create(thread_id=made["thread_id"], if_exists="do_nothing")
    assert again["thread_id"] == made["thread_id"]
    taken = {"thread_id": made["thread_id"]}
    for who, body in ((customer(), taken), (customer(1), taken | {"if_exists": "do_nothing"})):
        async with httpx.AsyncClient(base_url=service_url, headers=headers_of(who)) as client:
            assert (await client.post("/threads", json=body)).status_code == 409


async def test_a_thread_is_kept_as_long_as_it_was_said(
    sdk: LangGraphClient, postgres_url: str
) -> None:
    made = await sdk.threads.create(ttl=60)
    await sdk.threads.update(made["thread_id"], metadata={}, ttl={"ttl": 120, "strategy": "delete"})
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "select extract(epoch from temporary_until - now()) from threads where thread_id = %s",
            [made["thread_id"]],
        ).fetchone()
    assert row
    assert 7000 < row[0] <= 7200


@pytest.mark.parametrize(
    "body",
    [{"supersteps": [{"updates": []}]}, {"ttl": -1}, {"ttl": {"ttl": 5, "strategy": "forget"}}],
    ids=["supersteps", "ttl", "strategy"],
)
async def test_a_thread_begins_empty_and_ends_as_is_known_here(
    http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await http.post("/threads", json=body)
    assert answer.status_code == 422
    assert next(iter(body)) in answer.json()["detail"]


# ---------------------------------------------------------------- many threads


async def test_threads_are_listed_with_what_was_said_and_their_true_number(
    http: httpx.AsyncClient, mark: str
) -> None:
    threads = [await a_marked(http, mark, n=n) for n in range(3)]
    await say(http, threads[0], OWED)
    answer = await http.post("/threads/search", json={"metadata": {"mark": mark}, "limit": 2})
    assert answer.headers["x-pagination-total"] == "3"
    assert [t["thread_id"] for t in answer.json()] == [threads[0], threads[2]]
    first, second = answer.json()
    assert first["values"]["messages"] == (await get(http, threads[0]))["values"]["messages"]
    assert second["values"] is None
    [rest] = await search(http, mark, limit=2, offset=2)
    assert rest["thread_id"] == threads[1]
    counted = await http.post("/threads/count", json={"metadata": {"mark": mark}})
    assert counted.json() == 3


async def test_a_search_that_takes_too_long_is_to_be_narrowed(
    http: httpx.AsyncClient, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("lock table threads in access exclusive mode")
        answer = await http.post("/threads/search", json={})
    assert answer.status_code == 422
    assert "narrow" in answer.json()["detail"]


async def test_threads_are_found_by_graph_once_they_had_a_run(
    http: httpx.AsyncClient, mark: str
) -> None:
    asked, _ = [await a_marked(http, mark) for _ in range(2)]
    await say(http, asked, OWED)
    for wanted in ({"graph_id": "tria"}, {"assistant_id": ASSISTANT_ID}):
        found = await search(http, mark, metadata={"mark": mark} | wanted)
        assert [t["thread_id"] for t in found] == [asked]
    assert await search(http, mark, metadata={"mark": mark, "graph_id": "another"}) == []


async def test_threads_are_found_by_id_and_status_and_sorted(
    http: httpx.AsyncClient, mark: str
) -> None:
    threads = [await a_marked(http, mark) for _ in range(3)]
    ids = threads[:2]
    assert {t["thread_id"] for t in await search(http, mark, ids=ids)} == set(ids)
    assert len(await search(http, mark, status="idle")) == 3
    assert await search(http, mark, status="busy") == []
    await http.patch(f"/threads/{threads[0]}", json={"metadata": {"a": 1}})
    for by, order in (
        ("created_at", threads),
        ("updated_at", [threads[1], threads[2], threads[0]]),
        ("thread_id", sorted(threads)),
    ):
        rising = await search(http, mark, sort_by=by, sort_order="asc")
        falling = await search(http, mark, sort_by=by, sort_order="desc")
        assert [t["thread_id"] for t in rising] == order
        assert [t["thread_id"] for t in falling] == order[::-1]


async def test_a_list_shows_what_was_selected_and_extracted(
    http: httpx.AsyncClient, mark: str
) -> None:
    thread = await a_marked(http, mark)
    await say(http, thread, OWED)
    paths = {"first": "values.messages[0].content", "none": "values.nothing[3].content"}
    [found] = await search(http, mark, select=["thread_id", "status"], extract=paths)
    assert found == {
        "thread_id": thread,
        "status": "idle",
        "extracted": {"first": OWED, "none": None},
    }


@pytest.mark.parametrize(
    "body",
    [
        {"values": {"a": 1}},
        {"status": "asleep"},
        {"sort_by": "customer_id"},
        {"ids": ["x"]},
        {"limit": 101},
    ],
    ids=lambda body: next(iter(body)),
)
async def test_what_cannot_be_searched_by_is_refused(
    http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await http.post("/threads/search", json=body)
    assert answer.status_code == 422
    assert next(iter(body)) in answer.json()["detail"]


async def test_staff_find_everybodys_threads_and_customers_their_own(
    service_url: str, http: httpx.AsyncClient, operator: httpx.AsyncClient, mark: str
) -> None:
    mine = await a_marked(http, mark)
    async with httpx.AsyncClient(
        base_url=service_url, headers=headers_of(customer(1)), timeout=30
    ) as other:
        theirs = await a_marked(other, mark)
        assert [t["thread_id"] for t in await search(other, mark)] == [theirs]
        for path in ("copy", "prune"):
            body = {"thread_ids": [mine]}
            answer = await other.post(
                f"/threads/{mine}/copy" if path == "copy" else "/threads/prune", json=body
            )
            assert answer.status_code == 404 or answer.json() == {"pruned_count": 0}
    assert {t["thread_id"] for t in await search(operator, mark)} == {mine, theirs}
    assert (await get(operator, mine))["thread_id"] == mine
    reader = httpx.AsyncClient(base_url=service_url, headers=staff_headers(colleague(0)))
    async with reader:
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/copy")):
            answer = await reader.request(method, f"/threads/{mine}{path}", json={})
            assert answer.status_code == 403


# ---------------------------------------------------------------- copies


async def test_a_copy_says_the_same_and_goes_its_own_way(http: httpx.AsyncClient) -> None:
    thread = str(
        (await http.post("/threads", json={"metadata": {"user": "u1"}})).json()["thread_id"]
    )
    await say(http, thread, OWED)
    await say(http, thread, ROUND)
    answer = (await http.post(f"/threads/{thread}/copy")).json()
    assert set(answer) == NEW - {"values"}
    assert answer["metadata"] == {"user": "u1"} | MARKS
    copy = answer["thread_id"]
    before = await state(http, thread)
    assert (await state(http, copy))["values"]["messages"] == before["values"]["messages"]
    assert (await get(http, copy))["status"] == "idle"
    await say(http, copy, "what do you sell?")
    assert len((await state(http, copy))["values"]["messages"]) == 6
    assert await state(http, thread) == before


async def test_the_last_answer_of_a_copy_is_given_once_more_in_the_copy(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    copy = await copied(http, thread)
    answer = (await state(http, copy))["values"]["messages"][-1]["id"]
    seen = first_seen(await history(http, copy), answer)
    values = await run(http, copy, checkpoint=seen["parent_checkpoint"])
    assert kinds({"values": values}) == ["human", "ai"]
    assert values["messages"][-1]["id"] != answer
    assert len((await state(http, thread))["values"]["messages"]) == 2


async def test_a_copy_holds_no_card_and_a_yes_in_it_writes_nothing(
    http: httpx.AsyncClient, sandbox: dict[str, str]
) -> None:
    thread = await a_thread(http)
    card = (await say(http, thread, CASUAL_ORDER))["card"]
    copy = await copied(http, thread)
    shown = await state(http, copy)
    assert "card" not in shown["values"]
    assert "card" not in shown["values"]["messages"][-1]["additional_kwargs"]
    [contact] = customer().contact_ids
    before = len(books(sandbox, contact_id=contact))
    pressed = {"action_id": card["action_id"], "hash": card["hash"], "decision": "confirm"}
    for answer in (
        await run(http, copy, command={"resume": pressed}),
        await say(http, copy, "yes"),
    ):
        assert (answer.get("card") or {}).get("status") != "committed"
    assert len(books(sandbox, contact_id=contact)) == before
    committed = (await say(http, thread, "yes"))["card"]
    assert committed["status"] == "committed"
    assert len(books(sandbox, contact_id=contact)) == before + 1


async def test_a_copy_of_nothing_is_empty_and_of_no_thread_is_none(
    http: httpx.AsyncClient,
) -> None:
    copy = await copied(http, await a_thread(http))
    assert (await get(http, copy))["values"] is None
    assert (await http.post(f"/threads/{uuid4()}/copy")).status_code == 404


async def test_a_copy_shows_the_branch_that_is_shown(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    answer = (await state(http, thread))["values"]["messages"][-1]["id"]
    seen = first_seen(await history(http, thread), answer)
    await run(http, thread, checkpoint=seen["parent_checkpoint"])
    await say(http, thread, ROUND)
    copy = await copied(http, thread)
    shown = [(await state(http, each))["values"]["messages"] for each in (thread, copy)]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 4


# ---------------------------------------------------------------- the end


async def test_pruning_keeps_the_last_turns_checkpoints_and_all_that_was_said(
    sdk: LangGraphClient, http: httpx.AsyncClient, postgres_url: str
) -> None:
    thread = await a_thread(http)
    for text in (OWED, ROUND):
        await say(http, thread, text)
    before = await state(http, thread)
    pruned = await sdk.threads.prune([thread, str(uuid4())], strategy="keep_latest")
    assert pruned == {"pruned_count": 1}
    states = await history(http, thread)
    assert {s["metadata"]["run_id"] for s in states} == {before["metadata"]["run_id"]}
    assert states[0]["values"] == before["values"]
    with psycopg.connect(postgres_url) as connection:
        kept = connection.execute(
            "select trace is not null from runs where thread_id = %s order by turn", [thread]
        ).fetchall()
    assert kept == [(False,), (True,)]
    assert await sdk.threads.prune([thread]) == {"pruned_count": 1}
    assert (await http.get(f"/threads/{thread}")).status_code == 404


async def test_a_conversation_whose_checkpoints_are_gone_is_still_shown(
    http: httpx.AsyncClient, postgres_url: str
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("delete from checkpoints where thread_id = %s", [f"{thread}:1"])
    assert kinds(await state(http, thread)) == ["human", "ai"]
    [only] = await history(http, thread)
    assert only == await state(http, thread)
    assert only["checkpoint"] is None
    await say(http, thread, ROUND)
    assert kinds(await state(http, thread)) == ["human", "ai"] * 2


async def test_a_deleted_thread_takes_its_checkpoints_along(
    http: httpx.AsyncClient, postgres_url: str
) -> None:
    thread, other = await a_thread(http), await a_thread(http)
    for each in (thread, other):
        await say(http, each, OWED)
    assert (await http.delete(f"/threads/{thread}")).status_code == 204
    assert (await http.get(f"/threads/{thread}")).status_code == 404
    with psycopg.connect(postgres_url) as connection:
        left = connection.execute(
            "select distinct thread_id from (select thread_id from checkpoints union all"
            " select thread_id from checkpoint_blobs union all"
            " select thread_id from checkpoint_writes) kept where thread_id = any(%s)",
            [[f"{thread}:1", f"{other}:1"]],
        ).fetchall()
    assert left == [(f"{other}:1",)]


async def test_reading_costs_the_same_however_long_the_conversation_is(
    http: httpx.AsyncClient, postgres_url: str
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    with psycopg.connect(postgres_url) as connection:
        _lengthen(connection, thread, 2_000)
    await say(http, thread, ROUND)
    for path, body in (("history", {"limit": 10}), ("state/checkpoint", {"checkpoint": {}})):
        began = time.monotonic()
        answer = await http.post(f"/threads/{thread}/{path}", json=body)
        assert answer.status_code == 200
        assert time.monotonic() - began < 2
        assert len(answer.content) < 300_000
    assert len((await state(http, thread))["values"]["messages"]) == 50


def _lengthen(connection: psycopg.Connection[Any], thread: str, turns: int) -> None:
    """As if as many turns had been asked and answered, and their checkpoints were kept."""
    values = {"thread": thread, "turns": turns}
    for statement in (
        "insert into runs (run_id, thread_id, turn, status, request, scope, after_turn,"
        " graph_thread) select gen_random_uuid(), thread_id, turn + n, status, request, scope,"
        " turn + n - 1, thread_id || ':' || turn + n from runs, generate_series(1, %(turns)s) n"
        " where thread_id = %(thread)s",
        "insert into messages (message_id, thread_id, run_id, role, content)"
        " select gen_random_uuid()::text, thread_id, run_id, role, 'said' from runs,"
        " unnest(array['human', 'ai']) role where thread_id = %(thread)s and turn > 1"
        " order by turn, role desc",
        "insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint,"
        " metadata) select r.graph_thread, '', c.checkpoint_id, c.type, c.checkpoint, c.metadata"
        " from checkpoints c, runs r where c.thread_id = %(thread)s || ':1' and"
        " r.thread_id = %(thread)s::uuid and r.turn > 1",
        "update threads set turns = %(turns)s + 1 where thread_id = %(thread)s",
    ):
        connection.execute(statement.encode(), values)


# ---------------------------------------------------------------- the assistant


async def test_there_is_one_assistant_and_nobody_changes_it(
    sdk: LangGraphClient, http: httpx.AsyncClient
) -> None:
    made = await sdk.assistants.create("tria", if_exists="do_nothing")
    assert made["assistant_id"] == ASSISTANT_ID
    assert await sdk.assistants.get_versions(ASSISTANT_ID) == [made]
    assert await sdk.assistants.set_latest(ASSISTANT_ID, 1) == made
    assert await sdk.assistants.get_subgraphs("tria", recurse=True) == {}
    assert (await sdk.assistants.get_schemas(ASSISTANT_ID))["graph_id"] == "tria"
    assert await sdk.assistants.count(graph_id="tria") == 1
    graph = await sdk.assistants.get_graph("tria")
    assert {"id": "__start__", "type": "runnable", "data": {"name": "__start__"}} in graph["nodes"]
    for method, path, body in (
        ("POST", "/assistants", {"graph_id": "tria", "name": "mine"}),
        ("PATCH", "/assistants/tria", {"name": "mine"}),
        ("DELETE", f"/assistants/{ASSISTANT_ID}", None),
    ):
        answer = await http.request(method, path, json=body)
        assert answer.status_code == 403
        assert "tria" in answer.json()["detail"]
    assert (await http.delete(f"/assistants/{uuid4()}")).status_code == 404
    latest = await http.post("/assistants/tria/latest", json={"version": 2})
    assert latest.status_code == 404

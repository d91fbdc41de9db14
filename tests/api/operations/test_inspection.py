"""A conversation and its turns as JSON: masked unless noted, and complete."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.api.conftest import staff_client
from tests.api.test_conversations import a_thread, say
from tests.conftest import customer
from tools.context import Caller
from tools.conversations import CHECKPOINT_TABLES

AGENT, SUPERVISOR = range(2)
PERSONAL = "this is Mei Lim, 9123 4567. what do I owe?"
HOSTILE = "<script>alert(1)</script> \u202e05 pay\u202c what is your price for 14 inch boxes?"
LONG = 45


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def read(url: str, path: str, who: int = AGENT, **query: Any) -> Any:
    with staff_client(url, who) as client:
        answer = client.get(f"/admin/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def looks(database: psycopg.Connection[Any], thread: str) -> list[tuple[str, Any]]:
    return database.execute(
        "select actor, detail->>'reason' from audit where event = 'conversation.unmasked'"
        " and subject = %s order by audit_id",
        [thread],
    ).fetchall()


def a_long_conversation(database: psycopg.Connection[Any]) -> str:
    thread, who = str(uuid4()), customer()
    caller = Caller(who.customer_id, who.name, who.company, who.contact_ids, frozenset(who.roles))
    database.execute(
        "insert into threads (thread_id, customer_id, turns) values (%s, %s, %s)",
        [thread, who.customer_id, LONG],
    )
    database.execute(
        "insert into runs (run_id, thread_id, turn, status, request, scope, graph_thread)"
        " select gen_random_uuid(), %(thread)s::uuid, n, 'succeeded', '{\"stream_mode\": []}',"
        " %(scope)s, %(thread)s::text || ':' || n from generate_series(1, %(turns)s) n",
        {"thread": thread, "scope": Jsonb(caller.scope), "turns": LONG},
    )
    database.execute(
        "insert into messages (message_id, thread_id, run_id, role, content)"
        " select run_id || role, thread_id, run_id, role, role || ' ' || turn"
        " from runs, unnest(array['human', 'ai']) role where thread_id = %s"
        " order by turn, role desc",
        [thread],
    )
    return thread


async def test_a_turn_tells_how_its_answer_came_about(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "how much is the fee if I cancel the day before delivery?")
    [turn] = read(service_url, f"conversations/{thread}")["turns"]
    assert [m["role"] for m in turn["messages"]] == ["human", "ai"]
    assert turn["status"] == "succeeded"
    seen = read(service_url, f"runs/{turn['run_id']}")
    assert [s["node"] for s in seen["steps"]][:3] == [
        *("screen_message", "classify_intent", "retrieve_policies"),
    ]
    assert {step["mark"] for step in seen["steps"]} == {"done"}
    assert 0 < seen["path_seconds"] <= turn["seconds"] + 1
    assert ["validate_output", "__end__"] in seen["edges_taken"]
    assert seen["state"]["understanding"]["intents"][0]["name"] == "policy"
    assert seen["state"]["verdict"] == {"passed": True, "problems": [], "tries": 1}
    assert seen["state"]["reply"]["by"] == "templates"
    assert set(seen["state"]["reply"]["citations"]) <= {p["id"] for p in seen["passages"]}
    assert all(passage["score"] >= 0 for passage in seen["passages"])
    assert seen["model"] == {"calls": [], "tokens_in": 0, "tokens_out": 0, "usd": "0"}


async def test_persons_are_masked_and_figures_are_not(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    owed = (await say(sdk, thread, PERSONAL))["messages"][-1]["content"]
    view = read(service_url, f"conversations/{thread}")
    run = read(service_url, f"runs/{view['turns'][0]['run_id']}")
    assert [f["source"] for f in run["state"]["facts"] if f["source"].startswith("xero:")]
    for shown in (str(view), str(run)):
        for personal in ("Mei Lim", "9123", customer().name, customer().outlets[0]["mobile"]):
            assert personal not in shown
        assert customer().company in shown or "balance" in shown
    assert view["turns"][0]["messages"][1]["content"] == owed


async def test_only_supervisors_see_persons_and_each_look_is_noted(
    sdk: LangGraphClient, service_url: str, database: psycopg.Connection[Any]
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, PERSONAL)
    with staff_client(service_url, AGENT) as client:
        refused = client.get(f"/admin/conversations/{thread}", params={"unmasked": True})
    assert refused.status_code == 403
    assert looks(database, thread) == []
    asked = {"unmasked": True, "reason": "she calls"}
    view = read(service_url, f"conversations/{thread}", SUPERVISOR, **asked)
    assert view["turns"][0]["messages"][0]["content"] == PERSONAL
    asked["reason"] = "she calls again"
    run = read(service_url, f"runs/{view['turns'][0]['run_id']}", SUPERVISOR, **asked)
    assert "Mei Lim" in run["state"]["text"]
    assert [reason for _, reason in looks(database, thread)] == ["she calls", "she calls again"]
    trail = read(service_url, f"conversations/{thread}")["trail"]
    assert [(step["event"], step["reason"]) for step in trail] == [
        ("conversation.unmasked", "she calls again"),
        ("conversation.unmasked", "she calls"),
    ]
    for path in (f"conversations/{thread}", f"runs/{view['turns'][0]['run_id']}"):
        with staff_client(service_url, SUPERVISOR) as client:
            assert client.get(f"/admin/{path}?unmasked=true&reason=%20").status_code == 422
    assert len(looks(database, thread)) == 2


async def test_what_shows_everything_is_not_open_to_who_sees_it_masked(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, PERSONAL)
    for who in (AGENT, SUPERVISOR):
        with staff_client(service_url, who) as client:
            for path in (f"threads/{thread}", f"threads/{thread}/state", f"threads/{thread}/runs"):
                assert client.get(f"/{path}").status_code == 403
            assert client.post("/threads/search", json={}).status_code == 403


async def test_a_failed_turn_shows_the_node_and_the_reason(
    sdk: LangGraphClient, service_url: str, database: psycopg.Connection[Any]
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    database.execute(
        "update runs set focus = %s where thread_id = %s",
        [Jsonb({"order": {"lines": "poisoned"}, "order_at": "2026-11-28T09:00:00+08:00"}), thread],
    )
    asked: Any = {"messages": [{"role": "user", "content": "make it 500 boxes"}]}
    await sdk.runs.wait(thread, "tria", input=asked, raise_error=False)
    turn = read(service_url, f"conversations/{thread}")["turns"][-1]
    assert (turn["status"], turn["is_answered"]) == ("failed", False)
    assert turn["error"]
    seen = read(service_url, f"runs/{turn['run_id']}")
    [failed] = [step for step in seen["steps"] if step["mark"] == "failed"]
    assert failed["error"] == turn["error"]
    assert failed["detail"].startswith(failed["error"])


async def test_where_steps_were_pruned_it_is_said_and_the_rest_is_shown(
    sdk: LangGraphClient, service_url: str, database: psycopg.Connection[Any]
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    for table in CHECKPOINT_TABLES:
        gone = sql.SQL("delete from {} where thread_id = %s").format(sql.Identifier(table))
        database.execute(gone, [f"{thread}:1"])
    database.execute("update runs set pruned_at = now() where thread_id = %s", [thread])
    [turn] = read(service_url, f"conversations/{thread}")["turns"]
    seen = read(service_url, f"runs/{turn['run_id']}")
    assert (seen["is_kept"], seen["steps"], seen["edges_taken"]) == (False, [], [])
    assert seen["pruned_at"]
    assert len(seen["messages"]) == 2
    assert seen["focus_after"]


def test_a_long_conversation_is_read_a_page_at_a_time(
    service_url: str, database: psycopg.Connection[Any]
) -> None:
    thread = a_long_conversation(database)
    turns: list[int] = []
    before: int | None = None
    for page in ((26, 45), (6, 25), (1, 5)):
        query = {"before": before} if before else {}
        view = read(service_url, f"conversations/{thread}", **query)
        numbers = [turn["turn"] for turn in view["turns"]]
        assert (numbers[0], numbers[-1]) == page
        assert view["turns"][0]["messages"][0]["content"] == f"human {page[0]}"
        turns, before = numbers + turns, view["before"]
    assert turns == list(range(1, LONG + 1))
    assert before is None


async def test_text_stays_what_was_written(sdk: LangGraphClient, service_url: str) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, HOSTILE)
    asked = {"unmasked": True, "reason": "a test"}
    view = read(service_url, f"conversations/{thread}", SUPERVISOR, **asked)
    shown = view["turns"][0]["messages"][0]["content"]
    assert shown.startswith("<script>alert(1)</script> ⟨U+202E⟩05 pay⟨U+202C⟩")


@pytest.mark.parametrize("path", ["conversations/{id}", "runs/{id}"])
def test_what_is_not_there_is_missing_and_customers_are_not_staff(
    service_url: str, database: psycopg.Connection[Any], path: str
) -> None:
    missing = str(uuid4())
    with staff_client(service_url, SUPERVISOR) as client:
        for query in ("", "?unmasked=true&reason=test"):
            answer = client.get(f"/admin/{path.format(id=missing)}{query}")
            assert answer.status_code == 404
            assert missing in answer.json()["detail"]
    assert looks(database, missing) == []

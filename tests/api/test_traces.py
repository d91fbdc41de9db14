"""The trace of a turn: whole, without a word of what was said, told by id and exported."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from psycopg.types.json import Jsonb
from websockets.sync.client import connect

from api.app import create_app
from graph.settings import Settings
from monitoring.logging import configure_logging, set_level
from tests.api.conftest import staff_client
from tests.conftest import Served, customer, forget_guesses, headers_of
from tests.monitoring.collector import Collected, attributes, collecting
from tests.monitoring.test_logging import as_before

__all__ = ["as_before"]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAID = "I am Zebulon Quark 9123 4567 zq@tria.example, what do I owe?"
NODES = {
    *("screen_message", "classify_intent", "retrieve_policies", "call_xero_tools"),
    *("adapt_tone", "compose_reply", "validate_output"),
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


@pytest.fixture(scope="module")
def url(environment: dict[str, str], service_url: str, collector: Collected) -> Iterator[str]:
    """A service with a model and a collector, on the policies indexed by the one that runs."""
    own = {
        "REDIS_URL": f"{environment['REDIS_URL'].rsplit('/', 1)[0]}/11",
        "OPENAI_API_KEY": "a key",
        "OPENAI_BASE_URL": f"{environment['XERO_API_URL'].removesuffix('/xero')}/openai/v1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    values = {k.lower(): v for k, v in (environment | own).items()}
    forget_guesses(own["REDIS_URL"])
    with Served(create_app(Settings.model_validate(values))) as served:
        yield served.url


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=60) as client:
        yield client


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def a_thread(http: httpx.Client) -> str:
    return str(http.post("/threads", json={}).json()["thread_id"])


def say(http: httpx.Client, thread: str, text: str, **headers: str) -> httpx.Response:
    body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
    return http.post(f"/threads/{thread}/runs/wait", json=body, headers=headers)


def trace_of(http: httpx.Client, url: str, thread: str) -> dict[str, Any]:
    """The trace of the last turn."""
    run = http.get(f"/threads/{thread}/runs").json()[0]["run_id"]
    with staff_client(url) as staff:
        found = staff.get(f"/threads/{thread}/runs/{run}/trace").raise_for_status()
    trace: dict[str, Any] = found.json()
    return trace


def path_of(span: Mapping[str, Any], spans: list[dict[str, Any]]) -> list[str]:
    """Its name after those of what it is a part of."""
    above = next((each for each in spans if each["id"] == span["parent"]), None)
    return [*(path_of(above, spans) if above else ()), span["name"]]


def test_a_turn_is_one_trace_with_each_node_tool_call_and_gate(
    http: httpx.Client, url: str, collector: Collected
) -> None:
    thread = a_thread(http)
    answer = say(http, thread, SAID)
    trace = trace_of(http, url, thread)
    assert answer.headers["X-Trace-Id"] == trace["trace_id"]
    [part] = trace["parts"]
    spans = part["spans"]
    assert (part["outcome"], part["left_out"]) == ("succeeded", 0)
    assert spans[0]["name"] == "invoke_agent tria"
    paths = {" > ".join(path_of(span, spans)[1:]) for span in spans}
    assert paths >= NODES
    assert "validate_output > gate" in paths
    assert "call_xero_tools > execute_tool accounts.open_invoices" in paths
    assert "retrieve_policies > execute_tool policies.search" in paths
    assert any(path.startswith("compose_reply > chat ") for path in paths)
    assert all(0 <= span["start_ms"] <= spans[0]["ms"] + 1 for span in spans)
    sent = {span.span_id.hex(): span.name for span in collector.wait_for(trace["trace_id"])}
    assert sent == {span["id"]: span["name"] for span in spans}


def test_a_call_of_xero_is_a_part_of_the_tool_that_made_it(http: httpx.Client, url: str) -> None:
    thread = a_thread(http)
    say(http, thread, "200 of the 12 inch boxes for tampines please")
    say(http, thread, "yes")
    spans = trace_of(http, url, thread)["parts"][-1]["spans"]
    writes = [path_of(s, spans) for s in spans if s["name"].split(" ")[0] in ("PUT", "POST")]
    assert ["execute_tool" in path[-2] for path in writes]
    assert {tuple(path[1:3]) for path in writes} == {("commit_action", "execute_tool books.send")}


def test_nothing_of_what_was_said_is_in_a_trace_wherever_it_goes(
    http: httpx.Client, url: str, collector: Collected
) -> None:
    thread = a_thread(http)
    shown = say(http, thread, SAID).json()["messages"][-1]["content"]
    trace = trace_of(http, url, thread)
    collector.wait_for(trace["trace_id"])
    kept, gone = json.dumps(trace), collector.raw.decode("latin-1")
    amounts = re.findall(r"\d[\d,]{2,}\.\d\d", shown)
    assert amounts
    who = customer()
    personal = ("Zebulon", "9123", "zq@", who.name, who.company, who.customer_id, *amounts)
    assert [word for word in personal if word in kept or word in gone] == []


def test_a_caller_s_trace_goes_on_in_the_turn(
    http: httpx.Client, url: str, collector: Collected
) -> None:
    thread, trace_id = a_thread(http), uuid4().hex
    answer = say(http, thread, "what do I owe?", traceparent=f"00-{trace_id}-{SPAN}-01")
    assert answer.headers["X-Trace-Id"] == trace_id
    trace = trace_of(http, url, thread)
    assert trace["trace_id"] == trace["parts"][0]["trace_id"] == trace_id
    assert trace["parts"][0]["spans"][0]["parent"] == SPAN
    turn = next(s for s in collector.wait_for(trace_id) if s.name.startswith("invoke_agent"))
    assert turn.parent_span_id.hex() == SPAN
    assert attributes(turn)["gen_ai.conversation.id"] == thread


@pytest.mark.parametrize("said", ["", "00-zebulon", f"00-{'0' * 32}-{SPAN}-01"])
def test_what_is_no_traceparent_is_not_repeated(http: httpx.Client, said: str) -> None:
    told = http.get("/ok", headers={"traceparent": said}).headers["X-Trace-Id"]
    assert len(told) == 32
    assert told.strip("0")
    assert told not in said


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/threads", 405),
        ("GET", "/threads/00000000-0000-4000-8000-000000000000", 404),
        ("GET", "/threads/x", 422),
    ],
)
def test_every_error_tells_its_trace(
    http: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = http.request(method, path, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert answer.status_code == status
    assert answer.json()["trace_id"] == answer.headers["X-Trace-Id"] == TRACE


def test_how_a_run_is_traced_is_not_what_its_client_asked_for(http: httpx.Client) -> None:
    thread = a_thread(http)
    say(http, thread, "hello")
    [run] = http.get(f"/threads/{thread}/runs").json()
    assert "trace" not in run["kwargs"]


def test_customers_do_not_see_how_their_turns_went(http: httpx.Client) -> None:
    thread = a_thread(http)
    say(http, thread, "hello")
    [run] = http.get(f"/threads/{thread}/runs").json()
    assert http.get(f"/threads/{thread}/runs/{run['run_id']}/trace").status_code == 403


def test_a_trace_that_is_not_there_is_missing(http: httpx.Client, url: str) -> None:
    thread = a_thread(http)
    with staff_client(url) as staff:
        assert staff.get(f"/threads/{thread}/runs/{uuid4()}/trace").status_code == 404
        assert staff.get(f"/threads/{uuid4()}/runs/{uuid4()}/trace").status_code == 404


def test_a_failed_turn_keeps_its_trace_with_the_node_and_the_error_s_class(
    http: httpx.Client, url: str, database: psycopg.Connection[Any], collector: Collected
) -> None:
    thread = a_thread(http)
    say(http, thread, "what do I owe?")
    database.execute(
        "update runs set focus = %s where thread_id = %s",
        [Jsonb({"order": {"lines": "poisoned"}, "order_at": "2026-11-28T09:00:00+08:00"}), thread],
    )
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": "make it 500 boxes"}]},
    }
    told = http.post(f"/threads/{thread}/runs/stream", json=body)
    trace = trace_of(http, url, thread)
    [part] = trace["parts"]
    assert part["outcome"] == "failed"
    failed = [span for span in part["spans"] if span.get("error")]
    assert len(failed) >= 2
    assert failed[0] == part["spans"][0]
    assert "langgraph.node" in failed[1]["attributes"]
    assert "poisoned" not in json.dumps(trace)
    assert f'"trace_id":"{trace["trace_id"]}"' in told.text.replace(" ", "")
    assert collector.wait_for(trace["trace_id"])


def test_what_is_kept_of_a_trace_goes_with_the_working_memory(
    http: httpx.Client, url: str, database: psycopg.Connection[Any]
) -> None:
    thread = a_thread(http)
    say(http, thread, "hello")
    before = trace_of(http, url, thread)
    database.execute("update runs set trace = null where thread_id = %s", [thread])
    after = trace_of(http, url, thread)
    assert after == before | {"parts": []}
    with staff_client(url) as staff:
        run = after["run_id"]
        page = staff.get(f"/admin/runs/{run}")
    assert page.json()["trace"] == []


def test_every_line_of_a_turn_carries_its_trace(
    http: httpx.Client, as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()
    set_level("debug")
    thread = a_thread(http)
    told = say(http, thread, "what do I owe?").headers["X-Trace-Id"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    of_turn = [line for line in lines if line.get("thread_id") == thread]
    assert {line["event"] for line in of_turn} >= {"turn", "node"}
    assert {line["trace_id"] for line in of_turn} == {told}
    [turn] = [line for line in of_turn if line["event"] == "turn"]
    assert turn["outcome"] == "succeeded"
    assert turn["intents"].keys() == {"balance"}
    assert {"queued_ms", "ms", "by", "tries", "tokens", "usd"} <= turn.keys()


def test_the_runs_of_a_batch_are_parts_of_its_request_s_trace(
    http: httpx.Client, collector: Collected
) -> None:
    body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": "hello"}]}}
    told = http.post("/runs/batch", json=[body] * 2).headers["X-Trace-Id"]
    end = time.monotonic() + 20
    while len(turns := turns_in(collector, told)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert len({attributes(turn)["tria.run.id"] for turn in turns}) == 2


def turns_in(collector: Collected, trace_id: str) -> list[Span]:
    return [span for span in collector.of(trace_id) if span.name.startswith("invoke_agent")]


def test_each_command_over_a_socket_has_a_trace_of_its_own_and_tells_it(
    http: httpx.Client, url: str
) -> None:
    thread = a_thread(http)
    said = {"messages": [{"role": "user", "content": "hello"}]}
    commands: list[dict[str, Any]] = [
        {"id": 1, "method": "run.start", "params": {"assistant_id": "tria", "input": said}},
        {"id": 2, "method": "no.such"},
    ]
    address = f"{url.replace('http', 'ws', 1)}/threads/{thread}/stream/events"
    with connect(address, additional_headers=headers_of(customer())) as socket:
        answers = []
        for command in commands:
            socket.send(json.dumps(command))
            answers.append(json.loads(socket.recv(30)))
    assert [answer["type"] for answer in answers] == ["success", "error"]
    told = [answer["meta"]["trace_id"] for answer in answers]
    assert len(set(told)) == 2
    assert trace_of(http, url, thread)["trace_id"] == told[0]


def test_an_attempt_that_was_handed_over_stays_beside_the_one_that_went_on(
    url: str, http: httpx.Client, environment: dict[str, str], database: psycopg.Connection[Any]
) -> None:
    model = environment["XERO_API_URL"].removesuffix("/xero")
    own = {"OPENAI_API_KEY": "a key", "OPENAI_BASE_URL": f"{model}/openai/v1"}
    values = {k.lower(): v for k, v in (environment | own).items()}
    thread, body = a_thread(http), {"messages": [{"role": "user", "content": "what do I owe?"}]}
    asked = {"assistant_id": "tria", "input": body}
    httpx.post(f"{model}/control/model", json={"mode": "slow", "seconds": 0.5})
    try:
        with Served(create_app(Settings.model_validate(values))) as leaving:
            at_it = f"{leaving.url}/threads/{thread}/runs"
            told = httpx.post(at_it, json=asked, headers=headers_of(customer()))
            run = told.json()["run_id"]
    finally:
        httpx.post(f"{model}/control/model", json={"mode": "echo"})
    assert http.get(f"/threads/{thread}/runs/{run}/join").status_code == 200
    trace = trace_of(http, url, thread)
    assert [part["outcome"] for part in trace["parts"]] == ["handed_over", "succeeded"]
    assert trace["untold"] == 0
    database.execute("update runs set trace = trace - 0 where run_id = %s", [run])
    assert trace_of(http, url, thread)["untold"] == 1


def test_a_message_that_was_answered_with_others_names_the_turn_that_has_the_trace(
    http: httpx.Client, url: str
) -> None:
    thread, ids = a_thread(http), list[str]()
    for text in ("what do I owe?", "and when do you deliver?", "on which days?"):
        said = {"messages": [{"role": "user", "content": text}]}
        asked = {"assistant_id": "tria", "input": said, "multitask_strategy": "enqueue"}
        ids.append(http.post(f"/threads/{thread}/runs", json=asked).json()["run_id"])
    http.get(f"/threads/{thread}/runs/{ids[-1]}/join")
    with staff_client(url) as staff:
        second, last = (staff.get(f"/threads/{thread}/runs/{run}/trace").json() for run in ids[1:])
    assert (second["answered_by"], second["parts"], second["untold"]) == (ids[-1], [], 0)
    assert (last["answered_by"], len(last["parts"])) == (None, 1)

"""What is brought to LangSmith where there is a key, and that nothing is without one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from evals.cases.schema import Case
from evals.outcome import Outcome, Row, Run, Turn, Verdict, Versions
from evals.publishing.langsmith import (
    LangSmith,
    NotPublished,
    example_id,
    langsmith_of,
    publish,
)
from evals.publishing.tracing import OFF, SWITCHES, traces_project, tracing_for
from nodes.prompts import versions
from tests.conftest import ServiceProcess, customer, headers_of
from tests.evals.langsmith_server import KEY, LangSmithServer, langsmith_running
from tests.tools.conftest import Control, control

__all__ = ["control"]

RUN = Run(
    id="20260902-101500-stand-in",
    started_at="2026-09-02T02:15:00+00:00",
    mode="stand-in",
    versions=Versions(code="abc1234", model="sandbox-chat", prompts={"compose_reply": "0a1b2c"}),
)
TURN_RUN = "6a1f9c1e-8a0e-4a55-9d5e-2f4f5a7b3c11"
# Notes where a process connects to and which names it looks up. uvloop connects beside Python.
RECORDER = """
import os, sys
sys.modules["uvloop"] = None
sink = os.open(os.environ["CONNECTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def note(event, args):
    if event in ("socket.connect", "socket.sendto"):
        os.write(sink, f"{event} {args[1]!r}\\n".encode())
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os.write(sink, f"{event} {args[0]!r}\\n".encode())
sys.addaudithook(note)
"""


def a_case(name: str, suite: str = "accounts", says: str = "You owe SGD") -> Case:
    return Case.model_validate(
        {
            "schema_version": 1,
            "id": name,
            "suite": suite,
            "owner": "billing",
            "origin": {"reviewer": "billing"},
            "customer": "forno-rosso",
            "clock": "2026-09-02T10:15:00+08:00",
            "turns": [{"user": "what do I owe?", "expect": {"says": [says]}}],
        }
    )


def a_row(name: str, suite: str = "accounts", **more: Any) -> Row:
    turn = Turn(said="what do I owe?", reply="You owe SGD 12.00.", run_id=TURN_RUN)
    verdicts = [
        Verdict(scorer="facts", passed=True, turn=1),
        Verdict(scorer="tone", passed=False, reason="9 lines, at most 8", turn=1),
        Verdict(scorer="tone", passed=False, reason="an apology is missing", turn=2),
    ]
    row = Row(case=name, suite=suite, passed=False, verdicts=verdicts, seconds=1.5)
    return row.model_copy(update={"outcome": Outcome(turns=[turn]), **more})


CASES = [a_case("owes"), a_case("owes-zh"), a_case("fee", "policies")]
ROWS = [a_row("owes"), a_row("owes", trial=2), a_row("owes-zh"), a_row("fee", "policies")]


@pytest.fixture
def server() -> Iterator[LangSmithServer]:
    with langsmith_running() as server:
        yield server


@pytest.fixture
def langsmith(server: LangSmithServer) -> Iterator[LangSmith]:
    found = langsmith_of({"LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": server.url})
    assert found
    yield found
    found.client.close()


def test_a_suite_is_a_dataset_and_a_case_an_example(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    publish(RUN, ROWS, CASES, langsmith)
    ids = {dataset["name"]: key for key, dataset in server.datasets.items()}
    assert set(ids) == {"tria-accounts", "tria-policies"}
    assert set(server.examples) == {
        str(example_id(UUID(ids[f"tria-{case.suite}"]), case.id)) for case in CASES
    }
    [owes] = [e for e in server.examples.values() if e["metadata"]["case"] == "owes"]
    assert owes["inputs"]["turns"] == [{"user": "what do I owe?"}]
    assert owes["outputs"]["turns"] == [{"says": ["You owe SGD"]}]


def test_a_run_is_an_experiment_of_each_suite_with_its_versions(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    published = publish(RUN, ROWS, CASES, langsmith)
    session = server.session(f"{RUN.id}-accounts")
    dataset = server.datasets[session["reference_dataset_id"]]
    assert dataset["name"] == "tria-accounts"
    told = session["extra"]["metadata"]
    assert told["mode"] == "stand-in"
    assert told["code"] == "abc1234"
    assert told["prompt_compose_reply"] == "0a1b2c"
    assert session["id"] in published.experiments["accounts"]


def test_a_row_is_a_run_of_its_example_and_a_scorers_verdicts_are_its_feedback(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    publish(RUN, ROWS, CASES, langsmith)
    runs = server.runs_of(f"{RUN.id}-accounts")
    assert sorted(run["name"] for run in runs) == ["owes", "owes", "owes-zh"]
    run = next(run for run in runs if run["name"] == "owes-zh")
    assert server.examples[run["reference_example_id"]]["metadata"]["case"] == "owes-zh"
    assert run["outputs"]["turns"][0]["reply"] == "You owe SGD 12.00."
    said = {f["key"]: f for f in server.feedback.values() if f["run_id"] == run["id"]}
    assert {key: f["score"] for key, f in said.items()} == {"passed": 0, "facts": 1, "tone": 0}
    assert said["tone"]["comment"] == "turn 1: 9 lines, at most 8\nturn 2: an apology is missing"


def test_publishing_again_changes_nothing(server: LangSmithServer, langsmith: LangSmith) -> None:
    publish(RUN, ROWS, CASES, langsmith)
    writes = len(server.writes)
    publish(RUN, ROWS, CASES, langsmith)
    assert server.writes[writes:] == []


def test_a_changed_case_and_a_changed_verdict_replace_what_was_there(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    publish(RUN, ROWS, CASES, langsmith)
    before = len(server.examples), len(server.runs), len(server.feedback)
    better = a_row("owes-zh", passed=True, verdicts=[Verdict(scorer="tone", passed=True)])
    publish(RUN, [better], [a_case("owes-zh", says="S$")], langsmith)
    assert (len(server.examples), len(server.runs), len(server.feedback)) == before
    [example] = [e for e in server.examples.values() if e["metadata"]["case"] == "owes-zh"]
    assert example["outputs"]["turns"] == [{"says": ["S$"]}]
    [run] = [r for r in server.runs_of(f"{RUN.id}-accounts") if r["name"] == "owes-zh"]
    said = {f["key"]: f for f in server.feedback.values() if f["run_id"] == run["id"]}
    assert (said["tone"]["score"], said["tone"]["comment"]) == (1, None)
    assert said["passed"]["score"] == 1


def test_a_row_that_was_not_played_is_not_brought(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    publish(RUN, [a_row("owes", skipped="played only with the stand-in")], CASES, langsmith)
    assert not server.runs


def test_what_does_not_arrive_is_said_and_brought_the_next_time(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    server.refuses_runs = True
    with pytest.raises(NotPublished):
        publish(RUN, ROWS, CASES, langsmith)
    server.refuses_runs = False
    langsmith.errors.clear()
    publish(RUN, ROWS, CASES, langsmith)
    assert len(server.runs) == len(ROWS)
    assert len(server.feedback) == 3 * len(ROWS)


def test_more_rows_than_a_page_are_all_found_again(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    cases = [a_case(f"case-{n}") for n in range(120)]
    rows = [a_row(case.id) for case in cases]
    publish(RUN, rows, cases, langsmith)
    assert (len(server.examples), len(server.runs)) == (120, 120)
    writes = len(server.writes)
    publish(RUN, rows, cases, langsmith)
    assert server.writes[writes:] == []


def test_a_turn_leads_to_its_trace_where_turns_were_traced(
    server: LangSmithServer, langsmith: LangSmith
) -> None:
    assert publish(RUN, ROWS, CASES, langsmith).trace(TURN_RUN) is None
    traces = server.session(traces_project(RUN.id))
    later = RUN.model_copy(update={"id": "later"})
    server.session(traces_project("later"))
    published = publish(later, ROWS, CASES, langsmith)
    assert f"/r/{TURN_RUN}" in (published.trace(TURN_RUN) or "")
    assert traces["id"] not in (published.trace(TURN_RUN) or "")
    [run] = [r for r in server.runs_of("later-policies") if r["name"] == "fee"]
    assert run["outputs"]["turns"][0]["trace"] == published.trace(TURN_RUN)


def test_without_a_key_there_is_no_client_and_every_switch_is_off() -> None:
    assert langsmith_of({"LANGSMITH_ENDPOINT": "https://langsmith.tria.example"}) is None
    off = tracing_for({"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true"}, "a-run")
    assert off == dict.fromkeys(SWITCHES, "false") == OFF


def ask(service: ServiceProcess, text: str) -> dict[str, Any]:
    headers = headers_of(customer())
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as http:
        thread = http.post("/threads", json={}).json()["thread_id"]
        question = {"messages": [{"role": "user", "content": text}]}
        body = {"assistant_id": "tria", "input": question}
        run = http.post(f"/threads/{thread}/runs", json=body).json()
        values = http.get(f"/threads/{thread}/runs/{run['run_id']}/join").json()
    return {"run_id": run["run_id"], "thread_id": thread, "values": values}


def traced_service(
    environment: dict[str, str], control: Control, folder: Path, **more: str
) -> ServiceProcess:
    """A service with the stand-in model, on a machine where tracing is switched on."""
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    switched_on = dict.fromkeys(SWITCHES[:2] + SWITCHES[3:], "true")
    model = {"OPENAI_API_KEY": "a key", "OPENAI_BASE_URL": f"{control.root}/openai/v1"}
    return ServiceProcess(environment | switched_on | model | {"TRIA_DATA": str(folder)} | more)


def test_without_a_key_nothing_leaves_the_machine(
    environment: dict[str, str], control: Control, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(RECORDER)
    seen = tmp_path / "connections"
    recorded = {"CONNECTIONS": str(seen), "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    service = traced_service(environment, control, tmp_path, **recorded, **tracing_for({}, "a-run"))
    service.start()
    try:
        assert ask(service, "what do I owe?")["values"]["messages"][-1]["content"]
    finally:
        service.stop()
    lines = set(seen.read_text().splitlines())
    assert any(f"'127.0.0.1', {urlsplit(control.root).port})" in line for line in lines)
    assert [line for line in sorted(lines) if not is_local(line)] == []


def is_local(line: str) -> bool:
    """A connection to this machine, or a name that means it."""
    _, place = line.split(" ", 1)
    is_here = place.startswith(("('127.0.0.1'", "('::1'", "'127.0.0.1'", "'localhost'", "'/"))
    return is_here or place in ("None", "b'127.0.0.1'", "b'localhost'")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("socket.connect ('127.0.0.1', 5432)", True),
        ("socket.connect '/run/postgres/.s'", True),
        ("socket.connect ('34.1.2.3', 443)", False),
        ("socket.getaddrinfo 'api.smith.langchain.com'", False),
    ],
)
def test_what_is_on_this_machine(line: str, *, expected: bool) -> None:
    assert is_local(line) is expected


def test_with_a_key_a_turns_trace_has_its_runs_id_and_the_prompts_and_nobodys_data(
    environment: dict[str, str], control: Control, tmp_path: Path, server: LangSmithServer
) -> None:
    known = {"LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": server.url}
    service = traced_service(environment, control, tmp_path, **tracing_for(known, "a-run"))
    service.start()
    try:
        asked = ask(service, "my name is Zebulon Quark, 9123 4567, what do I owe?")
    finally:
        service.stop()
    trace = server.runs[asked["run_id"]]
    assert trace["session_name"] == traces_project("a-run")
    told = trace["extra"]["metadata"]
    assert {name: told.get(f"prompt_{name}") for name in versions()} == versions()
    assert told["thread_id"] == asked["thread_id"]
    inside = [run for run in server.runs.values() if run["trace_id"] == asked["run_id"]]
    assert {"screen_message", "classify_intent", "compose_reply"} <= {r["name"] for r in inside}
    assert {run["run_type"] for run in inside} >= {"chain", "llm"}
    assert "what do I owe?" in json.dumps(trace["inputs"])
    sent = json.dumps(list(server.runs.values()))
    assert [word for word in ("Zebulon", "9123") if word in sent] == []

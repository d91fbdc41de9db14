"""`tria` for operators: conversations found, taken over and exported, turns repaired."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from api.cli import command_parser, open_parts
from api.terminal import Refused
from graph.settings import Settings
from tests.api.test_approvals import told
from tests.api.test_conversations import a_thread, say
from tests.conftest import customer
from tools.errors import TriaError

NOBODY = str(uuid4())


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str = ""


Terminal = Callable[..., Awaitable[Ended]]


@pytest.fixture
def terminal(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Runs a command in this process, as what the graph needs takes seconds to import."""

    async def run(*words: str) -> Ended:
        asked = command_parser().parse_args(words)
        capsys.readouterr()
        async with open_parts(settings) as opened:
            try:
                await asked.run(asked, opened)
            except (Refused, TriaError) as error:
                return Ended(1, "", str(error))
        # The service logs to the same output, in lines of its own.
        lines = capsys.readouterr().out.splitlines(keepends=True)
        return Ended(0, "".join(line for line in lines if "[info " not in line))

    return run


def rows(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


async def a_failed_run(
    sdk: LangGraphClient, postgres_url: str, error: str = "backend_unavailable"
) -> tuple[str, str]:
    """A conversation whose last turn got no answer, as after an outage."""
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        [(run_id,)] = connection.execute(
            "update runs set status = 'failed', error = %s"
            " where thread_id = %s returning run_id::text",
            [error, thread],
        ).fetchall()
        connection.execute("delete from messages where run_id = %s and role = 'ai'", [run_id])
    return thread, str(run_id)


@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("runs", "--stuck", "--failed"),
        ("resume",),
        ("resume", "no-id"),
        ("skip", NOBODY),
        ("conversations", "--needs", "nothing"),
        ("reply", NOBODY),
        ("privacy",),
        ("privacy", "erase"),
    ],
)
def test_a_command_that_is_not_understood_is_explained(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_parser().parse_args(words)
    assert ended.value.code == 2
    assert "usage: tria" in capsys.readouterr().err


async def test_a_failed_turn_is_found_and_retried_at_a_terminal(
    sdk: LangGraphClient, terminal: Terminal, postgres_url: str
) -> None:
    thread, run = await a_failed_run(sdk, postgres_url)
    listed = await terminal("runs", "--failed", "--json")
    [found] = [row for row in rows(listed.stdout) if row["run_id"] == run]
    assert found["thread_id"] == thread
    assert "backend unavailable" in found["text"]
    needing = await terminal("conversations", "--needs", "failed")
    assert thread in needing.stdout
    assert "No answer: backend unavailable" in needing.stdout

    dry = await terminal("retry", run, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"Would retry run {run}" in dry.stdout
    assert "Nothing was done." in dry.stdout
    assert len((await sdk.threads.get_state(thread))["values"]["messages"]) == 1  # type: ignore[call-overload]

    once = str(uuid4())
    done = await terminal("retry", run, "--as", "Mei", "--once", once)
    assert done.returncode == 0, done.stderr
    assert "You owe" in (await told(sdk, thread, 2))[-1]["content"]
    again = await terminal("retry", run, "--as", "Mei", "--once", once)
    assert (again.returncode, again.stdout) == (0, "It was done before.\n")
    refused = await terminal("resume", run)
    assert refused.returncode == 1
    assert "has its answer" in refused.stderr
    trail = rows((await terminal("audit", run, "--json")).stdout)
    assert [(row["event"], row["actor"]) for row in trail] == [("run.retried", "cli:Mei")]


async def test_a_failed_turn_is_abandoned_with_a_message(
    sdk: LangGraphClient, terminal: Terminal, postgres_url: str
) -> None:
    thread, run = await a_failed_run(sdk, postgres_url)
    done = await terminal("abandon", run, "--message", "We rang you instead.", "--as", "Mei")
    assert done.returncode == 0, done.stderr
    assert (await told(sdk, thread, 2))[-1]["content"] == "We rang you instead."


async def test_all_that_failed_on_one_error_is_resumed(
    sdk: LangGraphClient, terminal: Terminal, postgres_url: str
) -> None:
    error = f"outage_{uuid4().hex[:6]}"
    failed = [await a_failed_run(sdk, postgres_url, error) for _ in range(2)]
    dry = await terminal("resume-all", "--error", error, "--dry-run", "--json")
    assert [row["run_id"] for row in rows(dry.stdout)] == [run for _, run in failed]
    done = await terminal("resume-all", "--error", error, "--as", "Mei")
    assert done.stdout == "Resumed: 2.\n", done.stderr
    for thread, _ in failed:
        assert "You owe" in (await told(sdk, thread, 2))[-1]["content"]
    again = await terminal("resume-all", "--error", error)
    assert again.stdout == "Resumed: 0.\n"


async def test_a_turn_is_played_again_without_a_trace(
    sdk: LangGraphClient, terminal: Terminal, tmp_path: Path
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    [run] = await sdk.runs.list(thread)
    forked = await terminal("fork", run["run_id"], "--model", "none")
    assert forked.returncode == 0, forked.stderr
    assert "You owe" in forked.stdout
    assert len((await sdk.threads.get_state(thread))["values"]["messages"]) == 2  # type: ignore[call-overload]
    file = tmp_path / "draft.md"
    file.write_text("Be kind.")
    wrong = await terminal("fork", run["run_id"], "--prompt", f"no_such={file}")
    assert wrong.returncode == 1
    assert "there is no 'no_such'" in wrong.stderr


async def test_a_person_takes_over_writes_and_hands_back_at_a_terminal(
    sdk: LangGraphClient, terminal: Terminal
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    early = await terminal("reply", thread, "hello", "--as", "Mei")
    assert early.returncode == 1
    assert "Take it over first" in early.stderr
    assert (await terminal("take-over", thread, "--as", "Mei")).returncode == 0
    assert (await terminal("reply", thread, "Mei here, one moment.", "--as", "Mei")).stdout == (
        "Sent.\n"
    )
    listed = await terminal("conversations", "--search", thread, "--json")
    assert [row["person"]["name"] for row in rows(listed.stdout)] == ["Mei"]
    assert (await terminal("hand-back", thread, "--as", "Mei")).stdout == "Handed back.\n"
    said = [m["content"] for m in await told(sdk, thread, 5)]
    assert said[3] == "Mei here, one moment."


async def test_a_conversation_is_exported_masked_unless_somebody_says_why(
    sdk: LangGraphClient, terminal: Terminal
) -> None:
    thread = await a_thread(sdk)
    for _ in range(2):
        await say(sdk, thread, "what do I owe? ring me on 91234567")
    about, *turns = rows((await terminal("export", thread)).stdout)
    assert about["conversation"]["customer_id"] == customer().customer_id
    assert [row["turn"]["turn"] for row in turns] == [1, 2]
    assert "91234567" not in json.dumps(turns)
    whole = await terminal("export", thread, "--unmasked", "access request", "--as", "Mei")
    assert "91234567" in whole.stdout
    [row] = rows((await terminal("audit", thread, "--actor", "cli:Mei", "--json")).stdout)
    assert row["detail"]["reason"] == "access request"
    missing = await terminal("export", NOBODY)
    assert missing.returncode == 1
    assert "tria conversations" in missing.stderr

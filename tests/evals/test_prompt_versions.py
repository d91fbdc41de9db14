"""Which prompt asked: in the turn's record, in the metrics and on traces."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langgraph.runtime import Runtime
from langsmith.run_helpers import get_tracing_context
from prometheus_client import REGISTRY

from graph.counting import count_turn
from graph.traces import told_to_tracers, trace_id
from graph.worker import _config_for
from nodes.call_xero_tools import call_xero_tools
from nodes.classify_intent import classify_intent
from nodes.compose_reply import compose_reply
from nodes.prompts import version, versions
from tests.nodes.conftest import (
    Stream,
    a_state,
    clients,
    context,
    model,
    nothing_kept,
    with_model,
)
from tests.tools.conftest import Control, control
from tools.context import Context

__all__ = ["clients", "context", "control", "model", "nothing_kept", "with_model"]

RUN = {
    "run_id": UUID(int=7),
    "thread_id": UUID(int=8),
    "graph_thread": "8:7",
    "attempts": 1,
    "resume": None,
    "asked_in": None,
    "request": {},
}
UNSURE = "settle it for us"


@pytest.mark.parametrize("file", sorted(Path("nodes/prompts").glob("*.md")), ids=lambda f: f.stem)
def test_a_prompts_version_is_that_of_its_text(file: Path) -> None:
    assert version(file.stem) == hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert versions()[file.stem] == version(file.stem)


def test_no_two_prompts_share_a_version() -> None:
    assert len(set(versions().values())) == len(versions()) > 1


async def test_a_reply_and_its_further_try_name_the_prompts_that_asked_for_them(
    with_model: Context, control: Control
) -> None:
    runtime = Stream(with_model).runtime
    state = a_state("what do I owe?", "balance")
    state = {**state, **await call_xero_tools(state, runtime)}
    control.model("lying", lies="amount", seed=3)
    update = await compose_reply(state, runtime)
    asked = [(call["purpose"], call["prompt"]) for call in update["spent"]]
    assert asked == [
        ("compose_reply", version("compose_reply")),
        ("compose_reply", version("rewrite_sentence")),
    ]


async def test_what_the_model_picks_and_sorts_names_its_prompt(
    with_model: Context, control: Control
) -> None:
    control.model("echo", form={"intents": ["invoice"]})
    sorting = await classify_intent(a_state(UNSURE), Runtime(context=with_model))
    assert [c["prompt"] for c in sorting["spent"]] == [version("classify_intent")]
    asked = a_state("which ones did you send us in september", "invoice")
    picking = await call_xero_tools(asked, Runtime(context=with_model))
    assert {c["prompt"] for c in picking["spent"]} == {version("call_xero_tools")}


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.parametrize("prompt", ["0123456789ab", None])
def test_calls_of_the_model_are_counted_by_prompt(prompt: str | None) -> None:
    labels = {"purpose": "compose_reply", "prompt": prompt or "unknown"}
    before = counted("tria_model_calls_total", **labels)
    tokens = counted("tria_model_tokens_total", direction="in", **labels)
    call: dict[str, Any] = {"purpose": "compose_reply", "tokens_in": 5, "tokens_out": 7, "usd": "1"}
    told = call | ({"prompt": prompt} if prompt else {})
    count_turn({"reply": {"by": "model", "is_shared": False}, "spent": [told]})
    assert counted("tria_model_calls_total", **labels) == before + 1
    assert counted("tria_model_tokens_total", direction="in", **labels) == tokens + 5


def test_a_tracer_is_told_the_run_and_every_prompt_and_nobody_afterwards() -> None:
    with told_to_tracers(RUN):
        told = get_tracing_context()["metadata"]
    assert told == {
        **{f"prompt_{name}": version(name) for name in versions()},
        "run_id": str(UUID(int=7)),
        "attempt": 1,
        "trace_id": UUID(int=7).hex,
    }
    assert not get_tracing_context()["metadata"]


def test_a_trace_has_its_runs_id_and_a_further_attempt_one_of_its_own() -> None:
    assert _config_for(RUN)["run_id"] == UUID(int=7)
    again, resumed = RUN | {"attempts": 2}, RUN | {"resume": {"approved": True}}
    ids = {trace_id(RUN), trace_id(again), trace_id(resumed)}
    assert len(ids) == 3
    assert trace_id(again) == trace_id(dict(again))


def test_turns_are_grouped_by_conversation_and_prompts_stay_out_of_checkpoints() -> None:
    assert _config_for(RUN)["metadata"] == {"thread_id": str(UUID(int=8))}

"""The state machine of one turn. This file alone says what runs after what."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, get_args

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import RetryPolicy

from graph.counting import node_watch
from graph.routing import (
    Step,
    after_action,
    after_await_approval,
    after_call_xero_tools,
    after_commit_action,
    after_confirm_action,
    after_propose_action,
    after_start,
    after_validate_output,
)
from nodes.adapt_tone import adapt_tone
from nodes.await_approval import await_approval
from nodes.call_xero_tools import call_xero_tools
from nodes.classify_intent import classify_intent
from nodes.commit_action import commit_action
from nodes.compose_reply import compose_reply
from nodes.confirm_action import confirm_action
from nodes.hand_off import hand_off
from nodes.propose_action import propose_action
from nodes.propose_order import propose_order
from nodes.report_outcome import report_outcome
from nodes.retrieve_policies import retrieve_policies
from nodes.screen_message import screen_message
from nodes.state import State
from nodes.validate_output import validate_output
from tools.context import Context
from tools.errors import BackendUnavailable

Graph = CompiledStateGraph[State, Context, State, State]
Wiring = StateGraph[State, Context, State, State]
P = ParamSpec("P")

RETRY = RetryPolicy(
    max_attempts=3, initial_interval=0.2, jitter=False, retry_on=(BackendUnavailable, OSError)
)
READ_SECONDS = 10
WRITE_SECONDS = 40
REPLY_SECONDS = 60


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """One turn: from a message, or from something to tell, to the answer."""
    graph = StateGraph(State, context_schema=Context)
    _add_nodes(graph)
    _add_edges(graph)
    return graph.compile(checkpointer=checkpointer, name="tria")


def _add_nodes(graph: Wiring) -> None:
    """Every node with its retries and its time limit; each try that raises is counted."""
    graph.add_node(_at_once(screen_message), retry_policy=_watched("screen_message"))
    graph.add_node(
        classify_intent, timeout=READ_SECONDS, retry_policy=[*_watched("classify_intent"), RETRY]
    )
    graph.add_node(
        retrieve_policies,
        timeout=READ_SECONDS,
        retry_policy=[*_watched("retrieve_policies"), RETRY],
    )
    graph.add_node(
        call_xero_tools, timeout=WRITE_SECONDS, retry_policy=[*_watched("call_xero_tools"), RETRY]
    )
    graph.add_node(
        propose_order, timeout=WRITE_SECONDS, retry_policy=[*_watched("propose_order"), RETRY]
    )
    graph.add_node(
        propose_action, timeout=WRITE_SECONDS, retry_policy=[*_watched("propose_action"), RETRY]
    )
    graph.add_node(
        confirm_action, timeout=READ_SECONDS, retry_policy=[*_watched("confirm_action"), RETRY]
    )
    graph.add_node(
        commit_action, timeout=WRITE_SECONDS, retry_policy=[*_watched("commit_action"), RETRY]
    )
    graph.add_node(hand_off, timeout=READ_SECONDS, retry_policy=[*_watched("hand_off"), RETRY])
    graph.add_node(_at_once(adapt_tone), retry_policy=_watched("adapt_tone"))
    graph.add_node(
        compose_reply, timeout=REPLY_SECONDS, retry_policy=[*_watched("compose_reply"), RETRY]
    )
    graph.add_node(
        validate_output, timeout=READ_SECONDS, retry_policy=[*_watched("validate_output"), RETRY]
    )
    graph.add_node(_at_once(await_approval), retry_policy=_watched("await_approval"))
    graph.add_node(
        report_outcome, timeout=READ_SECONDS, retry_policy=[*_watched("report_outcome"), RETRY]
    )


def _at_once(step: Callable[P, Any]) -> Callable[P, Coroutine[Any, Any, Any]]:
    """The same, done where it is called.

    LangGraph has a thread do whatever is no coroutine; the way there and back takes longer than
    any of these steps.
    """

    @wraps(step)
    async def done(*args: P.args, **kwargs: P.kwargs) -> Any:
        return step(*args, **kwargs)

    return done


def _watched(node: str) -> list[RetryPolicy]:
    """Asked before any other policy of its node, and never for another try."""
    return [RetryPolicy(max_attempts=1, retry_on=node_watch(node))]


def _add_edges(graph: Wiring) -> None:
    """What follows what."""
    graph.add_conditional_edges(START, _at_once(after_start))
    graph.add_edge("screen_message", "classify_intent")
    graph.add_edge("screen_message", "retrieve_policies")
    graph.add_edge(["classify_intent", "retrieve_policies"], "call_xero_tools")
    graph.add_conditional_edges(
        "call_xero_tools", _at_once(after_call_xero_tools), [*get_args(Step)]
    )
    graph.add_conditional_edges("propose_order", _at_once(after_action))
    graph.add_conditional_edges("propose_action", _at_once(after_propose_action))
    graph.add_conditional_edges("confirm_action", _at_once(after_confirm_action))
    graph.add_conditional_edges("commit_action", _at_once(after_commit_action))
    graph.add_conditional_edges("report_outcome", _at_once(after_action))
    graph.add_edge("hand_off", "adapt_tone")
    graph.add_edge("adapt_tone", "compose_reply")
    graph.add_edge("compose_reply", "validate_output")
    graph.add_conditional_edges("validate_output", _at_once(after_validate_output))
    graph.add_conditional_edges("await_approval", _at_once(after_await_approval))

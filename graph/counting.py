"""Counts what turns came to, from the state that they leave: no node knows of metrics."""

from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from graph.focus import ASKING
from monitoring import metrics
from nodes.cards.asking import FOR_A_PERSON
from nodes.hand_off import BY_INTENT
from nodes.prompts import version
from nodes.reads.requests import FOR_PEOPLE
from nodes.state import INTENTS, Found, State, facts_of
from tools.actions.proposing import Kind
from tools.actions.store import End
from tools.errors import TriaError
from tools.grounding.claims import KINDS

OTHER = "other"
BY = ("code", "classifier", "model")
REASONS = frozenset(
    (
        *(*BY_INTENT, *FOR_A_PERSON.values(), *FOR_PEOPLE.values(), *get_args(Kind)),
        *("urgent", "misunderstood", "approval", "guessing", "unknown_outcome"),
        *("payment_reported", "not_in_price_list", "too_many_documents", "account_on_hold"),
        *("delivery_begun", "order_processed", "no_email_on_file", "statement_mismatch"),
        *("differences", "write_refused", "write_impossible", "total_differs", "not_taken_back"),
    )
)
# What a claim is about, as far as it is not a name.
RULES = KINDS | {"name"}
UNSOURCED = "no source for "
REWRITE = "rewrite_sentence"
AWAY = ("unavailable", "not_written")


def begin_counts() -> None:
    """Every series that there may be begins at none, so that its first count is a rise."""
    metrics.begin(metrics.INTENTS, INTENTS, BY)
    metrics.begin(metrics.HANDOFFS, (*REASONS, OTHER))
    metrics.begin(metrics.GATE_REFUSALS, (*RULES, OTHER))
    metrics.begin(metrics.ACTIONS_ENDED, get_args(Kind), get_args(End))


def count_turn(state: Mapping[str, Any]) -> None:
    """What was wanted, what was found, how it was said, what it cost and what came of it."""
    known = cast(State, state)
    _count_model(known)
    _count_understanding(known)
    _count_retrieval(known)
    _count_reply(known)
    if handoff := known.get("handoff"):
        reason = handoff.get("reason")
        metrics.HANDOFFS.labels(reason if reason in REASONS else OTHER).inc()
        if reason == "guessing":
            metrics.GUESSING.inc()


def count_gate(result: Mapping[str, Any]) -> None:
    """What the gate found in one whole reply, whether or not it is written again."""
    for problem in (result.get("verdict") or {}).get("problems", []):
        _count_refusal(problem.removeprefix(UNSOURCED))


def node_watch(node: str) -> Callable[[Exception], bool]:
    """What a node's retries ask first: counts that a try raised, and decides nothing."""
    metrics.NODE_ERRORS.labels(node, OTHER)

    def raised(error: Exception) -> bool:
        kind = type(error).__name__ if isinstance(error, TriaError) else OTHER
        metrics.NODE_ERRORS.labels(node, kind).inc()
        return False

    return raised


def _count_refusal(rule: str) -> None:
    metrics.GATE_REFUSALS.labels(rule if rule in RULES else OTHER).inc()


def _count_model(state: State) -> None:
    for call in state.get("spent", []):
        asked = (call["purpose"], call.get("prompt", "unknown"))
        metrics.MODEL_CALLS.labels(*asked).inc()
        metrics.MODEL_TOKENS.labels(*asked, "in").inc(call["tokens_in"])
        metrics.MODEL_TOKENS.labels(*asked, "out").inc(call["tokens_out"])
        metrics.MODEL_USD.labels(*asked).inc(float(call["usd"]))
        for rule in call.get("refused", []):
            _count_refusal(rule)


def _count_understanding(state: State) -> None:
    understood = state.get("understanding")
    if not understood or not (found := understood["intents"]):
        return
    for intent in found:
        metrics.INTENTS.labels(intent["name"], understood["by"]).inc()
    if understood["by"] == "classifier":
        metrics.INTENT_CONFIDENCE.observe(max(intent["confidence"] for intent in found))


def _count_retrieval(state: State) -> None:
    """A turn without a message asks nothing."""
    if "passages" not in state:
        return
    scores = [passage.get("score", 0.0) for passage in state["passages"]]
    is_away = any(fact.get("part") == "policies" for fact in facts_of(state, "unavailable"))
    result = "unavailable" if is_away else "found" if scores else "nothing"
    metrics.RETRIEVALS.labels(result).inc()
    if scores:
        metrics.RETRIEVAL_SCORE.observe(max(scores))


def _count_reply(state: State) -> None:
    reply = state["reply"]
    metrics.REPLIES.labels(reply["by"]).inc()
    if reply["is_shared"]:
        metrics.CACHE_ASKED.labels("hit" if reply["by"] == "cache" else "miss").inc()
    metrics.TURN_RESULTS.labels(result_of(state)).inc()
    metrics.GATE_VERDICTS.labels(verdict_of(state)).inc()


def result_of(state: State) -> str:
    """What a turn came to, the weightiest first."""
    if state.get("handoff"):
        return "handed_off"
    if (state.get("card") or {}).get("status") == "proposed":
        return "card"
    found: list[Found] = state["understanding"]["intents"] if state.get("understanding") else []
    is_unclear = bool(found) and all(intent["name"] == "unclear" for intent in found)
    if is_unclear or any(facts_of(state, kind) for kind in ASKING):
        return "asked_back"
    return "unavailable" if any(facts_of(state, kind) for kind in AWAY) else "answered"


def verdict_of(state: State) -> str:
    """How the whole reply left the gate."""
    reply, verdict = state["reply"], state.get("verdict")
    if reply.get("withheld") or (verdict and not verdict["passed"]):
        return "fixed"
    asked = [call for call in state.get("spent", []) if call["purpose"] == "compose_reply"]
    if reply["by"] == "model":
        is_again = any(call.get("prompt") == version(REWRITE) for call in asked)
        return "rewritten" if is_again else "passed"
    is_rewritten = bool(verdict and verdict["tries"] > 1) or (asked and reply["by"] != "cache")
    return "templates" if is_rewritten else "passed"

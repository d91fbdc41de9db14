"""Counts and traces what tools tell of calls and cards: tools know no telemetry."""

import re
import time
from collections.abc import Mapping, Sequence

from typing_extensions import override

from graph.tracing import note_call
from monitoring import genai, metrics
from tools.model.calls import ModelCall
from tools.xero.answers import Answer, Problem
from tools.xero.cache import Cache, Recalled
from tools.xero.exchange import Call, Exchange
from tools.xero.limits import Busy, DaySpent, Lane
from tools.xero.oauth import Access
from tools.xero.requests import Ask

OPERATION, PROVIDER = "chat", "openai"  # whoever serves it, by that API
REFUSED: frozenset[Problem] = frozenset({"rejected", "forbidden", "not_found"})
# Paths are written in the code; whatever else would come here must not make a series of its own.
PATH = re.compile(r"(?:/(?:[A-Z][A-Za-z]{1,30}|\{id\})){1,4}")


def count_model_call(call: ModelCall) -> None:
    """Times and tokens of one call of the model."""
    labels = (OPERATION, PROVIDER, call.model)
    _trace_model_call(call)
    for direction, tokens in (("input", call.usage.tokens_in), ("output", call.usage.tokens_out)):
        if tokens:
            genai.TOKEN_USAGE.labels(direction, *labels).observe(tokens)
    if call.failure is not None:
        genai.DURATION.labels(*labels, call.failure).observe(call.seconds)
    if call.first is not None:
        genai.FIRST_CHUNK.labels(*labels).observe(call.first)
        further = genai.PER_CHUNK.labels(*labels)
        for seconds in call.further:
            further.observe(seconds)


def count_xero_call(call: Call) -> None:
    """How one call that was sent to Xero went."""
    _observe(call.method, call.path, _outcome(call), call.ms / 1000)
    path = _known(call.path)
    note_call(
        f"{call.method} {path}",
        call.ms / 1000,
        call.problem or "",
        {
            "http.request.method": call.method,
            "url.template": path,
            "http.response.status_code": call.status or None,
            "tria.xero.lane": call.lane,
            "tria.xero.correlation_id": call.correlation_id,
        },
    )


def _outcome(call: Call) -> str:
    problem = call.problem
    if problem is None:
        return "ok"
    if problem in REFUSED:
        return "rejected"
    if problem.startswith("limit_"):
        return "limited"
    is_open = problem in ("answer_lost", "failed", "unusable") and call.method != "GET"
    return "unknown" if is_open else "unavailable"


def _observe(method: str, path: str, outcome: str, seconds: float) -> None:
    metrics.XERO_CALL_SECONDS.labels(method, _known(path), outcome).observe(seconds)


def _known(path: str) -> str:
    return path if PATH.fullmatch(path) else "other"


def _trace_model_call(call: ModelCall) -> None:
    note_call(
        f"{OPERATION} {call.model}",
        call.seconds,
        "left" if call.failure is None else call.failure,
        {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": call.model,
            "gen_ai.usage.input_tokens": call.usage.tokens_in,
            "gen_ai.usage.output_tokens": call.usage.tokens_out,
            "gen_ai.response.time_to_first_chunk": call.first and round(call.first, 4),
        },
    )


class CountedExchange(Exchange):
    """Also counts what our own limits did not let through."""

    @override
    async def send(self, ask: Ask, lane: Lane) -> tuple[Answer, Access]:
        started = time.monotonic()
        try:
            return await super().send(ask, lane)
        except (Busy, DaySpent):
            _observe(ask.method, ask.template, "limited", time.monotonic() - started)
            raise


class CountedCache(Cache):
    """Also counts how often an answer was there. While nothing can be kept, nothing is counted."""

    @override
    async def recall(
        self, tenant: str, path: str, params: Mapping[str, str], tags: Sequence[str]
    ) -> Recalled | None:
        found = await super().recall(tenant, path, params, tags)
        if found:
            metrics.XERO_CACHE.labels("miss" if found.body is None else "hit").inc()
        return found


def count_ended(kind: str, end: str) -> None:
    """A card has ended."""
    metrics.ACTIONS_ENDED.labels(kind, end).inc()


def count_resolved(resolution: str) -> None:
    """A conversation's matter is settled, or has come back."""
    metrics.RESOLUTIONS.labels(resolution).inc()


def count_doubled(_document: str) -> None:
    """One write stands twice in the books."""
    metrics.WRITES_DOUBLED.inc()

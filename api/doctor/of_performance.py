"""How fast it is, against bars that customers would feel."""

import asyncio
import math
import time
from collections.abc import Sequence

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.of_function import BALANCE, RULE
from api.doctor.outside import Outside, Turn

TURN_P95, FIRST_P95, READ_P95, CONNECT_P95, STALL = 10.0, 2.0, 0.5, 1.0, 5.0
AT_ONCE = 10

PERFORMANCE: Checks[Outside] = Checks()
add = PERFORMANCE.add


@add(
    "performance.turns",
    f"whether 95 of 100 turns end within {TURN_P95:.0f} s",
    "Open the trace of a slow turn on the console: it shows which step takes the time.",
    stage=1,
    seconds=300,
)
async def turns(there: Outside) -> Finding:
    """One after the other, each in a conversation of its own."""
    customer = there.customer()
    texts = (RULE, BALANCE)
    there.turns = [await customer.say(texts[n % 2]) for n in range(there.asked.turns)]
    return _within([turn.seconds for turn in there.turns], TURN_P95)


@add(
    "performance.first",
    f"whether 95 of 100 turns say something within {FIRST_P95:.0f} s",
    "Look for a proxy that holds answers up, then at the queue on the dashboard.",
    stage=2,
)
async def first(there: Outside) -> Finding:
    """From the message to the first words of its answer, in the same turns."""
    return _within([turn.first_seconds for turn in _played(there)], FIRST_P95)


@add(
    "performance.stalls",
    f"whether no stream stands still for {STALL:.0f} s",
    "Look for a proxy that holds answers up, then at the model's dashboard.",
    stage=2,
)
async def stalls(there: Outside) -> Finding:
    """The longest time between two events, in the same turns."""
    gaps = [
        later.at - event.at
        for turn in _played(there)
        for event, later in zip(turn.events, turn.events[1:], strict=False)
    ]
    return verdict(f"the longest is {max(gaps):.2f} s", ok=max(gaps) < STALL)


@add(
    "performance.parallel",
    f"whether {AT_ONCE} customers at once are all answered within the same bar",
    "See the queue's age on the dashboard; add replicas.",
    stage=2,
    seconds=120,
)
async def parallel(there: Outside) -> Finding:
    """Each in a conversation of its own."""
    customer = there.customer()
    every = await asyncio.gather(*(customer.say(RULE) for _ in range(AT_ONCE)))
    answered = sum(bool(turn.text) for turn in every)
    found = _within([turn.seconds for turn in every], TURN_P95)
    is_well = found.result == "pass" and answered == AT_ONCE
    return verdict(f"{answered} answered, {found.evidence}", ok=is_well)


@add(
    "performance.reads",
    f"whether 95 of 100 reads take less than {READ_P95} s",
    "See Postgres on its dashboard.",
    stage=3,
)
async def reads(there: Outside) -> Finding:
    """The list of the customer's conversations."""
    customer = there.customer()
    took = []
    for _ in range(there.asked.turns):
        started = time.monotonic()
        answer = await customer.ask("POST", "/threads/search", json={"limit": 10})
        answer.raise_for_status()
        took.append(time.monotonic() - started)
    return _within(took, READ_P95)


@add(
    "performance.connect",
    f"whether a new connection answers within {CONNECT_P95:.0f} s",
    "See the way to the server, and how busy its proxy is.",
    stage=3,
)
async def connect(there: Outside) -> Finding:
    """TCP, TLS and a small page, each time anew."""
    took = []
    for _ in range(10):
        started = time.monotonic()
        async with there.anew() as http:
            await http.get("/ok")
        took.append(time.monotonic() - started)
    return _within(took, CONNECT_P95)


@add(
    "performance.errors",
    "whether nothing that was asked so far was answered with 5xx",
    "Look for the request in the log by its trace.",
    stage=4,
)
async def errors(there: Outside) -> Finding:
    """All answers of all checks."""
    failed = sum(n for status, n in there.statuses.items() if status >= 500)
    return verdict(f"{failed} of {there.statuses.total()} answers", ok=not failed)


def _played(there: Outside) -> list[Turn]:
    if not there.turns:
        raise NotRun("no turns were played: see performance.turns")
    return there.turns


def _within(seconds: Sequence[float], bar: float) -> Finding:
    ordered = sorted(seconds)
    p50, p95 = (ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.95))
    evidence = f"p50 {p50:.2f} s, p95 {p95:.2f} s of {len(ordered)}, at most {bar} s"
    return verdict(evidence, ok=p95 <= bar)

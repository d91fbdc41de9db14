"""Whether what the doctor did can be found again: in answers, in metrics and in the log."""

import asyncio
import json
import time
from uuid import uuid4

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.outside import Outside

COUNTED = "sum(tria_turns_total)"
SCRAPE_SECONDS = 45.0
FIELDS = {"event", "level", "timestamp"}
LAST_BYTES = 200_000

TRACES: Checks[Outside] = Checks()
add = TRACES.add


@add(
    "monitoring.trace",
    "whether every answer names its trace, errors too",
    "The proxy must pass X-Trace-Id on.",
)
async def trace(there: Outside) -> Finding:
    """The caller's own trace, where it sends one."""
    ours = uuid4().hex
    asked = {"traceparent": f"00-{ours}-{ours[:16]}-01"}
    answers = [await there.http.get(path, headers=asked) for path in ("/info", "/nowhere")]
    named = [answer.headers.get("x-trace-id", "") for answer in answers]
    evidence = f"{sum(each == ours for each in named)} of {len(named)} answers name ours"
    return verdict(evidence, ok=named == [ours, ours])


@add(
    "monitoring.counted",
    "whether the turns of this check arrive in the metrics",
    "See that the Prometheus you named scrapes this service, and /targets for its errors.",
    stage=2,
    seconds=SCRAPE_SECONDS + 30,
)
async def counted(there: Outside) -> Finding:
    """The counter before a turn, and after the next scrapes."""
    before = await there.prometheus.number(COUNTED) or 0
    await there.customer().say("which days do you deliver?")
    end, after = time.monotonic() + SCRAPE_SECONDS, before
    while after <= before and time.monotonic() < end:
        await asyncio.sleep(2)
        after = await there.prometheus.number(COUNTED) or 0
    return verdict(f"{after - before:.0f} more turns", ok=after > before)


@add(
    "monitoring.logs",
    "whether each line of the log is one JSON object with its time, level and event",
    "Read the line that is none: something writes past the logger.",
    stage=4,
)
async def logs(there: Outside) -> Finding:
    """The last lines; their words are not repeated here."""
    if there.asked.log is None:
        raise NotRun("the log is not named: --log FILE, where it can be reached")
    with there.asked.log.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - LAST_BYTES))
        lines = file.read().decode(errors="replace").splitlines()[1:]
    good = sum(_is_whole(line) for line in lines)
    return verdict(f"{good} of the last {len(lines)} lines", ok=bool(lines) and good == len(lines))


def _is_whole(line: str) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() >= FIELDS

"""`make bench-profile`: where the processor's time of a turn goes, by part and by function.

The script of `make bench-turns` is played in one process under Python's own profiler, which makes
calls dearer than they are and leaves what C code does alone: the shares say where to look, and
`make bench-turns --against COMMIT` whether it helped.
"""

import argparse
import asyncio
import cProfile
import json
import logging
import pstats
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import structlog

from evals.bench.turn.served import STAND_IN
from evals.bench.turn.talks import SCRIPT
from evals.service import prepared_parts
from graph.clients import Clients, open_clients
from graph.settings import Settings
from graph.studio import demo_caller
from tools.context import Caller
from tools.intake import NewRun
from tools.sandbox.company import demo_customers

CONVERSATIONS, AT_ONCE = 20, 4
LINES = 40
ROOT = Path(__file__).parents[2]
DEEP = ("tools",)  # packages that are told apart by their own folders


class Function(NamedTuple):
    """A function of the profile; `calls` and `ms` are of one turn, `ms` with all it calls."""

    name: str
    part: str
    calls: float
    own_ms: float
    ms: float


def main() -> None:
    """Play, and print the parts and the functions; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="Where a turn's time goes.")
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--model", action="store_true", help="with the stand-in for the model")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with prepared_parts() as parts:
        model = STAND_IN if options.model else {}
        asked = {k: v.replace("{sandbox}", parts.sandbox_url) for k, v in model.items()}
        values = {k.lower(): v for k, v in (parts.environment | asked).items() if v}
        settings = Settings.model_validate(values)
        profile = asyncio.run(_profiled(settings, options.conversations))
    turns = options.conversations * len(SCRIPT)
    functions = _functions(pstats.Stats(profile), turns)
    _show(functions)
    shares = _shares(functions)
    print(json.dumps({"turns": turns, "cpu_ms": _total(functions), "percent": shares}))


async def _profiled(settings: Settings, conversations: int) -> cProfile.Profile:
    async with open_clients(settings) as clients:
        await _converse(clients, 0)  # warm up
        left = iter(range(conversations))

        async def go_on() -> None:
            for number in left:
                await _converse(clients, number)

        profile = cProfile.Profile(time.thread_time)  # others compute on this machine too
        profile.enable()
        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
        profile.disable()
    return profile


async def _converse(clients: Clients, number: int) -> None:
    customers = demo_customers()
    caller, thread_id = demo_caller(customers[number % len(customers)]), uuid4()
    await clients.conversations.create(thread_id, caller.customer_id, {})
    for text in SCRIPT:
        run = await clients.runs.create(_run(thread_id, caller, text))
        clients.executor.work_on(run)
        await clients.executor._held[run["run_id"]].task


def _run(thread_id: UUID, caller: Caller, text: str) -> NewRun:
    return NewRun(
        run_id=uuid4(),
        thread_id=thread_id,
        customer_id=caller.customer_id,
        message_id=str(uuid4()),
        content=text,
        extra={},
        strategy="enqueue",
        request={"stream_mode": ["messages-tuple", "values"]},
        scope=caller.scope,
        metadata={},
        starts=True,
    )


def _functions(profile: pstats.Stats, turns: int) -> list[Function]:
    found = []
    for (file, line, name), (_, calls, own, whole, _) in vars(profile)["stats"].items():
        where, part = _place(file)
        function = f"{where}:{line} {name}" if line else name
        found.append(
            Function(function, part, calls / turns, 1000 * own / turns, 1000 * whole / turns)
        )
    return found


def _place(file: str) -> tuple[str, str]:
    """Where a function is, and what it is part of: one of our folders, or a library."""
    path = Path(file)
    if path.is_relative_to(ROOT / "evals"):
        return path.name, "the bench"
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        inside = path.relative_to(ROOT).parts
        return "/".join(inside), "/".join(inside[: 2 if inside[0] in DEEP else 1])
    if "site-packages" in path.parts:
        inside = path.parts[path.parts.index("site-packages") + 1 :]
        return "/".join(inside), inside[0]
    return path.name, "C" if file == "~" else "Python's library"


def _show(functions: list[Function]) -> None:
    ours = [f for f in functions if (ROOT / f.name.partition(":")[0]).exists()]
    for title, chosen in (
        ("by their own time", sorted(functions, key=lambda f: -f.own_ms)),
        ("ours, with all they call", sorted(ours, key=lambda f: -f.ms)),
    ):
        print(f"\n{title}: calls a turn, own ms, ms")
        for f in chosen[:LINES]:
            print(f"{f.calls:8.1f} {f.own_ms:8.2f} {f.ms:8.2f}  {f.name}")


def _total(functions: list[Function]) -> float:
    return round(sum(f.own_ms for f in functions), 1)


def _shares(functions: list[Function]) -> dict[str, float]:
    """The percentage of each part, without what its calls of others took."""
    total, parts = sum(f.own_ms for f in functions), Counter[str]()
    for f in functions:
        parts[f.part] += f.own_ms  # type: ignore[assignment]
    return {part: round(100 * ms / total, 1) for part, ms in parts.most_common(20)}


if __name__ == "__main__":
    main()

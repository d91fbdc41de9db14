"""`make bench-xero`: what Xero's limits and an expired token cost the chat.

Twenty turns at once with an expired token, a 429 of each kind, a day that is nearly used up, and
twenty turns within Xero's real limits. The books are those of the sandbox.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import psycopg
import redis

from evals.service import Service, running_service
from graph.clients import now
from graph.settings import Settings
from graph.xero import make_xero
from tools.database import make_pool
from tools.errors import BackendUnavailable
from tools.events import make_redis
from tools.sandbox.company import demo_customers
from tools.xero.exchange import make_http

TURNS = 20
QUESTION, READ = "what do I owe?", "GET /Invoices"
QUESTIONS = (QUESTION, "which payments have you received from us?", "show me my last orders")
DAY_LIMIT, DAY_USED = 5000, 4200
REAL = {"per_minute": 60, "per_day": DAY_LIMIT, "concurrent": 5}
# What Xero says with its 429, and for how long: the chat waits for at most ten seconds.
REFUSALS: dict[str, dict[str, Any]] = {
    "minute_short": {"problem": "minute", "retry_after": 2},
    "minute_long": {"problem": "minute", "retry_after": 40},
    "concurrent": {"problem": "concurrent", "retry_after": None},
    "day": {"problem": "day", "retry_after": 3600},
}
Json = dict[str, Any]


class Turn(NamedTuple):
    """What the customer got, and after how many seconds."""

    outcome: str
    seconds: float


class Bench:
    """A running service, its sandbox and its Redis."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.sandbox = httpx.Client(base_url=f"{service.sandbox_url}/control", timeout=30)
        self.redis = redis.Redis.from_url(service.environment["REDIS_URL"], decode_responses=True)
        self.customers = [c.customer_id for c in demo_customers()]

    def forget(self) -> None:
        """No limits seen, no answers kept, no faults: each measurement starts like this."""
        self.sandbox.post("/limits", json={}).raise_for_status()
        self.sandbox.post("/faults", json={"operation": READ, "mode": "rate_limit", "times": 0})
        for key in list(self.redis.scan_iter("xero:*", count=1000)):
            self.redis.delete(key)

    def say(self, customer_id: str, question: str = QUESTION) -> Turn:
        """One turn of a new conversation."""
        headers = self.service.sign_in(customer_id)
        with httpx.Client(base_url=self.service.url, headers=headers, timeout=90) as client:
            thread = client.post("/threads", json={}).json()["thread_id"]
            message = {"role": "user", "content": question}
            body = {"assistant_id": "tria", "input": {"messages": [message]}}
            started = time.perf_counter()
            answer = client.post(f"/threads/{thread}/runs/wait", json=body)
            seconds = round(time.perf_counter() - started, 2)
        return Turn(_outcome(answer), seconds)

    def say_at_once(self, questions: Sequence[str]) -> list[Turn]:
        """Twenty turns of different customers, all at the same time."""
        asking = [self.customers[n % len(self.customers)] for n in range(TURNS)]
        asked = [questions[n % len(questions)] for n in range(TURNS)]
        with ThreadPoolExecutor(TURNS) as threads:
            return list(threads.map(self.say, asking, asked))

    def calls(self) -> int:
        """Calls that reached the accounting API."""
        return sum(c["count"] for c in self._requests() if not _is_sign_in(c["path"]))

    def refreshes(self) -> int:
        """Calls that reached the token endpoint."""
        return sum(c["count"] for c in self._requests() if c["path"] == "/connect/token")

    def refused(self) -> int:
        """429s that the service met."""
        lists = list(self.redis.scan_iter("xero:*:errors", count=1000))
        noted = [json.loads(e) for name in lists for e in self.redis.lrange(name, 0, -1)]
        return sum(e["status"] == 429 for e in noted)

    def _requests(self) -> list[Json]:
        found: list[Json] = self.sandbox.get("/requests").json()
        return found


def main() -> None:
    """Measure, and print the figures."""
    limits = {"XERO_DAY_LIMIT": str(DAY_LIMIT), "XERO_MINUTE_LIMIT": "60"}
    with running_service() as service:
        bench = Bench(service)
        figures: Json = {"expired_token": expired_token(bench)}
        figures["refusals"] = {kind: refusal(bench, kind) for kind in REFUSALS}
    with running_service(**limits) as service:
        bench = Bench(service)
        figures["day_low"] = day_low(bench)
        figures["real_limits"] = real_limits(bench)
    print(json.dumps(figures))


def expired_token(bench: Bench) -> Json:
    """Turns at once on one process, and calls of another one, when the token has just ended."""
    bench.say(bench.customers[0])
    bench.forget()
    with psycopg.connect(bench.service.environment["DATABASE_URL"], autocommit=True) as database:
        database.execute("update xero_tokens set expires_at = now()")
    before = bench.refreshes()
    with ThreadPoolExecutor(1) as other:
        elsewhere = other.submit(lambda: asyncio.run(call_elsewhere(bench.service, 5)))
        turns = bench.say_at_once([QUESTION])
        elsewhere.result()
    return {"refreshes": bench.refreshes() - before, **_summary(turns)}


def refusal(bench: Bench, kind: str) -> Json:
    """The first call of a turn meets this 429; then another turn asks."""
    bench.forget()
    order = {"operation": READ, "mode": "rate_limit", "times": 1, **REFUSALS[kind]}
    bench.sandbox.post("/faults", json=order).raise_for_status()
    figures: Json = {}
    for name, customer in zip(("first_turn", "next_turn"), bench.customers, strict=False):
        before = bench.calls()
        turn = bench.say(customer)
        figures[name] = {**turn._asdict(), "calls": bench.calls() - before}
    return figures


def day_low(bench: Bench) -> Json:
    """Less than a fifth of the day is left: who may still call?"""
    bench.forget()
    used = {"per_day": DAY_LIMIT, "day_used": DAY_USED}
    bench.sandbox.post("/limits", json=used).raise_for_status()
    first = bench.say(bench.customers[0])
    before = bench.calls()
    background = asyncio.run(call_elsewhere(bench.service, 3, background=True))
    background_calls = bench.calls() - before
    chat = bench.say(bench.customers[1])
    return {
        "day_left": DAY_LIMIT - DAY_USED,
        "chat": [first.outcome, chat.outcome],
        "background": background,
        "background_calls": background_calls,
    }


def real_limits(bench: Bench) -> Json:
    """Sixty calls a minute, five at a time: does Xero ever have to say no?"""
    bench.forget()
    bench.sandbox.post("/limits", json=REAL).raise_for_status()
    before = bench.calls()
    turns = bench.say_at_once(QUESTIONS)
    return {"calls": bench.calls() - before, "refused_429": bench.refused(), **_summary(turns)}


async def call_elsewhere(
    service: Service, count: int, *, background: bool = False
) -> Sequence[str]:
    """The same calls at once from this process: what became of each."""
    settings = Settings.model_validate({k.lower(): v for k, v in service.environment.items()})
    async with (
        make_pool(settings.database_url.get_secret_value(), max_size=4) as pool,
        make_http() as http,
    ):
        client = make_redis(settings.redis_url.get_secret_value())
        xero = make_xero(settings, pool, client, http, now).client
        xero = xero.for_background() if background else xero

        async def call() -> str:
            try:
                await xero.get("/Organisation")
            except BackendUnavailable as error:
                return type(error).__name__
            return "answered"

        found = await asyncio.gather(*(call() for _ in range(count)))
        await client.aclose()
    return sorted(set(found))


def _outcome(answer: httpx.Response) -> str:
    messages = answer.json().get("messages")
    if not messages:
        return "failed"
    return "declined" if "accounts system" in messages[-1]["content"] else "answered"


def _is_sign_in(path: str) -> bool:
    return path.startswith(("/connect/", "/connections", "/identity/"))


def _summary(turns: Sequence[Turn]) -> Json:
    seconds = sorted(t.seconds for t in turns)
    return {
        "turns": len(turns),
        "answered": sum(t.outcome == "answered" for t in turns),
        "median_s": seconds[len(seconds) // 2],
        "longest_s": seconds[-1],
    }


if __name__ == "__main__":
    main()

"""The contract of health over every combination of states, and the page that is made of it."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.health.contract import (
    CONTRACT,
    OUTAGES,
    STILL_SECONDS,
    Severity,
    is_alive,
    is_ready,
    overall,
    page_status,
)
from api.health.page import MEDIA_TYPE
from api.health.patience import MOST_LEFT, Patience
from api.health.probes import Part
from api.launch import watched

# The contract in other words: what must be so for each answer. A state that is not named here is
# bad news that the service lives with.
WELL: Mapping[str, set[str]] = {
    "postgres": {"up"},
    "migrations": {"current"},
    "redis": {"up"},
    "chroma": {"up"},
    "index": {"whole"},
    "xero": {"up"},
    "model": {"up", "absent"},
    "orders": {"working", "unasked"},
}
FATAL: Mapping[str, set[str]] = {
    "postgres": {"down", "unknown"},
    "migrations": {"behind", "unknown"},
    "orders": {"failing"},
}
GOOD = {name: next(iter(states)) for name, states in CONTRACT.items()}


def combinations() -> list[dict[str, str]]:
    states = [[(name, state) for state in CONTRACT[name]] for name in CONTRACT]
    return [dict(one) for one in itertools.product(*states)]


def expected(states: Mapping[str, str]) -> Severity:
    if any(state in FATAL.get(name, ()) for name, state in states.items()):
        return "fail"
    is_well = all(state in WELL[name] for name, state in states.items())
    return "pass" if is_well else "warn"


def test_every_combination_of_states_has_the_answer_that_was_agreed() -> None:
    every = combinations()
    assert len(every) == 3**5 * 5 * 4 * 4
    for states in every:
        whole = expected(states)
        assert overall(states) == whole, states
        assert page_status(states) == (503 if whole == "fail" else 200), states
        for is_draining in (False, True):
            can_take = (states["postgres"], states["migrations"]) == ("up", "current")
            found = is_ready(states, is_draining=is_draining)
            assert found is (can_take and not is_draining), states


def test_no_order_of_looking_lowers_what_was_found() -> None:
    bad = {"redis": "down", "orders": "failing", "index": "partial"}
    for order in itertools.permutations(CONTRACT):
        states = {name: bad.get(name, GOOD[name]) for name in order}
        assert overall(states) == "fail"


@pytest.mark.parametrize("name", CONTRACT)
def test_a_part_that_gets_worse_never_makes_the_whole_better(name: str) -> None:
    ranks = {"pass": 0, "warn": 1, "fail": 2}
    for states in combinations():
        if states[name] == GOOD[name]:
            others = [overall(states | {name: other}) for other in CONTRACT[name]]
            assert ranks[overall(states)] == min(ranks[other] for other in others)


@pytest.mark.parametrize("name", CONTRACT)
def test_a_part_that_was_not_asked_is_no_good_news(name: str) -> None:
    assert overall({k: v for k, v in GOOD.items() if k != name}) != "pass"
    assert overall(GOOD | {name: "never heard of"}) == "fail"
    assert name in OUTAGES


def test_parts_that_all_replicas_share_take_none_out_of_service() -> None:
    worst = {name: list(CONTRACT[name])[-1] for name in CONTRACT}
    shared = worst | {"postgres": "up", "migrations": "current", "orders": "failing"}
    assert is_ready(shared, is_draining=False)


@pytest.mark.parametrize(("seconds", "is_so"), [(0, True), (STILL_SECONDS + 1, False)])
def test_a_process_whose_probing_stands_still_is_to_be_started_again(
    seconds: float, *, is_so: bool
) -> None:
    assert is_alive(seconds) is is_so


def test_what_was_found_long_ago_is_not_known_any_more() -> None:
    part = Part("redis", 2.0, state="up", checked=100.0)
    assert (part.seen(110.0), part.seen(150.0)) == ("up", "unknown")
    assert Part("redis", 2.0).seen(0.0) == "unknown"


async def test_what_never_answers_is_left_behind_and_in_the_end_given_up() -> None:
    asked: list[asyncio.Event] = []

    async def hang() -> str:
        asked.append(asyncio.Event())
        await asked[-1].wait()
        return "up"

    patience = Patience(seconds=0.05, given_up=0.4)
    began = time.monotonic()
    assert [await patience.ask(hang) for _ in range(5)] == [None] * 5
    assert time.monotonic() - began < 0.35
    assert len(asked) == MOST_LEFT  # no more of them pile up
    asked[0].set()
    await asyncio.sleep(0.01)
    assert await patience.ask(hang) is None
    assert len(asked) == MOST_LEFT + 1  # one has ended: the next may ask
    await asyncio.sleep(0.5)
    assert await patience.ask(hang) is None
    assert len(asked) == MOST_LEFT + 2  # and so may one after others were given up
    patience.stop()


async def test_what_fails_and_what_answers_comes_back_as_it_is() -> None:
    async def fail() -> str:
        raise ConnectionError

    async def answer() -> str:
        return "up"

    failed, answered = await Patience().ask(fail), await Patience().ask(answer)
    assert failed
    assert isinstance(failed.exception(), ConnectionError)
    assert answered
    assert answered.result() == "up"


# ---------------------------------------------------------------- the pages


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health/startup"])
def test_a_service_whose_parts_are_there_says_yes(service_url: str, path: str) -> None:
    answer = httpx.get(service_url + path)
    assert (answer.status_code, answer.json()) == (200, {"status": "pass"})
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_shows_every_part_and_breaker_with_since_when(service_url: str) -> None:
    found: dict[str, Any] = httpx.get(f"{service_url}/health").json()
    assert found["parts"].keys() == CONTRACT.keys()
    for part in found["parts"].values():
        assert (part["status"], "stops" in part) == ("pass", False)
        assert datetime.fromisoformat(part["since"]).tzinfo
    assert found["status"] == "pass"
    assert found["parts"]["model"]["state"] == "absent"
    assert found["breakers"]["xero"]["state"] == "closed"
    assert datetime.fromisoformat(found["breakers"]["xero"]["since"]).tzinfo


def test_monitoring_tools_get_the_form_that_they_ask_for(service_url: str) -> None:
    answer = httpx.get(f"{service_url}/health", headers={"Accept": MEDIA_TYPE})
    assert answer.headers["content-type"] == MEDIA_TYPE
    found = answer.json()
    assert (answer.status_code, found["status"], found["releaseId"]) == (200, "pass", "0.1.0")
    [postgres] = found["checks"]["postgres:responseTime"]
    assert (postgres["componentType"], postgres["observedUnit"]) == ("datastore", "ms")
    assert postgres["observedValue"] > 0
    assert found["checks"]["xero:breaker"][0]["observedValue"] == "closed"
    assert {each["status"] for checks in found["checks"].values() for each in checks} == {"pass"}


@pytest.mark.parametrize("accept", ["*/*", MEDIA_TYPE])
def test_no_form_of_the_page_shows_a_secret(
    service_url: str, environment: dict[str, str], accept: str
) -> None:
    text = httpx.get(f"{service_url}/health", headers={"Accept": accept}).text
    for name in environment:
        if name.startswith(("DATABASE", "REDIS", "XERO")) or "SECRET" in name:
            assert environment[name] not in text, name


def test_the_page_is_read_from_memory(service_url: str) -> None:
    httpx.get(f"{service_url}/health")
    with httpx.Client(base_url=service_url) as client:
        started = time.monotonic()
        for _ in range(40):
            client.get("/health")
        assert (time.monotonic() - started) / 40 < 0.1


def test_the_demo_talks_to_itself_and_a_real_company_only_if_it_is_asked_to() -> None:
    assert watched({"TRIA_DEMO": "true"})["TRIA_SYNTHETIC_SECONDS"] == "120"
    assert (
        watched({"TRIA_DEMO": "true", "TRIA_SYNTHETIC_SECONDS": "0"})["TRIA_SYNTHETIC_SECONDS"]
        == "0"
    )
    assert watched({}) == {}


def test_langgraphs_own_questions_are_answered(service_url: str) -> None:
    assert httpx.get(f"{service_url}/ok").json() == {"ok": True}
    assert httpx.get(f"{service_url}/info").json()["host"] == {"kind": "self-hosted"}


def test_breakers_and_probes_are_in_the_metrics(service_url: str) -> None:
    text = httpx.get(f"{service_url}/metrics").text
    assert 'tria_breaker_state{part="xero"} 0.0' in text
    for part in ("postgres", "migrations", "redis", "chroma", "index", "xero", "model"):
        assert f'tria_part_up{{part="{part}"}} 1.0' in text
        assert f'tria_part_seconds_count{{part="{part}"}}' in text

"""Each promise that is broken is found, and by its own name."""

from dataclasses import replace
from typing import Any

import pytest

from tests.load.checking import Ended, Stored, Write, left_over, violations
from tests.load.crowd import crowd
from tests.load.stand import SECRET
from tests.load.test_figures import told
from tools.sandbox.company import contact_id

SLUG, OTHER = "forno-rosso-000", "kopi-collective-001"
TURN = replace(told(), message_id="m", spoken="INV-1 and TRIA-1", answer="INV-1 and TRIA-1")
WRITE = Write("a", "committed", SLUG, "TRIA-1", "done", confirmed=1, committed=1)
BOOKS = [("INV-1", contact_id(SLUG)), ("TRIA-1", contact_id(SLUG)), ("INV-2", contact_id(OTHER))]
GOOD = Ended(0, {"m": Stored("m", "succeeded", [TURN.answer])}, [WRITE], BOOKS, "a line")


def broken(ended: Ended = GOOD, **turn: Any) -> list[str]:
    found = violations(ended, [replace(TURN, **turn)])
    return [name for name, lines in found.items() if lines]


def stored(**changed: Any) -> Ended:
    return replace(GOOD, stored={"m": replace(GOOD.stored["m"], **changed)})


def written(**changed: Any) -> Ended:
    return replace(GOOD, writes=[replace(WRITE, **changed)])


def test_a_good_end() -> None:
    assert not broken()


@pytest.mark.parametrize(
    ("ended", "name"),
    [
        (replace(GOOD, open_runs=1), "unfinished"),
        (replace(GOOD, stored={}), "lost"),
        (stored(status="running"), "lost"),
        (stored(answers=[]), "lost"),
        (stored(answers=[TURN.answer, "and again"]), "doubled"),
        (stored(answers=["something else"]), "other_text"),
        (replace(GOOD, books=BOOKS[:1]), "books"),
        (replace(GOOD, books=[*BOOKS, BOOKS[1]]), "books"),
        (replace(GOOD, books=[*BOOKS, ("TRIA-9", contact_id(SLUG))]), "books"),
        (written(status="pending", card="expired"), "books"),
        (written(customer=OTHER), "books"),
        (written(confirmed=0), "without_yes"),
        (written(committed=0), "trail"),
        (written(committed=2), "trail"),
        (replace(GOOD, log=f"TRIA_SECRET={SECRET}"), "secrets"),
    ],
)
def test_each_broken_promise_of_the_service(ended: Ended, name: str) -> None:
    assert broken(ended) == [name]


def test_what_only_a_customer_can_see() -> None:
    assert broken(gap="ids out of order") == ["gaps"]
    foreign = replace(GOOD, stored={"m": Stored("m", "succeeded", ["you owe INV-2"])})
    assert broken(foreign, answer="you owe INV-2") == ["foreign"]


def test_a_turn_that_failed_in_sight_is_not_lost() -> None:
    failed = replace(GOOD, stored={"m": Stored("m", "failed", [])})
    assert not broken(failed, error="503", answer="", spoken="")


IDLE = {"service_files": 60, "connections": 5, "redis_clients": 8, "streams_active": 0}


@pytest.mark.parametrize(
    ("changed", "many"),
    [
        ({"service_files": 90, "connections": 14, "redis_clients": 29}, 0),
        ({"service_files": 90}, 1),
        ({"streams_active": 1}, 1),
        ({"runs_active": 2, "db_pool_waiting": 1}, 2),
    ],
)
def test_what_is_held_on_to_is_found(changed: dict[str, float], many: int) -> None:
    assert len(left_over(IDLE, IDLE | changed)) == many


def test_everybody_of_the_crowd_is_somebody_else() -> None:
    people = crowd(12)
    assert len({each.contact_ids for each in people}) == len(people) == 12
    assert len({o["outlet_id"] for each in people for o in each.outlets}) >= 12

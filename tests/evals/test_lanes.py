"""A lane: its clock, its fresh worlds, and the version of the service that it runs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from evals.cases.schema import Case
from evals.forking import Side, fork
from evals.lanes.lane import Lane
from evals.lanes.tree import ROOT, NoSuchVersion, Tree, Wanted, served_tree
from evals.minimising import minimise
from evals.outcome import Outcome
from evals.play.observing import observing
from evals.play.player import Player
from evals.running.runner import running_lanes
from evals.scorers.every import verdicts
from tests.evals.test_cases import a_case

MORNING = datetime.fromisoformat("2026-09-02T10:15:00+08:00")
BEFORE_CUTOFF = "2026-09-02T13:30:00+08:00"
ORDER = "200 of the 12 inch boxes for tampines please"
CARD = {"status": "proposed", "total": "141.70", "lines": {"CNP-015-FB-01": 200}}


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    with running_lanes(Tree(ROOT), {}, 1) as (lane,):
        yield lane


async def played(lane: Lane, case: Case) -> Outcome:
    async with observing(lane.database_url) as observer:
        _, outcome = await Player(lane, observer).play(case)
    return outcome


def ordering(*more: dict[str, object], clock: str = BEFORE_CUTOFF, **changed: object) -> Case:
    first = {"user": ORDER, "expect": {"card": CARD}}
    return a_case(turns=[first, *more], clock=clock, **changed)


def database_now(lane: Lane) -> datetime:
    with psycopg.connect(lane.database_url) as connection:
        row = connection.execute("select now()").fetchone()
    assert row
    now: datetime = row[0]
    return now


def test_every_part_goes_by_the_clock_of_the_case(lane: Lane) -> None:
    lane.begin(MORNING)
    sandbox = httpx.get(f"{lane.sandbox_url}/control/clock").json()["now"]
    for now in (lane.now(), database_now(lane), datetime.fromisoformat(sandbox)):
        assert timedelta() <= now - MORNING < timedelta(seconds=20)
    lane.pass_time(timedelta(hours=3))
    assert database_now(lane) - MORNING >= timedelta(hours=3)


async def test_the_cutoff_is_that_of_the_case(lane: Lane) -> None:
    before = await played(lane, ordering())
    waited = {"user": "is that still right?", "after_minutes": 60}
    after = await played(lane, ordering(clock="2026-09-02T14:30:00+08:00"))
    later = await played(lane, ordering(waited))
    slots = [outcome.turns[0].extra["card"]["delivery"]["day"] for outcome in (before, after)]
    assert slots == ["2026-09-05", "2026-09-08"]
    assert later.crash is None


async def test_each_case_begins_with_a_fresh_world(lane: Lane) -> None:
    case = ordering({"user": "yes"})
    for _ in range(2):
        outcome = await played(lane, case)
        assert [book.number for book in outcome.books] == ["TRIA-000001"]
        assert len(outcome.actions) == 1


async def test_an_outcome_tells_how_it_came_about(lane: Lane) -> None:
    outcome = await played(lane, ordering({"button": "confirm"}))
    first, second = outcome.turns
    assert [run.node for run in first.nodes][-3:] == [
        "adapt_tone",
        "compose_reply",
        "validate_output",
    ]
    assert {call.name for call in first.calls} >= {"read_prices", "read_standing"}
    assert [call.name for call in second.calls if call.kind == "write"] == ["create_invoice"]
    assert "PUT" in {call.method for call in second.xero}
    assert first.stream.text == first.reply
    assert first.stream.first_text_ms
    assert first.stream.ids_ordered
    assert any('"event": "turn"' in line for line in outcome.log)
    assert "INV-" in " ".join(outcome.foreign)


async def test_a_message_that_comes_twice_is_one_run(lane: Lane) -> None:
    outcome = await played(lane, a_case(turns=[{"user": "what do I owe?", "twice": True}]))
    assert outcome.turns[0].is_twice_same
    assert "You owe" in outcome.turns[0].reply


async def test_somebody_else_is_refused(lane: Lane) -> None:
    turn = {"user": "what do I owe?", "by": "laksa-lane", "expect": {"refused": 404}}
    outcome = await played(lane, a_case(turns=[{"user": "hello"}, turn]))
    assert outcome.turns[1].refused == 404
    assert all(found.passed for found in verdicts(a_case(turns=[{"user": "hello"}, turn]), outcome))


async def test_what_a_service_learned_of_failures_ends_with_the_case(lane: Lane) -> None:
    fault = {"operation": "*", "mode": "unavailable", "times": 50}
    broken = a_case(turns=[{"user": "what do I owe?", "faults": [fault]}])
    assert "You owe" not in (await played(lane, broken)).turns[0].reply
    assert "You owe" in (await played(lane, a_case())).turns[0].reply


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (a_case(turns=[{"button": "confirm"}]), "no card was shown"),
        (a_case(turns=[{"user": "when is {credit.lost} due?"}]), "hold no {credit.lost}"),
        (a_case(customer="nobody"), "no demo customer nobody"),
    ],
    ids=["button", "placeholder", "customer"],
)
async def test_a_case_that_cannot_be_played_says_why(lane: Lane, case: Case, why: str) -> None:
    assert why in str((await played(lane, case)).crash)


def test_a_prompt_is_replaced_in_a_tree_of_its_own(tmp_path: Path) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text("Answer in one word.")
    with served_tree(Wanted(replaced={"nodes/prompts/compose_reply.md": draft})) as changed:
        assert (changed.root / "nodes/prompts/compose_reply.md").read_text() == draft.read_text()
        assert changed.prompts()["compose_reply"] != Tree(ROOT).prompts()["compose_reply"]
        assert changed.policies() == Tree(ROOT).policies()
        assert "~" in changed.code
    assert not changed.root.exists()


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(commit="no-such-commit"),
        Wanted(replaced={"nodes/prompts/x.md": Path("nowhere.md")}),
        Wanted(replaced={"no/such/folder/x.md": ROOT / "README.md"}),
        Wanted(replaced={"nodes/prompts/compose_replly.md": ROOT / "README.md"}),
    ],
    ids=["commit", "file", "place", "misspelt"],
)
def test_what_is_not_there_cannot_be_served(wanted: Wanted) -> None:
    with pytest.raises(NoSuchVersion), served_tree(wanted):
        pass


def test_a_fork_goes_on_from_the_same_world(tmp_path: Path) -> None:
    words = tmp_path / "declined.j2"
    words.write_text("All right, nothing will happen.")
    case = ordering({"user": "no", "expect": {"intents": ["decline"]}})
    place = "nodes/replies/en/declined.j2"
    with served_tree(Wanted(replaced={place: words})) as changed:
        one, other = fork(case, 2, Side(Tree(ROOT), {}), Side(changed, {}))
    assert one.outcome.turns[0].extra == other.outcome.turns[0].extra
    assert other.outcome.turns[1].reply.startswith("All right, nothing will happen.")
    assert one.outcome.turns[1].reply != other.outcome.turns[1].reply
    assert [row.outcome.actions[0]["status"] for row in (one, other)] == ["declined", "declined"]


def test_minimising_drops_the_turns_that_do_not_matter() -> None:
    case = a_case(
        turns=[
            {"user": "hello"},
            {"user": "what do I owe?", "expect": {"says": ["a million"]}},
            {"user": "thank you"},
        ]
    )
    shorter = minimise(case, Tree(ROOT), {})
    assert [step.user for step in shorter.turns] == ["what do I owe?"]

"""A run's log in the words of the thread protocol, entry by entry."""

import json
from typing import Any

import pytest

from api.protocol_events import RunEvents
from api.thread_events import Subscription
from tools.events import Event

RUN = "0b6f1c7e-6d0e-4a51-9a44-2d8f1a3c5e70"
NOW = 1_800_000_000_000
ENDED: dict[str, Any] = {"status": "succeeded", "error": None, "request": {}}


def entry(number: int, name: str, data: object, attempt: int = 1) -> Event:
    event_id = f"{NOW}-{number}"
    return Event(event_id, name, json.dumps(data), f"{attempt}.17.ab", number + 1)


def piece(number: int, message_id: str, text: str) -> Event:
    return entry(number, "messages", [{"id": message_id, "content": text}, {}])


def told(*entries: Event, run: dict[str, Any] | None = ENDED) -> list[dict[str, Any]]:
    translated = RunEvents(RUN, turn=3)
    found = [event for each in entries for event in translated.of(each, NOW)]
    return [*found, *translated.ending(run, NOW)]


def steps(events: list[dict[str, Any]]) -> list[str]:
    """What the lifecycle and the messages say."""
    return [e["params"]["data"]["event"] for e in events if e["method"] != "values"]


def test_a_failed_run_says_why_and_ends_once() -> None:
    failed = told(entry(0, "error", {"message": "no luck"}), run=ENDED | {"status": "failed"})
    assert steps(failed) == ["running", "failed"]
    assert failed[-1]["params"]["data"]["error"] == "no luck"


@pytest.mark.parametrize(
    ("run", "phase"),
    [
        (ENDED, "completed"),
        (ENDED | {"status": "failed", "error": "x"}, "failed"),
        (ENDED | {"status": "cancelled"}, "interrupted"),
        (ENDED | {"status": "interrupted"}, "completed"),
        (ENDED | {"status": "interrupted", "request": {"interrupt_before": ["a"]}}, "interrupted"),
        (None, "interrupted"),
    ],
    ids=["succeeded", "failed", "cancelled", "waits-for-staff", "paused", "deleted"],
)
def test_a_run_without_a_log_begins_and_ends_all_the_same(
    run: dict[str, Any] | None, phase: str
) -> None:
    assert steps(told(run=run)) == ["running", phase]


def test_a_run_that_is_taken_over_begins_once() -> None:
    again = told(entry(0, "metadata", {"attempt": 1}), entry(1, "metadata", {"attempt": 2}))
    assert steps(again) == ["running", "completed"]


def test_a_message_that_starts_over_is_closed_first() -> None:
    events = told(piece(0, "a", "One"), piece(1, "a", " two"), piece(2, "b", "Else"))
    message = ["message-start", "content-block-start"]
    closed = ["content-block-finish", "message-finish"]
    said = ["content-block-delta"]
    first, second = [*message, *said, *said, *closed], [*message, *said, *closed]
    assert steps(events) == ["running", *first, *second, "completed"]
    finished = [e["params"]["data"] for e in events if steps([e]) == ["content-block-finish"]]
    assert [f["content"]["text"] for f in finished] == ["One two", "Else"]


def test_a_cancelled_message_is_left_open() -> None:
    events = told(piece(0, "a", "One"), run=ENDED | {"status": "cancelled"})
    assert steps(events)[-2:] == ["content-block-delta", "interrupted"]


def test_a_message_is_closed_before_the_values_that_hold_it() -> None:
    events = told(piece(0, "a", "One"), entry(1, "values", {"messages": [{"id": "a"}]}))
    assert [e["method"] for e in events][-3:] == ["messages", "values", "lifecycle"]


def test_a_question_is_asked_once_and_stops_the_run() -> None:
    asking = {"messages": [], "__interrupt__": [{"id": "q", "value": "sure?"}]}
    events = told(entry(0, "values", asking), entry(1, "values", asking))
    [asked] = [e for e in events if e["method"] == "input.requested"]
    assert asked["params"]["data"] == {"interrupt_id": "q", "payload": "sure?"}
    assert events[-2]["params"]["data"]["event"] == "interrupted"
    assert all("__interrupt__" not in e["params"]["data"] for e in events)


ATTEMPTS = [
    *(piece(n, "m", "x") for n in range(700)),
    entry(0, "metadata", {}, attempt=2),
    entry(1, "values", {"messages": []}, attempt=2),
]


def test_numbers_rise_over_attempts_and_turns() -> None:
    numbers = [e["seq"] for e in told(*ATTEMPTS)]
    assert numbers == sorted(set(numbers))
    next_turn = next(RunEvents(RUN, turn=4).of(ATTEMPTS[0], NOW))["seq"]
    assert numbers[-1] < next_turn < 2**53


@pytest.mark.parametrize("lost", [1, 350, 701])
def test_an_event_keeps_its_number_when_the_log_loses_what_was_before(lost: int) -> None:
    whole = {e["event_id"]: e["seq"] for e in told(*ATTEMPTS)}
    rest = {e["event_id"]: e["seq"] for e in told(*ATTEMPTS[lost:])}
    late = [seq for event_id, seq in rest.items() if whole.get(event_id) == seq]
    assert len(late) >= len(ATTEMPTS) - lost
    assert rest[f"synth:{RUN}:lc||completed"] == whole[f"synth:{RUN}:lc||completed"]


@pytest.mark.parametrize("is_over", [True, False])
def test_what_stands_for_lost_events_is_news_and_hides_nothing_after_it(*, is_over: bool) -> None:
    seen = [e["seq"] for e in told(*ATTEMPTS[:300])][-2]
    translated = RunEvents(RUN, turn=3, since=seen)
    shown = Event("", "values", json.dumps({"messages": []}))
    *_, values = translated.of(shown, NOW, is_over=is_over)
    after = list(translated.of(ATTEMPTS[300], NOW))
    assert seen < values["seq"] < after[0]["seq"]
    if not is_over:
        told_whole = next(e["seq"] for e in told(*ATTEMPTS) if e["seq"] > seen)
        assert after[0]["seq"] == told_whole
    assert next(translated.ending(ENDED, NOW))["seq"] > after[-1]["seq"]


@pytest.mark.parametrize(
    ("namespaces", "depth", "is_wanted"),
    [
        (None, None, True),
        ([[]], 2, True),
        ([[]], 1, False),
        ([["agent"]], 1, True),
        ([["agent:1"]], 1, True),
        ([["agent:2"]], None, False),
        ([["agent"]], 0, False),
        ([["agent", "tools", "more"]], None, False),
    ],
)
def test_namespaces_are_matched_by_their_beginning(
    namespaces: list[list[str]] | None, depth: int | None, *, is_wanted: bool
) -> None:
    wanted = Subscription(channels=["values"], namespaces=namespaces, depth=depth)
    [event] = [
        e for e in told(entry(0, "values|agent:1|tools:9", {"a": 1})) if e["method"] == "values"
    ]
    assert wanted.wants(event) is is_wanted

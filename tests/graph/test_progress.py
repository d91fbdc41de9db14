"""What clients of a run tell its texts apart by."""

import json
from typing import Any, cast
from uuid import UUID, uuid4

from graph.progress import Progress
from graph.public import answer_id
from tools.events import EventLog


def test_no_text_that_starts_over_is_appended_to_another_one() -> None:
    run_id = uuid4()
    ids = {
        Progress(
            {"run_id": run_id, "attempts": attempt}, cast(EventLog, None), [], restarts=n
        ).message_id
        for attempt in (1, 2, 3, 12)
        for n in (0, 1, 2, 12)
    }
    assert len(ids) == 16
    assert answer_id(run_id) in ids


class Log:
    """The events that were appended, in memory."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    async def append(self, run_id: UUID, name: str, data: str) -> None:
        self.events.append((name, json.loads(data)))


async def test_values_take_a_text_back_that_starts_over() -> None:
    log = Log()
    run = {
        "run_id": uuid4(),
        "thread_id": uuid4(),
        "attempts": 1,
        "request": {"stream_mode": ["messages-tuple", "values"]},
    }
    shown = {"messages": [{"id": "asked"}]}
    progress = Progress(run, cast(EventLog, log), [], shown=shown)
    for part in ({"type": "reset"}, sentence("Hello Mei. "), {"type": "reset"}, sentence("Hello.")):
        await progress.show({"type": "custom", "data": part})
    assert [name for name, _ in log.events] == ["messages", "values", "messages"]
    first, values, second = (data for _, data in log.events)
    assert first[0]["id"] != second[0]["id"]
    assert values == shown
    assert progress.said == "Hello."


def sentence(text: str) -> dict[str, str]:
    return {"type": "sentence", "text": text}

"""What clients of a run tell its texts apart by."""

from typing import cast
from uuid import uuid4

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

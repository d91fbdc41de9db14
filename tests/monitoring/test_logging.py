"""A log line holds what an operator needs and nothing that anybody should not read."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import structlog
from typing_extensions import override

from monitoring.logging import LEVELS, configure_logging, set_level
from monitoring.redaction import redacted, redacted_text

RUN = "7d0e1f5c-91d1-4c1e-8a57-9d1d2c3b4a59"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmb3JubyJ9.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw"


@pytest.fixture
def as_before() -> Iterator[None]:
    """Afterwards logging is as it was. What writes to stdout is set up in the test itself."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # A server of another test has given these their own way out.
    served = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error")]
    ways = [(each, each.handlers[:], each.propagate) for each in served]
    for each in served:
        each.handlers[:], each.propagate = [], True
    yield
    for each, own, propagate in ways:
        each.handlers[:], each.propagate = own, propagate
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "hostile",
    [
        "mei.lin@customer.tria.example",
        "MEI.LIN+orders@Customer.Tria.Example",
        "梅林@例子.tria.example",
        "S1234567D",
        "t 1234567 a",
        "+65 9123 4567",
        "91234567",
        "9123-4567",
        "(65) 9123 4567",
        "９１２３４５６７",
        "9\u200b1\u200b2\u200b3\u200b4\u200b5\u200b6\u200b7",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "120-45678-9",
        JWT,
        f"Bearer {JWT}",
        "Basic dXNlcjpwYXNzd29yZA==",
        "postgresql://tria:hunter2-long@db.tria.example:5432/tria",
        "redis://:hunter2-long@cache.tria.example/0",
        "sk-proj-abcdefghijklmnop",
        "lsv2_pt_0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "password=hunter2-long",
        "client_secret: 'hunter2-long'",
        '{"api_key": "hunter2-long"}',
        "https://pay.tria.example/?token=hunter2-long",
        "0123456789abcdef0123456789abcdef01234567",
        "dGhpcyBpcyBhIHNlY3JldCB0aGF0IGlzIDQy/c2VjcmV0",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("around", ["{}", "failed for {}.", "x,{},y", "\n{}\n", "ends in: {}"])
def test_what_looks_personal_or_secret_is_masked_wherever_it_stands(
    hostile: str, around: str
) -> None:
    kept = ("hunter2-long", JWT[30:], "mei.lin", "MIIEvQ", hostile)
    text = around.format(hostile)
    shown = [
        redacted_text(text),
        str(redacted({"what": text})),
        str(redacted({"a": [{"b": text}]})),
    ]
    shown += [str(redacted({text: 1})), str(redacted({"event": text}))]
    for each in shown:
        assert not [part for part in kept if part in each], each


@pytest.mark.parametrize(
    "field",
    [
        *(
            "password",
            "tria_secret",
            "access_token",
            "authorization",
            "Cookie",
            "api_key",
            "apikey",
        ),
        *("text", "content", "customer_message", "body", "prompt", "reply", "email", "phone"),
        *("contact_person", "name", "company", "address", "nric", "sql", "query", "payload"),
    ],
)
def test_fields_that_hold_words_of_others_are_masked_whatever_stands_there(field: str) -> None:
    for value in ("hello", 7, ["hello"], {"a": "hello"}, b"hello"):
        assert redacted({field: value}) == {field: "[masked]"}
        assert redacted({"x": {field: value}}) == {"x": {field: "[masked]"}}
    assert redacted({field: None}) == {field: None}


@pytest.mark.parametrize(
    "value",
    [
        *(RUN, "GET", "/Invoices/{id}/Email", "succeeded", "T-000123", "0.000215", "0.0012345678"),
        *("2026-11-28T01:20:39.123456Z", "2026-11-28", "cards/tampines", "OperationalError"),
        "/srv/tria/graph/worker.py:242",
        "/usr/lib/python3.11/site-packages/langgraph/pregel/_internal_loop_2.py:1042",
        f"run {RUN} of thread {RUN}",
        "what:tria:synthetic",
    ],
)
def test_what_an_operator_needs_stays(value: str) -> None:
    assert redacted({"path": value}) == {"path": value}


def test_ids_of_traces_stay() -> None:
    ids = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}
    assert redacted(ids) == ids
    assert redacted({"other": ids["trace_id"]}) == {"other": "[secret]"}


def test_other_kinds_of_values_say_only_what_is_known_of_them() -> None:
    class Odd:
        @override
        def __repr__(self) -> str:
            return "hunter2-long"

    deep: Any = "hunter2-long"
    for _ in range(20):
        deep = [deep]
    endless: dict[str, Any] = {}
    endless["again"] = endless
    line = {
        "odd": Odd(),
        "bytes": b"hunter2-long",
        "error": ValueError("hunter2-long"),
        "deep": deep,
        "endless": endless,
        "long": "la " * 5_000,
        "phone_as_number": 6591234567,
        "number": 6591234567,
        "many": list(range(1_000)),
        "plain": [True, None, 1.5, 42, Decimal("1.5"), UUID(RUN), datetime(2026, 1, 2, tzinfo=UTC)],
    }
    shown = redacted(line)
    text = json.dumps(shown)
    assert "hunter2" not in text
    assert "91234567" not in text
    assert len(text) < 2_000
    assert (shown["odd"], shown["error"]) == ("[Odd]", "ValueError")
    assert shown["plain"] == [True, None, 1.5, 42, "1.5", RUN, "2026-01-02 00:00:00+00:00"]


def test_lines_of_the_service_and_of_libraries_are_json_and_masked(
    as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(run_id=RUN):
        log.info("turn", outcome="succeeded", why="call 9123 4567")
    logging.getLogger("psycopg.pool").warning("no connection to %s", "postgresql://a:hunter2@db/t")
    try:
        raise ValueError("Mei Lin wrote: hunter2")
    except ValueError:
        log.exception("went wrong")
        logging.getLogger("uvicorn.error").exception("in the application: %s", "S1234567D")
    turn, pool, wrong, foreign = lines(capsys)
    assert (turn["run_id"], turn["outcome"], turn["level"]) == (RUN, "succeeded", "info")
    assert turn["why"] == "call [number]"
    assert (pool["logger"], pool["level"]) == ("psycopg.pool", "warning")
    assert "hunter2" not in str([turn, pool, wrong, foreign])
    assert "Mei Lin" not in str([wrong, foreign])
    for line in (wrong, foreign):
        assert line["error"] == "ValueError"
        assert "test_logging.py" in line["at"]
    assert foreign["event"] == "in the application: [nric]"


def test_the_level_changes_at_once_and_goes_back(
    as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()
    log = structlog.get_logger()
    log.debug("too little")
    set_level("debug")
    log.debug("looked closer")
    logging.getLogger("httpx").info("GET /Invoices/INV-1")  # stays out at every level
    set_level("error")
    log.warning("too little")
    set_level(None)
    log.debug("too little")
    log.info("as usual")
    assert [line["event"] for line in lines(capsys)] == ["looked closer", "as usual"]
    assert set(LEVELS) == {"debug", "info", "warning", "error"}


def test_a_line_that_cannot_be_looked_through_is_not_written(
    as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()

    class Spiteful(dict[str, str]):
        @override
        def items(self) -> Any:
            raise RuntimeError("hunter2")

    structlog.get_logger().info("turn", what=Spiteful(a="hunter2"))
    [line] = lines(capsys)
    assert line == {"event": "a log line could not be redacted", "level": "error"}

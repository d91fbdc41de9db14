"""Xero's shapes on the wire: dates, envelopes, replies and refusals."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from tools.sandbox.store import Json

_MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """One answer, ready to be sent and to be stored under an idempotency key."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Invalid(Exception):
    """A document breaks Xero's rules; one message for each rule."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def as_json(status: int, body: object) -> Reply:
    """A JSON reply; Decimals become numbers."""
    return Reply(status, json.dumps(body, default=float).encode())


def ms_date(day: date) -> str:
    """A business date: midnight UTC of that day."""
    return ms_instant(datetime.combine(day, time(), UTC))


def ms_instant(instant: datetime) -> str:
    """An instant, with milliseconds."""
    return f"/Date({(instant - _EPOCH) // timedelta(milliseconds=1)}+0000)/"


def day_of(value: object) -> date:
    """The day in `YYYY-MM-DD`, `YYYY-MM-DDT00:00:00` or `/Date(ms)/`; ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a date")
    if found := _MS_DATE.fullmatch(value):
        return (_EPOCH + timedelta(milliseconds=int(found[1]))).date()
    return datetime.fromisoformat(value).date()


def is_plain(name: str, value: object) -> bool:
    """Whether a field holds a single value, and a day if it is named as a date."""
    if isinstance(value, dict | list) or not name.endswith("Date"):
        return not isinstance(value, dict | list)
    try:
        day_of(value)
    except (ValueError, OverflowError):
        return False
    return True


def dated(name: str, day: date) -> Json:
    """A date field with the readable twin that Xero sends beside it."""
    return {f"{name}String": f"{day.isoformat()}T00:00:00", name: ms_date(day)}


def envelope(plural: str, documents: Sequence[Json], now: datetime, **extra: object) -> Reply:
    """A successful answer with the documents under their plural name."""
    head = {"Id": str(uuid.uuid4()), "Status": "OK", "ProviderName": "Tria sandbox"}
    body = {**head, "DateTimeUTC": ms_instant(now), **extra, plural: documents}
    return as_json(200, body)


def validation_error(elements: Sequence[Json]) -> Refused:
    """A 400 that carries each refused document with its `ValidationErrors`."""
    body = {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": list(elements),
    }
    return Refused(as_json(400, body))


def bad_request(number: int, kind: str, message: str) -> Refused:
    """A 400 about the request itself."""
    return Refused(as_json(400, {"ErrorNumber": number, "Type": kind, "Message": message}))


def problem(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> Refused:
    """A 401 or 403 in the shape of Xero's front door."""
    body = {"Title": title, "Status": status, "Detail": detail, "Extensions": {}}
    reply = as_json(status, {**body, "Instance": str(uuid.uuid4())})
    return Refused(replace(reply, headers=headers or {}))


def not_found() -> Refused:
    """The 404 that Xero sends for an unknown document or path."""
    text = b"The resource you're looking for cannot be found"
    return Refused(Reply(404, text, "text/plain"))

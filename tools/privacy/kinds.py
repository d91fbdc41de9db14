"""Every kind of data, how long it is kept, and which of it is due to go.

The numbers are in `policies/retention.toml`, or with the code that works by them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tools.documents.links import KEPT_DAYS as LINK_DAYS
from tools.idempotency import KEEP_HOURS
from tools.privacy.bare import HAS_WRITTEN
from tools.retention import PRUNABLE
from tools.watches import WATCH_DAYS
from tools.xero.events import KEPT_DAYS as EVENT_DAYS

DAY = "interval '1 day'"
# With a run, ticket, write or person under way a conversation stays, however old it is.
_QUIET = """
not exists (select 1 from runs r where r.thread_id = t.thread_id
    and r.status in ('queued', 'running', 'interrupted'))
and not exists (select 1 from tickets k where k.thread_id = t.thread_id and k.status = 'open')
and not exists (select 1 from actions a where a.thread_id = t.thread_id
    and a.status in ('confirmed', 'approved'))"""
_ENDED = "a.status not in ('prepared', 'proposed', 'confirmed', 'approved')"


@dataclass(frozen=True)
class Kind:
    """A kind of data. `due` are the rows of `source` that are to go after `days`; `age` their time.

    With a `key` they are deleted by it; without one they go in a way of their own.
    """

    name: str
    title: str
    days: int
    source: str
    age: str
    due: str
    key: str = ""


def _older(column: str) -> str:
    return f"{column} < now() - %(days)s * {DAY}"


def _simple(name: str, title: str, key: str, *, age: str = "created_at", more: str = "") -> Kind:
    due = f"{_older(age)} and {more}" if more else _older(age)
    return Kind(name, title, days_of(name), name, age, due, key)


def kinds(checkpoint_days: int) -> tuple[Kind, ...]:
    """All of them, in the order in which they go."""
    return (
        Kind(
            *("checkpoints", "Working memory of ended turns", checkpoint_days),
            *("runs r", "r.updated_at", PRUNABLE),
        ),
        _conversations(),
        _simple(
            "tickets",
            "Closed tickets",
            "ticket_id",
            age="coalesce(closed_at, created_at)",
            more="status = 'closed'",
        ),
        _simple("notes", "Notes of colleagues", "note_id"),
        _simple("feedback", "What customers said of answers", "feedback_id", age="updated_at"),
        _simple("trials", "Turns played again", "trial_id"),
        _simple("repairs", "Repairs of turns", "once"),
        *_cards(),
        Kind(
            *("audit", "Audit trail", days_of("audit"), "audit", "at", _older("at")),
        ),
        *_short(),
        _simple("payments_told", "Payments told of", "payment_id, customer_id", age="told_at"),
        _simple(
            *("api_keys", "Ended API keys", "key_id"),
            age="coalesce(revoked_at, expires_at)",
        ),
    )


def _conversations() -> Kind:
    due = f"{_older('t.updated_at')} and {_QUIET}"
    title, days = "Conversations without activity", days_of("conversations")
    return Kind("conversations", title, days, "threads t", "t.updated_at", due)


def _cards() -> tuple[Kind, ...]:
    left = f"a.thread_id is null and {_ENDED} and a.stripped_at is null"
    old = _older("a.updated_at")
    return (
        Kind(
            *("cards", "Words of cards whose conversation has gone", days_of("cards")),
            *("actions a", "a.updated_at", f"{left} and {old}"),
        ),
        Kind(
            *("accounts", "Figures of cards, for the accounts", days_of("accounts")),
            *(
                "actions a",
                "a.updated_at",
                f"a.thread_id is null and a.stripped_at is not null and {old}",
                "action_id",
            ),
        ),
    )


def _short() -> tuple[Kind, ...]:
    """What ends by the numbers that other code works with."""
    return (
        Kind(
            *("xero_events", "Events of Xero that are done", EVENT_DAYS),
            *("xero_events", "done_at", _older("done_at")),
            "tenant_id, resource_id, category, event_at, event_type",
        ),
        Kind(
            *("idempotency_keys", "Answers kept under a key", KEEP_HOURS // 24),
            *("idempotency_keys", "created_at", _older("created_at"), "id"),
        ),
        Kind(
            *("document_links", "Links to documents", LINK_DAYS),
            *("document_links", "expires_at", _older("expires_at"), "token_hash"),
        ),
        Kind(
            *("payment_watches", "Payments that were waited for", WATCH_DAYS),
            *("payment_watches", "since", _older("since"), "watch_id"),
        ),
    )


def days_of(name: str) -> int:
    """How many days a kind of data is kept."""
    return _days()[name]


@cache
def _days() -> Mapping[str, int]:
    text = (resources.files("policies") / "retention.toml").read_text(encoding="utf-8")
    return {name: int(table["days"]) for name, table in tomllib.loads(text).items()}


# Of cards whose time is over: which are only stripped, and which wrote nothing and go.
TO_STRIP, TO_DELETE = HAS_WRITTEN, f"not {HAS_WRITTEN}"

"""The contract of health: what each state of each part means, and which answers follow from it.

Nothing here asks anything. Every combination of states has an answer, and none is lowered by what
is looked at later: the whole is as bad as its worst part makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["pass", "warn", "fail"]
RANKS: Mapping[Severity, int] = {"pass": 0, "warn": 1, "fail": 2}
ESSENTIAL = "postgres"
STILL_SECONDS = 30.0  # without a round of probes: then the process itself hangs


@dataclass(frozen=True)
class Means:
    """How the part itself is, and how bad that makes the whole."""

    itself: Severity
    whole: Severity


WELL = Means("pass", "pass")
GONE = Means("fail", "fail")
MISSED = Means("fail", "warn")  # the service does without it, as `OUTAGES` says
UNSURE = Means("warn", "warn")

# Every part with all the states it can be in.
CONTRACT: Mapping[str, Mapping[str, Means]] = {
    "postgres": {"up": WELL, "down": GONE, "unknown": GONE},
    "migrations": {"current": WELL, "behind": GONE, "unknown": GONE},
    "redis": {"up": WELL, "down": MISSED, "unknown": MISSED},
    "chroma": {"up": WELL, "down": MISSED, "unknown": MISSED},
    "index": {"whole": WELL, "partial": UNSURE, "unknown": UNSURE},
    "xero": {
        "up": WELL,
        "down": MISSED,  # the last call failed
        "resting": MISSED,  # left alone by the breaker
        "unconnected": MISSED,  # somebody has to sign in
        "unknown": MISSED,
    },
    "model": {"up": WELL, "absent": WELL, "resting": MISSED, "unknown": MISSED},
    "orders": {
        "working": WELL,
        "unasked": WELL,  # no synthetic conversations are held
        "failing": GONE,
        "unknown": UNSURE,  # none was held lately
    },
}
# What a replica needs to take messages. What all replicas share, and can do without, never takes
# one out of service: it would take out all of them.
NEEDED: Mapping[str, str] = {"postgres": "up", "migrations": "current"}
# What each outage means: what stops, and what still works.
OUTAGES: Mapping[str, tuple[str, str]] = {
    "postgres": (
        "New messages and everything that reads a conversation: 503 with Retry-After.",
        "Turns under way wait, and go on when it is back. Nothing that was acknowledged is lost.",
    ),
    "migrations": (
        "This version takes no messages before the database is brought up to date.",
        "Replicas of the version before.",
    ),
    "redis": (
        "Text while it is written: clients get the answer when it is complete. Limits hold for"
        " each replica alone, answers are not kept.",
        "Turns, orders, answers.",
    ),
    "chroma": (
        "Answers out of the policies: customers are told, and offered a colleague.",
        "Accounts, documents, orders, computed answers.",
    ),
    "index": (
        "Answers out of the sections that are missing; the next search adds them.",
        "Everything else.",
    ),
    "xero": (
        "Accounts, prices and new orders: customers are told. Confirmed cards wait.",
        "Answers out of the policies, hand-over to people. Confirmed cards are written later.",
    ),
    "model": (
        "Replies worded by the model: templates answer.",
        "Everything.",
    ),
    "orders": (
        "What the steps of the last synthetic conversation name, perhaps for every customer.",
        "What they do not name.",
    ),
}


def meaning(name: str, state: str) -> Means:
    """What a part's state means; a state that nobody thought of is no good one."""
    return CONTRACT.get(name, {}).get(state, GONE)


def overall(states: Mapping[str, str]) -> Severity:
    """How the whole is: as bad as any part makes it. A part that is not there is unknown."""
    found = (meaning(name, states.get(name, "unknown")).whole for name in CONTRACT)
    return max(found, key=RANKS.__getitem__)


def page_status(states: Mapping[str, str]) -> int:
    """The detailed page's: 503 when the service fails, 200 when it works or limps."""
    return 503 if overall(states) == "fail" else 200


def is_ready(states: Mapping[str, str], *, is_draining: bool) -> bool:
    """Whether this replica is to get new messages."""
    return not is_draining and all(states.get(name) == good for name, good in NEEDED.items())


def is_alive(still_seconds: float) -> bool:
    """Whether the process works, whatever it depends on: else it is to be started again."""
    return still_seconds < STILL_SECONDS

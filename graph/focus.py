"""What a turn hands to the next one of its conversation."""

from datetime import datetime, timedelta
from typing import Any

from nodes.state import (
    ORDERING,
    Asked,
    Focus,
    State,
    entities_named,
    facts_of,
    intents_of,
    wants_in,
)
from tools.understanding.wants import Want
from tools.understanding.worded import Ending, ending_of

# Where the facts list documents, in the order in which replies show them.
LISTS = (
    *(("balance", "listed"), ("documents", "found"), ("statement", "lines")),
    *(("credit_notes", "listed"), ("quotes", "listed"), ("orders", "listed")),
    *(("which_document", "candidates"), ("received", "listed")),
)
# What an action asks its customer for.
ASKING = ("order_questions", "which_document", "credit_needs_details")
# These are done or handed over, once.
ONCE: frozenset[Want] = frozenset(
    {
        *("email_it", "has_paid", "accept_quote", "apply_credit", "ask_quote", "differs"),
        *("paid_twice", "bank_changed", "more_time", "waive", "discount"),
    }
)
# As long as a card is open, so is the order that it was made of.
ORDER_HOURS = 24


def focus_of(state: State) -> Focus:
    """The focus after a turn; what it did not touch stays as it was."""
    before = state["turn"].get("focus", {})
    understanding = state["understanding"]
    intents = sorted(intents_of(state) - {"unclear", "confirm", "decline", "small_talk"})
    shown = _documents_shown(state)
    return {
        **_order(state, before),
        "documents": _spoken_of(state, shown) or before.get("documents", []),
        "listed": _listed(shown, before.get("listed", [])),
        "products": entities_named(state, "product") or before.get("products", []),
        "intents": intents or before.get("intents", []),
        "wants": _wants(state, before),
        "asked": _asked(state),
        "answered": _answered(state, before),
        "misunderstood": understanding["misunderstood"],
        "language": state["screened"]["language"],
        "ending": ending_in(state),
    }


def ending_in(state: State) -> Ending | None:
    """Whether the customer only said thanks or goodbye."""
    is_talk = intents_of(state) == {"small_talk"}
    return ending_of(state["screened"]["text"]) if is_talk else None


def _listed(shown: list[str], before: list[str]) -> list[str]:
    """One document out of a list leaves the others of that list to be pointed at."""
    is_picked = len(shown) == 1 and shown[0] in before
    return before if is_picked or not shown else shown


def _wants(state: State, before: Focus) -> list[Want]:
    """What "and the other one?" asks again; never anything that is done."""
    if intents_of(state) & {"confirm", "decline", "unclear", "small_talk"}:
        return before.get("wants", [])
    return sorted(want for want in wants_in(state) if want not in ONCE)


def _asked(state: State) -> Asked | None:
    """What we had to ask back about; an order being put together is kept as such."""
    is_asked = any(facts_of(state, kind) for kind in ASKING)
    intents = intents_of(state)
    if not is_asked or intents & ORDERING:
        return None
    return {
        "text": state["screened"]["text"],
        "intents": sorted(intents),
        "wants": sorted(state["understanding"].get("wants", [])),
    }


def _answered(state: State, before: Focus) -> dict[str, str] | None:
    """The card that this turn carried out or told of: a further yes is told how it ended."""
    card = state.get("card") or before.get("answered")
    if not card or not facts_of(state, "committed"):
        return None
    return {"action_id": card["action_id"], "hash": card["hash"]}


def _order(state: State, before: Focus) -> Focus:
    """The order being put together: set, ended by its answer, or forgotten after a day."""
    at = state["turn"]["received_at"]
    if (order := state.get("order")) is not None:
        return {"order": order, "order_at": at}
    kept, kept_at = before.get("order"), before.get("order_at", at)
    if _is_answered(state) or not kept or _is_old(kept_at, at):
        return {"order": None, "order_at": at}
    return {"order": kept, "order_at": kept_at}


def _is_answered(state: State) -> bool:
    """Whether the customer has just answered the order's card. News of another one says nothing."""
    if state["turn"].get("notice"):
        return False
    answered = [*facts_of(state, "committed"), *facts_of(state, "awaiting_approval")]
    answered += facts_of(state, "declined")
    is_order = any(fact.get("kind", "order") == "order" for fact in answered)
    return is_order or bool(facts_of(state, "card_gone"))


def _is_old(since: str, now: str) -> bool:
    age = datetime.fromisoformat(now) - datetime.fromisoformat(since)
    return age > timedelta(hours=ORDER_HOURS)


def _spoken_of(state: State, shown: list[str]) -> list[str]:
    """What "it" is next time: what was named, found or written; else the only one shown."""
    written = [fact.get("invoice") or fact["number"] for fact in facts_of(state, "committed")]
    named = entities_named(state, "document") or written or _numbers(state, "documents", "found")
    return named or (shown if len(shown) == 1 else [])


def _documents_shown(state: State) -> list[str]:
    """The document numbers of the reply's lists, in the order in which they are shown."""
    shown = [number for kind, key in LISTS for number in _numbers(state, kind, key)]
    return list(dict.fromkeys(filter(None, shown)))


def _numbers(state: State, kind: str, key: str) -> list[str]:
    entries: list[dict[str, Any] | str] = [e for fact in facts_of(state, kind) for e in fact[key]]
    return [e if isinstance(e, str) else e.get("number") or e.get("invoice", "") for e in entries]

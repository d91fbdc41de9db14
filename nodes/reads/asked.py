"""What a message asks the books for: which documents, and in which time."""

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, TypeVar

from nodes.state import Fact, State, entities_named, intents_of, wants_in
from tools.context import Context
from tools.understanding.follow_up import pointed_at
from tools.understanding.periods import Period
from tools.understanding.wants import Want
from tools.xero.guesses import LookedUp
from tools.xero.scoped import OURS

Found = TypeVar("Found")

MOST_DOCUMENTS = 8
CREDIT_NOTE, QUOTE = "CN-", "QU-"
LATEST = re.compile(
    r"\b(?:last|latest|most recent|newest) (?:\w+ )?(?:invoice|inv|bill)\b"
    r"|(?:最近|最新|最后|上)(?:的)?(?:[一那]?张)?(?:发票|账单)"
    r"|(?:invois|bil) (?:terakhir|terkini|terbaru)|(?:கடைசி|சமீபத்திய) (?:இன்வாய்ஸ்|பில்)",
    re.IGNORECASE,
)
OLDEST = re.compile(
    r"\b(?:oldest|earliest|longest overdue|most overdue"
    r"|(?:first|next) (?:\w+ )?(?:due|to (?:pay|expire)))\b"
    r"|最(?:早|旧|久)(?:的|到期)?|(?:paling|yang) (?:lama|awal)\b|பழைய|முதலில் செலுத்த",
    re.IGNORECASE,
)
# What is done with one document, and what is about several of them or something else.
WITH_ONE: frozenset[Want] = frozenset({"pdf", "pay_link", "lines"})
WITH_MORE: frozenset[Want] = frozenset(
    {"all_documents", "statement_file", "delivery_order", "overdue", "ask_quote", "email_it"}
)
OF_ALL: frozenset[Want] = frozenset({"overdue", "all_documents", "differs"})
WHOLE = re.compile(
    r"\b(?:total|altogether|overall|in all|everything"
    r"|all (?:the |my |our |open |unpaid )*(?:invoices|bills)"
    r"|account|balance|outstanding|what else|others?|semua|jumlah|keseluruhan|baki)\b"
    r"|总|一共|全部|所有|其他|余额|மொத்த|எல்லா",
    re.IGNORECASE,
)


def documents_asked(state: State) -> list[str]:
    """The numbers in the message; else those it points at ("the other one").

    A link or a PDF without any of these is that of the only document spoken of.
    """
    focus = state["turn"].get("focus", {})
    text, spoken_of = state["screened"]["text"], focus.get("documents", [])
    named = entities_named(state, "document") or pointed_at(
        text, spoken_of, focus.get("listed", [])
    )
    return (named or (spoken_of if _is_of_one(state, spoken_of) else []))[:MOST_DOCUMENTS]


def _is_of_one(state: State, spoken_of: list[str]) -> bool:
    wants, text = wants_in(state), state["screened"]["text"]
    is_named = LATEST.search(text) or OLDEST.search(text) or period_asked(state)
    is_of_one = len(spoken_of) == 1 and wants & WITH_ONE and not wants & WITH_MORE
    return bool(is_of_one and not is_named)


def invoices_asked(state: State) -> list[str]:
    """Those that are no credit notes and no quotes."""
    others = {*credit_notes_asked(state), *quotes_asked(state)}
    return [number for number in documents_asked(state) if number not in others]


def credit_notes_asked(state: State) -> list[str]:
    """The credit notes among them."""
    return [number for number in documents_asked(state) if number.startswith(CREDIT_NOTE)]


def quotes_asked(state: State) -> list[str]:
    """The quotes among them. Our own series is of orders too, so the words decide."""
    is_of_quotes = "quote" in intents_of(state) or wants_in(state) & {"quote_valid", "accept_quote"}
    return [
        number
        for number in documents_asked(state)
        if number.startswith(QUOTE) or (is_of_quotes and OURS.fullmatch(number))
    ]


def asks_for_latest(state: State) -> bool:
    """Whether it is the latest invoice, without its number."""
    return not documents_asked(state) and bool(LATEST.search(state["screened"]["text"]))


def asks_for_oldest(state: State) -> bool:
    """Whether it is the open invoice that is due first."""
    return not documents_asked(state) and bool(OLDEST.search(state["screened"]["text"]))


def asks_for_one(state: State) -> bool:
    """Whether a balance is asked of certain invoices, and not of the account."""
    if wants_in(state) & OF_ALL or WHOLE.search(state["screened"]["text"]):
        return False
    is_one = asks_for_latest(state) or asks_for_oldest(state)
    is_named = bool(entities_named(state, "document") and invoices_asked(state))
    return "balance" in intents_of(state) and (is_one or is_named)


def period_asked(state: State) -> Period | None:
    """The time that the message names."""
    named = state["understanding"].get("period")
    return Period(*map(date.fromisoformat, named)) if named else None


def lately(today: date) -> Period:
    """The present month so far and the one before it, for whoever names no time."""
    return Period((today.replace(day=1) - timedelta(days=1)).replace(day=1), today)


class LookUps:
    """Looks documents up by their numbers, one after the other; guessing ends at a person."""

    def __init__(self, state: State, context: Context) -> None:
        self._listed = state["turn"].get("focus", {}).get("listed", [])
        self._context = context
        self._seen: list[LookedUp[Any]] = []

    async def find(
        self, number: str, read: Callable[[str], Awaitable[Found | None]]
    ) -> Found | None:
        """The caller's document of that number; None when missing, foreign or guessed at."""
        customer_id = self._context.caller.customer_id
        seen = await self._context.guesses.look_up(customer_id, number, read, self._listed)
        self._seen.append(seen)
        return seen.document

    def facts(self) -> list[Fact]:
        """What to do about somebody who tries numbers out."""
        if not any(seen.is_throttled or seen.guessing for seen in self._seen):
            return []
        told = next((seen.guessing for seen in self._seen if seen.guessing), None)
        data = {"reason": "guessing"} | ({"series": told.series} if told else {})
        return [Fact(kind="needs_person", source="guesses", data=data)]

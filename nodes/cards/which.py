"""Which document a message is about: the one it names, the one spoken of, or the only one."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from nodes.cards.facts import fact
from nodes.state import Fact, State, entities_named
from tools.context import Context
from tools.xero.documents import CreditNote, Invoice, Quote

Doc = TypeVar("Doc", Invoice, Quote, CreditNote)
MOST = 8


def anything(_: str) -> bool:
    """Any number can be meant."""
    return True


async def document_of(  # noqa: PLR0913 (two of them are seldom given)
    state: State,
    context: Context,
    look_up: Callable[[str], Awaitable[Doc | None]],
    others: Sequence[Doc],
    *,
    named: Callable[[str], bool] = anything,
    spoken_of: Callable[[str], bool] = anything,
) -> Doc | list[str]:
    """The document as it is now, or the numbers of those that it may be.

    `others` are those still open, from a list that may be a minute old.

    One that is named and not there reads like a foreign one: as if it had not been named well.
    `named` and `spoken_of` say which numbers of the message, and of the turn before, can be meant.
    """
    focus = state["turn"].get("focus", {})

    async def find(numbers: Iterable[str]) -> list[Doc]:
        """Those that are there and the customer's, unless they have guessed too often."""
        caller, listed = context.caller.customer_id, focus.get("listed", [])
        asked = list(numbers)[:MOST]
        looked_up = [await context.guesses.look_up(caller, n, look_up, listed) for n in asked]
        return [found.document for found in looked_up if found.document]

    if names := [n for n in entities_named(state, "document") if named(n)]:
        found = await find(names)
        return found[0] if len(found) == 1 else _numbers(found or others)
    before = focus.get("documents", [])
    only = [number_of(others[0])] if len(others) == 1 else []
    for numbers in ([n for n in before if spoken_of(n)], only):
        if len(found := await find(numbers)) == 1:
            return found[0]
    return _numbers(others)


def number_of(document: Invoice | Quote | CreditNote) -> str:
    """The printed number."""
    match document:
        case Invoice():
            return document.invoice_number or ""
        case Quote():
            return document.quote_number or ""
        case CreditNote():
            return document.credit_note_number or ""


def which(kind: str, candidates: Sequence[str]) -> list[Fact]:
    """Asks for the number of the document."""
    return fact("which_document", kind=kind, candidates=list(candidates))


def _numbers(documents: Sequence[Doc]) -> list[str]:
    return [number_of(document) for document in documents[:MOST]]

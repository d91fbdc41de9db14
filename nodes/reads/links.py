"""Links to the documents that a reply speaks of. Only templates ever say their addresses."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from nodes.state import Fact, State, is_suspicious, wants_in
from tools.context import Context
from tools.documents.links import MINUTES, LinkKind, NewLink

MOST_LINKS = 6
MOST_IN_ONE_FILE = 20
MOST_FILES_AN_HOUR = 3  # each costs Xero up to 21 calls
ORDERED: tuple[LinkKind, ...] = ("delivery_order_pdf", "delivery_order_xlsx")


class Wanted(NamedTuple):
    """A document to fetch, and how the link finds it."""

    what: LinkKind
    number: str = ""
    period: tuple[str, str] | None = None

    @property
    def target(self) -> dict[str, str]:
        """What the link is made for."""
        if self.period:
            return {"since": self.period[0], "until": self.period[1]}
        return {"number": self.number} if self.number else {}


async def read_downloads(facts: Sequence[Fact], state: State, context: Context) -> list[Fact]:
    """A link for each document that is asked for and was found; none for a suspicious message.

    A turn that runs again issues them again: the first ones end by themselves.
    """
    if is_suspicious(state):
        return []
    wanted = list(dict.fromkeys([*_wanted(facts, state)]))[:MOST_LINKS]
    told = await _all_at_once(facts, state, context)
    if isinstance(told, Wanted):
        wanted.append(told)
    listed = [await _issued(one, state, context) for one in wanted]
    shown = [Fact(kind="downloads", source="links", data={"listed": listed, "minutes": MINUTES})]
    return [*(shown if listed else []), *(told if isinstance(told, list) else [])]


async def _issued(wanted: Wanted, state: State, context: Context) -> dict[str, str]:
    # Files of everything are counted by customer, also after their conversation was deleted.
    is_counted = wanted.what == "invoices_zip"
    thread_id = None if is_counted else UUID(state["turn"]["thread_id"])
    link = NewLink(wanted.what, context.caller.scope, wanted.target, thread_id)
    token = await context.links.issue(link)
    return {
        "what": wanted.what,
        "number": wanted.number,
        "url": f"{context.public_url}/documents/{token}",
    }


def _wanted(facts: Iterable[Fact], state: State) -> Iterator[Wanted]:
    wants = wants_in(state)
    for fact in facts:
        data = fact["data"]
        match fact["kind"]:
            case "documents":
                yield from _of_invoices(data["found"], pdf="pdf" in wants, pay="pay_link" in wants)
            case "credit_notes" if "pdf" in wants:
                yield from (Wanted("credit_note_pdf", note["number"]) for note in data["listed"])
            case "quotes" if "pdf" in wants:
                sent = (quote for quote in data["listed"] if quote["status"] != "draft")
                yield from (Wanted("quote_pdf", quote["number"]) for quote in sent)
            case "statement":
                yield Wanted("statement_pdf", period=(data["since"], data["until"]))
            case "orders" if "delivery_order" in wants:
                placed = (order for order in data["listed"] if order["has_delivery_order"])
                yield from (Wanted(kind, o["number"]) for o in placed for kind in ORDERED)


def _of_invoices(found: Iterable[dict[str, Any]], *, pdf: bool, pay: bool) -> Iterator[Wanted]:
    """A draft has neither a printed form nor a page where it is paid."""
    for invoice in found:
        if pdf and invoice["status"] != "draft":
            yield Wanted("invoice_pdf", invoice["number"])
        if pay and invoice["status"] == "authorised" and invoice["amount_due"] != "0.00":
            yield Wanted("pay_link", invoice["number"])


async def _all_at_once(
    facts: Iterable[Fact], state: State, context: Context
) -> Wanted | list[Fact]:
    """Every open invoice in one file, for those who keep the accounts.

    Too many invoices, and too many such files in an hour, are for a person.
    """
    if "all_documents" not in wants_in(state):
        return []
    if not context.accounts.scope.is_accountant:
        return [Fact(kind="not_permitted", source="sign-in", data={"needs": "accounts"})]
    open_count = next((f["data"]["open_count"] for f in facts if f["kind"] == "balance"), 0)
    if not open_count:
        return []
    issued = await context.links.issued_lately(context.caller.customer_id, "invoices_zip")
    if open_count > MOST_IN_ONE_FILE or issued >= MOST_FILES_AN_HOUR:
        data = {"reason": "too_many_documents"}
        return [Fact(kind="needs_person", source="links", data=data)]
    return Wanted("invoices_zip")

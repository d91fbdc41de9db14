"""The tools that a model may pick to read what no fixed plan reads: only the caller's own books.

A model chooses a tool, a state, a period, words, or a document that it was shown; nothing else.
Whose books are read, and how, is not its to say. What comes back are facts as nodes make them.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError
from typing_extensions import TypedDict

from tools.errors import BackendRejected, BackendUnavailable, ForeignDocument
from tools.ordering.catalogue import Catalogue
from tools.xero.arguments import (
    Arguments,
    InvoiceList,
    Nothing,
    OneInvoice,
    Period,
    WholePeriod,
    Words,
)
from tools.xero.documents import Invoice
from tools.xero.facts import (
    balance_fact,
    credit_note_fact,
    invoice_fact,
    lines_fact,
    payment_fact,
    product_fact,
    quote_fact,
    statement_fact,
)
from tools.xero.guesses import LookedUp
from tools.xero.scoped import Accounts
from tools.xero.statement import owed

LISTED = 20
MOST_LINES = 60
OLDEST = timedelta(days=3 * 365)  # so that one question does not cost a day's calls

LookUp = Callable[[str], Awaitable[LookedUp[Invoice]]]


class Fact(TypedDict):
    """The same shape as a node's fact."""

    kind: str
    source: str
    data: dict[str, Any]


class Toolset:
    """The tools of one turn. `call` never raises for what a model sends.

    `look_up` finds an invoice by its number and may refuse; `needs_person` says that it has.
    `called` are the tools that were run, with their arguments.
    """

    def __init__(
        self, accounts: Accounts, catalogue: Catalogue, today: date, look_up: LookUp | None = None
    ) -> None:
        self._accounts = accounts
        self._catalogue = catalogue
        self._today = today
        self._look_up = look_up or self._unlimited
        self._handles: dict[str, Invoice] = {}
        self.looked_up: list[LookedUp[Invoice]] = []
        self.called: list[tuple[str, dict[str, Any]]] = []

    @property
    def needs_person(self) -> bool:
        """Whether the customer has guessed too often."""
        return any(found.is_throttled for found in self.looked_up)

    def schemas(self) -> list[dict[str, Any]]:
        """The tools as a model is offered them."""
        return [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": tool.description,
                    "parameters": tool.arguments.model_json_schema(),
                },
            }
            for name, tool in TOOLS.items()
            if self._may_use(tool)
        ]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Fact:
        """Run one tool. What it cannot do is said in a fact that repeats nothing it was sent."""
        tool = TOOLS.get(name)
        if tool is None or not self._may_use(tool):
            return _refused("unknown_tool")
        try:
            # As JSON, where a number is no text and a text no number.
            asked = tool.arguments.model_validate_json(json.dumps(arguments), strict=True)
        except (ValidationError, ValueError, TypeError, RecursionError):
            return _refused("invalid_arguments")
        self.called.append((name, dict(arguments)))
        try:
            return await tool.run(self, asked)
        except (BackendUnavailable, BackendRejected, ForeignDocument):
            return Fact(kind="unavailable", source="xero", data={"part": "accounts"})

    async def _account_summary(self, _: Nothing) -> Fact:
        await self._accounts.contacts()
        invoices = await self._accounts.open_invoices()
        sums = owed(invoices, self._today, await self._accounts.credit_notes())
        data = balance_fact(sums, self._today) | self._shown(invoices, "listed")
        return Fact(kind="balance", source="xero:invoices", data=data)

    async def _list_invoices(self, asked: InvoiceList) -> Fact:
        if asked.state == "paid":
            invoices = [i for i in await self._accounts.invoices() if i.status == "PAID"]
        else:
            invoices = await self._accounts.open_invoices()
        if asked.state == "overdue":
            invoices = [i for i in invoices if i.due_date and i.due_date < self._today]
        data = self._shown([i for i in invoices if asked.holds(i.date)], "found")
        return Fact(kind="documents", source="xero:invoices", data={**data, "missing_count": 0})

    async def _get_invoice(self, asked: OneInvoice) -> Fact:
        invoice = self._handles.get(asked.document) or await self._numbered(asked.document)
        found = [] if invoice is None else [self._with_handle(invoice) | lines_fact(invoice)]
        data = {"found": found, "missing_count": 1 - len(found), "more_count": 0}
        return Fact(kind="documents", source="xero:invoices", data=data)

    async def _list_payments(self, asked: Period) -> Fact:
        since = asked.from_date and max(asked.from_date, self._today - OLDEST)
        payments = await self._accounts.payments(since)
        found = [payment_fact(p) for p in payments if asked.holds(p.date)]
        return self._list("payments", "xero:payments", found)

    async def _account_movements(self, asked: WholePeriod) -> Fact:
        if not self._today - OLDEST <= asked.from_date <= asked.to_date:
            return _refused("invalid_arguments")
        statement = await self._accounts.statement(asked.from_date, asked.to_date)
        data = statement_fact(statement, MOST_LINES)
        return Fact(kind="statement", source="xero:statement", data=data)

    async def _list_credit_notes(self, _: Nothing) -> Fact:
        notes = await self._accounts.credit_notes()
        return self._list("credit_notes", "xero:creditnotes", [credit_note_fact(c) for c in notes])

    async def _list_quotes(self, _: Nothing) -> Fact:
        quotes = await self._accounts.quotes()
        found = [quote_fact(q, self._today) for q in quotes]
        return self._list("quotes", "xero:quotes", found)

    async def _search_products(self, asked: Words) -> Fact:
        match = self._catalogue.find(asked.text)
        prices = await self._accounts.price_list()
        products = [match.product] if match.product else match.alternatives
        listed = [product_fact(p, prices[p.code]) for p in products if p.code in prices]
        return Fact(kind="products", source="xero:items", data={"listed": listed[:LISTED]})

    async def _numbered(self, number: str) -> Invoice | None:
        """A foreign document that Xero sends all the same has rung its alarm and is missing."""
        try:
            found = await self._look_up(number)
        except ForeignDocument:
            return None
        self.looked_up.append(found)
        return found.document

    async def _unlimited(self, number: str) -> LookedUp[Invoice]:
        return LookedUp(await self._accounts.invoice_by_number(number))

    def _may_use(self, tool: "Tool") -> bool:
        return self._accounts.scope.is_accountant or not tool.for_accountants

    def _shown(self, invoices: Sequence[Invoice], name: str) -> dict[str, Any]:
        shown = [self._with_handle(i) for i in invoices[:LISTED]]
        return {name: shown, "more_count": len(invoices) - len(shown)}

    def _with_handle(self, invoice: Invoice) -> dict[str, Any]:
        """The model names a document by its place among those it was shown in this turn."""
        known = (h for h, i in self._handles.items() if i.invoice_id == invoice.invoice_id)
        handle = next(known, f"invoice_{len(self._handles) + 1}")
        self._handles[handle] = invoice
        return {"handle": handle, **invoice_fact(invoice, self._today)}

    def _list(self, kind: str, source: str, found: Sequence[dict[str, Any]]) -> Fact:
        data = {
            "as_of": self._today.isoformat(),
            "listed": list(found[:LISTED]),
            "more_count": max(0, len(found) - LISTED),
        }
        return Fact(kind=kind, source=source, data=data)


def _refused(reason: str) -> Fact:
    return Fact(kind="tool_error", source="toolset", data={"reason": reason})


@dataclass(frozen=True)
class Tool:
    """One tool: what it takes, what it does, and who may use it."""

    arguments: type[Arguments]
    run: Callable[[Toolset, Any], Awaitable[Fact]]
    description: str
    for_accountants: bool = False


TOOLS: Mapping[str, Tool] = {
    "account_summary": Tool(
        Nothing,
        Toolset._account_summary,
        "What the customer owes, what is overdue, and the open invoices.",
    ),
    "list_invoices": Tool(
        InvoiceList,
        Toolset._list_invoices,
        "The customer's invoices that are open, overdue or paid.",
    ),
    "get_invoice": Tool(
        OneInvoice,
        Toolset._get_invoice,
        "One invoice of the customer with its lines.",
    ),
    "list_payments": Tool(
        Period,
        Toolset._list_payments,
        "Payments received from the customer; of the last year without a first day.",
    ),
    "account_movements": Tool(
        WholePeriod,
        Toolset._account_movements,
        "Everything on the account in a period, with opening and closing balance.",
        for_accountants=True,
    ),
    "list_credit_notes": Tool(
        Nothing,
        Toolset._list_credit_notes,
        "The customer's credit notes and what is left of them.",
    ),
    "list_quotes": Tool(
        Nothing,
        Toolset._list_quotes,
        "Offers made to the customer and until when they hold.",
    ),
    "search_products": Tool(
        Words,
        Toolset._search_products,
        "Products by name, size or code, with price, pack and stock.",
    ),
}

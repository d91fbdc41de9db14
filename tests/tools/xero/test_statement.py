"""An account told from its documents, by the books of the demo company and by made-up ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from graph.clients import now
from tests.tools.xero import papers
from tests.tools.xero.conftest import Fresh, accounts_of, scope_for
from tests.tools.xero.papers import OWN, Papers
from tools.sandbox.company import DemoCustomer, demo_customers
from tools.xero.client import XeroClient
from tools.xero.documents import Credit, CreditNote, Invoice, Overpayment, Payment, Prepayment
from tools.xero.scope import ScopedReads
from tools.xero.statement import AccountDocuments, Statement, StatementMismatch, owed, statement_of

START, DAYS = date(2026, 1, 1), 300
TODAY = START + timedelta(days=DAYS)
OWNER = {"contact_id": OWN}
ZERO = Decimal(0)
FEW = settings(max_examples=40, deadline=None)


@dataclass
class Made:
    """An account that was kept by Xero's rules, one document after the other."""

    invoices: list[Invoice] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    @property
    def documents(self) -> AccountDocuments:
        return AccountDocuments(self.invoices, self.credits, self.payments)


days = st.integers(0, DAYS).map(lambda n: START + timedelta(days=n))
cents = st.integers(1, 500_000).map(lambda n: Decimal(n) / 100)
shares = st.integers(0, 4)  # quarters


@st.composite
def accounts(draw: st.DrawFn, currency: str = "SGD") -> Made:
    made = Made()
    for number in range(draw(st.integers(0, 6))):
        _invoice(draw, made, number, currency)
    for number in range(draw(st.integers(0, 4))):
        _credit(draw, made, number, currency)
    return made


def _invoice(draw: st.DrawFn, made: Made, number: int, currency: str) -> None:
    total, on = draw(cents), draw(days)
    invoice_id, left, last = UUID(int=1000 + len(made.invoices)), total, on
    for _ in range(draw(st.integers(0, 3))):
        part = (left * draw(shares) / 4).quantize(Decimal("0.01"))
        received = min(TODAY, on + timedelta(days=draw(st.integers(0, 90))))
        if part:
            made.payments.append(_payment(invoice_id, part, received))
            left, last = left - part, max(last, received)
    made.invoices.append(
        Invoice.model_validate(
            {
                "invoice_id": invoice_id,
                "type": "ACCREC",
                "invoice_number": f"INV-{number}",
                "contact": OWNER,
                "date": on,
                "status": "AUTHORISED" if left else "PAID",
                "total": total,
                "amount_paid": total - left,
                "amount_due": left,
                "currency_code": currency,
                "fully_paid_on_date": None if left else last,
            }
        )
    )


def _credit(draw: st.DrawFn, made: Made, number: int, currency: str) -> None:
    """A credit, a part of it set against invoices and a part of it paid back."""
    total, on = draw(cents), draw(days)
    allocations, left = [], total
    for n, invoice in enumerate(made.invoices):
        part = min(left, invoice.amount_due) * draw(shares) / 4
        part = part.quantize(Decimal("0.01"), "ROUND_DOWN")
        if part:
            due = invoice.amount_due - part
            credited = invoice.amount_credited + part
            changed: dict[str, Any] = {"amount_due": due, "amount_credited": credited}
            if not due:
                changed |= {"status": "PAID", "fully_paid_on_date": _last_day(made, invoice, on)}
            made.invoices[n] = invoice.model_copy(update=changed)
            reference = {"invoice_id": invoice.invoice_id}
            allocations.append({"amount": part, "date": on, "invoice": reference})
            left -= part
    refund = (left * draw(shares) / 4).quantize(Decimal("0.01"), "ROUND_DOWN")
    kind: Any = draw(st.sampled_from([CreditNote, Overpayment, Prepayment]))
    name = {CreditNote: "credit_note", Overpayment: "overpayment", Prepayment: "prepayment"}[kind]
    made.credits.append(
        kind.model_validate(
            {
                f"{name}_id": UUID(int=2000 + number),
                "type": "",
                "credit_note_number": f"CN-{number}",
                "contact": OWNER,
                "date": on,
                "status": "AUTHORISED" if left > refund else "PAID",
                "total": total,
                "remaining_credit": left - refund,
                "currency_code": currency,
                "allocations": allocations,
                "payments": [{"amount": refund, "date": min(TODAY, on + timedelta(days=9))}],
            }
        )
    )


def _last_day(made: Made, invoice: Invoice, on: date) -> date:
    paid = [
        p.date for p in made.payments if p.invoice and p.invoice.invoice_id == invoice.invoice_id
    ]
    return max(on, invoice.date or on, *(day for day in paid if day))


def _payment(invoice_id: UUID, amount: Decimal, on: date) -> Payment:
    return Payment.model_validate(
        {
            "payment_id": UUID(int=len(str(invoice_id))),
            "date": on,
            "amount": amount,
            "status": "AUTHORISED",
            "invoice": {"invoice_id": invoice_id},
        }
    )


def told(documents: AccountDocuments, since: date, until: date, **more: Any) -> Statement:
    return statement_of(documents, since, until, as_of=TODAY, **more)


periods = st.tuples(days, days).map(sorted)


@FEW
@given(accounts(), periods)
def test_opening_and_movements_lead_to_the_closing_balance(
    made: Made, period: Sequence[date]
) -> None:
    found = told(made.documents, *period)
    assert found.opening + sum((m.amount for m in found.lines), ZERO) == found.closing
    balance = found.opening
    for line in found.lines:
        balance += line.amount
        assert line.balance == balance
        assert period[0] <= line.day <= period[1]
    assert [m.day for m in found.lines] == sorted(m.day for m in found.lines)


@FEW
@given(accounts())
def test_the_whole_account_ends_with_what_is_open(made: Made) -> None:
    found = told(made.documents, date.min, date.max)
    due = sum((i.amount_due for i in made.invoices), ZERO)
    left = sum((c.remaining_credit for c in made.credits), ZERO)
    assert (found.opening, found.closing) == (ZERO, due - left)


@FEW
@given(accounts(), days, days, days)
def test_one_period_begins_where_the_one_before_it_ended(
    made: Made, first: date, second: date, third: date
) -> None:
    since, middle, until = sorted([first, second, third])
    one = told(made.documents, since, middle)
    other = told(made.documents, middle + timedelta(days=1), until + timedelta(days=1))
    both = told(made.documents, since, until + timedelta(days=1))
    assert one.closing == other.opening
    assert one.lines + other.lines == both.lines


@FEW
@given(accounts(), periods)
def test_payments_of_what_was_settled_before_need_not_be_known(
    made: Made, period: Sequence[date]
) -> None:
    settled = {
        i.invoice_id
        for i in made.invoices
        if i.fully_paid_on_date and i.fully_paid_on_date < period[0]
    }
    needed = [p for p in made.payments if p.invoice and p.invoice.invoice_id not in settled]
    fewer = replace(made.documents, payments=needed)
    assert told(fewer, *period) == told(made.documents, *period)


@FEW
@given(accounts(), periods, st.sampled_from(["VOIDED", "DELETED", "DRAFT", "SUBMITTED", "NEWER"]))
def test_what_is_not_approved_does_not_appear(
    made: Made, period: Sequence[date], status: str
) -> None:
    # 5.4 cases 9, 39
    before = told(made.documents, *period)
    for document in list(made.invoices):
        gone = {"status": status, "invoice_id": UUID(int=9000), "invoice_number": "GONE-1"}
        made.invoices.append(document.model_copy(update=gone))
    made.credits += [c.model_copy(update={"status": status}) for c in made.credits]
    made.payments += [p.model_copy(update={"status": "DELETED"}) for p in made.payments]
    assert told(made.documents, *period) == before


@FEW
@given(accounts(), accounts("USD"), periods)
def test_currencies_are_told_apart(made: Made, dollars: Made, period: Sequence[date]) -> None:
    dollars.invoices = [
        i.model_copy(update={"invoice_id": UUID(int=i.invoice_id.int + 500)})
        for i in dollars.invoices
    ]
    dollars.payments = []
    dollars.invoices = [
        i.model_copy(update={"amount_paid": ZERO, "amount_due": i.total - i.amount_credited})
        for i in dollars.invoices
    ]
    both = AccountDocuments(
        made.invoices + dollars.invoices, made.credits + dollars.credits, made.payments
    )
    alone = told(made.documents, *period)
    others = ("USD",) if dollars.invoices or dollars.credits else ()
    assert told(both, *period) == replace(alone, other_currencies=others)
    assert told(both, *period, currency="USD").currency == "USD"


@FEW
@given(accounts(), st.data())
def test_an_amount_that_does_not_fit_is_seen(made: Made, data: st.DataObject) -> None:
    if not made.invoices:
        return
    wrong = data.draw(st.sampled_from(["total", "amount_due"]))
    n = data.draw(st.integers(0, len(made.invoices) - 1))
    amount = getattr(made.invoices[n], wrong) + Decimal("0.01")
    made.invoices[n] = made.invoices[n].model_copy(update={wrong: amount})
    with pytest.raises(StatementMismatch):
        told(made.documents, START, TODAY)


@FEW
@given(accounts())
def test_a_payment_that_is_missing_or_counted_twice_is_seen(made: Made) -> None:
    if not made.payments:
        return
    for payments in (made.payments[1:], [*made.payments, made.payments[0]]):
        with pytest.raises(StatementMismatch):
            told(replace(made.documents, payments=payments), START, TODAY)


def test_a_credit_that_was_used_counts_once() -> None:
    invoice = Invoice.model_validate(
        papers.invoice("INV-1", Total=100, AmountDue=0, AmountCredited=100, Status="PAID")
    )
    allocation = {"Amount": 100, "Invoice": {"InvoiceID": str(invoice.invoice_id)}}
    note = CreditNote.model_validate(
        papers.credit_note("CN-1", Total=100, RemainingCredit=0, Allocations=[allocation])
    )
    found = told(AccountDocuments([invoice], [note]), date(2026, 11, 1), date(2026, 11, 30))
    assert [(m.kind, m.number, m.amount, m.balance) for m in found.lines] == [
        ("invoice", "INV-1", Decimal(100), Decimal(100)),
        ("credit_note", "CN-1", Decimal(-100), ZERO),
    ]


def test_what_a_line_says_is_cleaned() -> None:
    # 5.4 case 16
    invoice = Invoice.model_validate(papers.invoice("INV-1\u202e<b>\x07 http://x.tria.example"))
    [line] = told(AccountDocuments([invoice]), date(2026, 11, 1), date(2026, 11, 30)).lines
    assert line.number == "INV-1"


def test_a_period_that_ends_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before"):
        told(AccountDocuments(), TODAY, START)


@pytest.mark.parametrize("who", demo_customers(), ids=lambda c: c.customer_id)
@pytest.mark.parametrize("back", [30, 120, 600])
async def test_the_books_of_every_customer_add_up(
    client: XeroClient, who: DemoCustomer, back: int
) -> None:
    accounts, reads = accounts_of(client, who), ScopedReads(Fresh(client), scope_for(who))
    today = now().date()
    found = await accounts.statement(today - timedelta(days=back), today)
    due = sum((i.amount_due for i in await accounts.open_invoices()), ZERO)
    early = [*await reads.overpayments(), *await reads.prepayments()]
    left = sum((c.remaining_credit for c in (*await accounts.credit_notes(), *early)), ZERO)
    assert found.closing == due - left
    if back == 600:
        assert found.opening == 0
        assert {m.kind for m in found.lines} >= {"invoice", "payment"}


async def test_a_statement_reads_payments_of_its_own_period_only() -> None:
    books = Papers()
    books.add(papers.contact())
    for number, paid_on in (("INV-1", "2026-02-01"), ("INV-2", "2026-11-10")):
        paid: papers.Json = {"Status": "PAID", "AmountDue": 0, "AmountPaid": 109}
        paid["FullyPaidOnDate"] = paid_on
        settled = papers.invoice(number, Date="2026-01-05", **paid)
        books.add(settled, papers.payment(settled, 109, Date=paid_on))
    found = await books.accounts().statement(date(2026, 11, 1), date(2026, 11, 30))
    assert [(m.kind, m.number, m.amount) for m in found.lines] == [
        ("payment", "INV-2", Decimal(-109))
    ]
    assert (found.opening, found.closing) == (Decimal(109), ZERO)
    [asked] = [a["where"] for p, a in books.asked if p == "/Payments"]
    assert asked.count("guid") == 1


async def test_what_is_booked_while_a_statement_is_read_does_not_break_it() -> None:
    books = Papers()
    mine = papers.invoice("INV-1")
    books.add(papers.contact(), mine, papers.payment(mine, 109))  # not yet in the invoice
    settled: papers.Json = {"Status": "PAID", "AmountDue": 0, "AmountPaid": 109}

    class Moving(Papers):
        @override
        async def get(self, path: str, *given: Any, **more: Any) -> papers.Json:
            if path == "/Invoices" and not more["keep_seconds"]:
                mine.update(settled)
            return await super().get(path, *given, **more)

    moving = Moving()
    moving.lists = books.lists
    mine["AmountPaid"] = 50  # as an answer of a minute ago says
    found = await moving.accounts().statement(date(2026, 11, 1), date(2026, 11, 30))
    assert [(m.kind, m.amount) for m in found.lines] == [
        ("invoice", Decimal(109)),
        ("payment", Decimal(-109)),
    ]
    assert {keep for _, keep, _ in moving.kept} == {60, 0}


async def test_books_that_go_on_disagreeing_are_no_statement() -> None:
    books = Papers()
    books.add(papers.contact(), papers.invoice("INV-1", AmountDue=108))
    with pytest.raises(StatementMismatch):
        await books.accounts().statement(date(2026, 11, 1), date(2026, 11, 30))


def test_what_is_owed_is_told_by_currency() -> None:
    given = [
        papers.invoice("INV-1"),
        papers.invoice("INV-2", DueDate="2026-11-26"),
        papers.invoice("INV-3", CurrencyCode="USD", AmountDue=7),
        papers.invoice("INV-4", Status="PAID", AmountDue=0),
        papers.invoice("INV-5", Status="VOIDED"),
    ]
    note = CreditNote.model_validate(papers.credit_note("CN-1", RemainingCredit=30))
    home, dollars = owed([Invoice.model_validate(i) for i in given], papers.TODAY, [note])
    assert (home.currency, home.outstanding, home.overdue) == ("SGD", Decimal(218), Decimal(109))
    assert (home.open_count, home.overdue_count, home.credit) == (2, 1, Decimal(30))
    assert (dollars.currency, dollars.outstanding, dollars.overdue) == ("USD", Decimal(7), ZERO)
    [nothing] = owed([], papers.TODAY)
    assert (nothing.currency, nothing.outstanding) == ("SGD", ZERO)

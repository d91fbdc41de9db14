"""What a caller's questions are made of, and what becomes of answers that are not theirs."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.tools.xero import papers
from tests.tools.xero.papers import FOREIGN, OWN, SECOND, Papers
from tools.errors import BackendRejected, ForeignDocument
from tools.xero import scope
from tools.xero.documents import ContactRef, CreditNote, Invoice, Quote
from tools.xero.scope import Scope, ScopedReads, scope_of

Read = Callable[[ScopedReads], Awaitable[Any]]

READS: dict[str, Read] = {
    "invoices": lambda r: r.invoices({}),
    "credit_notes": lambda r: r.credit_notes(),
    "overpayments": lambda r: r.overpayments(),
    "prepayments": lambda r: r.prepayments(),
    "quotes": lambda r: r.quotes({}),
    "contacts": lambda r: r.contacts(),
}


def everything_of(contact: UUID) -> list[papers.Json]:
    return [
        papers.invoice("INV-1", contact),
        papers.credit_note("CN-1", contact),
        papers.early("Overpayment", contact),
        papers.early("Prepayment", contact),
        papers.quote("QU-1", contact),
        papers.contact(contact),
    ]


def reads_of(books: Papers, *contacts: UUID) -> tuple[ScopedReads, list[str]]:
    alarms: list[str] = []
    return ScopedReads(books, papers.scope(*contacts), alarms.append), alarms


@pytest.fixture
def books() -> Papers:
    books = Papers()
    books.add(*everything_of(OWN), *everything_of(SECOND), *everything_of(FOREIGN))
    return books


@pytest.fixture
def foolish(books: Papers) -> Papers:
    """The same books when Xero ignores every filter."""
    books.foolish = True
    return books


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_only_what_is_the_callers_is_read(books: Papers, read: Read) -> None:
    # 5.4 cases 6, 10
    reads, alarms = reads_of(books, OWN)
    found = await read(reads)
    assert [_owner(d) for d in found] == [OWN]
    assert alarms == []


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_all_contacts_of_a_franchisee_are_read(books: Papers, read: Read) -> None:
    # 5.4 case 46
    found = await read(reads_of(books, OWN, SECOND)[0])
    assert {_owner(d) for d in found} == {OWN, SECOND}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_one_foreign_document_spoils_the_answer_and_rings(
    foolish: Papers, read: Read
) -> None:
    # 5.4 cases 6, 7, 10
    reads, alarms = reads_of(foolish, OWN)
    with pytest.raises(ForeignDocument):
        await read(reads)
    assert len(alarms) == 1
    assert alarms[0].startswith("foreign ")
    assert str(FOREIGN) not in alarms[0]
    assert foolish.forgotten == [str(OWN)]  # so that the next question gets no such answer


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_nobody_has_nothing(books: Papers, read: Read) -> None:
    reads = ScopedReads(books, Scope("nobody", frozenset(), frozenset()))
    assert await read(reads) == []
    assert books.asked == []


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_every_page_is_read(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "PAGE", 2)
    monkeypatch.setattr(scope, "QUOTES_PAGE", 2)
    books = Papers()
    for _ in range(5):
        books.add(*everything_of(OWN))
    books.size = 2
    assert len(await read(reads_of(books, OWN)[0])) == 5


async def test_xeros_own_count_of_pages_is_believed() -> None:
    books = Papers()
    full = [papers.invoice(f"INV-{n}") for n in range(3)]
    books.single["/Invoices"] = {"Invoices": full, "pagination": {"pageCount": 1}}
    assert len(await reads_of(books)[0].invoices({})) == 3
    books.single["/Invoices"] = {"Invoices": full, "pagination": {"pageCount": 4}}
    assert len(await reads_of(books)[0].invoices({})) == 12


async def test_a_list_without_an_end_is_given_up() -> None:
    books = Papers()
    books.single["/Invoices"] = {"Invoices": [], "pagination": {"pageCount": 10**6}}
    with pytest.raises(BackendRejected, match="no end"):
        await reads_of(books)[0].invoices({})


async def test_quotes_are_asked_for_by_contact_and_never_by_filter(books: Papers) -> None:
    # 5.4 case 11
    await reads_of(books, OWN, SECOND)[0].quotes({"QuoteNumber": "QU-1"})
    assert [(p, a["ContactID"]) for p, a in books.asked] == [
        ("/Quotes", str(OWN)),
        ("/Quotes", str(SECOND)),
    ]
    assert not any("where" in asked for _, asked in books.asked)


async def test_a_customer_who_also_supplies_sees_no_bills_and_no_supplier_credits() -> None:
    # 5.4 case 8
    books = Papers()
    books.add(
        papers.invoice("BILL-1", Type="ACCPAY"),
        papers.credit_note("CN-1", Type="ACCPAYCREDIT"),
        papers.early("Overpayment", Type="SPEND-OVERPAYMENT"),
        papers.early("Prepayment", Type="SPEND-PREPAYMENT"),
    )
    reads, alarms = reads_of(books)
    found = [
        *await reads.invoices({}),
        *await reads.credit_notes(),
        *await reads.overpayments(),
        *await reads.prepayments(),
    ]
    assert found == []
    assert alarms == []


async def test_payments_are_asked_for_by_the_callers_own_invoices(books: Papers) -> None:
    # 5.4 case 10
    [mine, _, theirs] = books.lists["Invoices"]
    books.add(papers.payment(mine, 50), papers.payment(theirs, 60))
    reads, alarms = reads_of(books)
    [found] = await reads.payments_of(await reads.invoices({}))
    assert found.amount == Decimal(50)
    assert books.asked[-1][1]["where"] == f'Invoice.InvoiceID==guid("{mine["InvoiceID"]}")'
    assert alarms == []


async def test_no_question_about_payments_is_longer_than_an_address_may_be() -> None:
    books = Papers()
    books.add(*(papers.invoice(f"INV-{n}") for n in range(70)))
    reads, _ = reads_of(books)
    invoices = await reads.invoices({})
    books.add(*(papers.payment(i, 1) for i in books.lists["Invoices"]))
    assert len(await reads.payments_of(invoices)) == 70
    asked = [a["where"] for p, a in books.asked if p == "/Payments"]
    assert [a.count("guid") for a in asked] == [30, 30, 10]
    assert max(map(len, asked)) < 4000
    before = len(books.asked)
    assert await reads.payments_of([]) == []
    assert len(books.asked) == before


async def test_payments_of_anybody_else_are_an_alarm(books: Papers) -> None:
    # 5.4 cases 6, 7, 10
    [mine, _, theirs] = books.lists["Invoices"]
    reads, alarms = reads_of(books)
    invoices = await reads.invoices({})
    stranger = {"Contact": {"ContactID": str(FOREIGN)}}
    for wrong in (
        papers.payment(theirs, 60),
        papers.payment({**mine, **stranger}, 60),
        papers.payment(mine, 60, Invoice=None),
    ):
        books.single["/Payments"] = {"Payments": [papers.payment(mine, 50), wrong]}
        with pytest.raises(ForeignDocument):
            await reads.payments_of(invoices)
    assert alarms == ["foreign payment"] * 3


async def test_payments_for_an_invoice_of_somebody_else_are_not_asked_for(books: Papers) -> None:
    # 5.4 case 10
    [_, _, theirs] = books.lists["Invoices"]
    reads, alarms = reads_of(books)
    with pytest.raises(ForeignDocument):
        await reads.payments_of([Invoice.model_validate(theirs)])
    assert books.asked == []
    assert alarms == ["foreign invoice"]


async def test_deleted_payments_do_not_count(books: Papers) -> None:
    mine = books.lists["Invoices"][0]
    books.add(papers.payment(mine, 50, Status="DELETED"), papers.payment(mine, 20))
    reads, _ = reads_of(books)
    assert [p.amount for p in await reads.payments_of(await reads.invoices({}))] == [20]


async def test_a_payment_tells_number_and_currency_of_its_invoice() -> None:
    books = Papers()
    dollars = papers.invoice("INV-7", CurrencyCode="USD")
    books.add(dollars, papers.payment(dollars, 50))
    reads, _ = reads_of(books)
    [found] = await reads.payments_of(await reads.invoices({}))
    assert found.invoice
    assert (found.invoice.invoice_number, found.invoice.currency_code) == ("INV-7", "USD")


@pytest.mark.parametrize("what", ["pdf", "online_invoice", "history"])
async def test_nothing_is_fetched_by_a_document_of_somebody_else(books: Papers, what: str) -> None:
    # 5.4 cases 4, 10
    theirs = Invoice.model_validate(books.lists["Invoices"][2])
    reads, alarms = reads_of(books)
    with pytest.raises(ForeignDocument):
        await getattr(reads, what)(theirs)
    assert books.asked == []
    assert alarms == ["foreign invoice"]


async def test_the_path_of_a_file_holds_an_id_and_no_text(books: Papers) -> None:
    # 5.4 case 5
    reads, _ = reads_of(books)
    [invoice] = await reads.invoices({})
    [quote] = await reads.quotes({})
    [note] = await reads.credit_notes()
    books.asked.clear()
    for document in (invoice, quote, note):
        assert await reads.pdf(document) == books.file
    assert books.paths() == [
        f"/Invoices/{UUID(str(invoice.invoice_id))}",
        f"/Quotes/{UUID(str(quote.quote_id))}",
        f"/CreditNotes/{UUID(str(note.credit_note_id))}",
    ]


@pytest.mark.parametrize("kind", [Invoice, Quote, CreditNote])
def test_the_second_lock_holds_for_every_kind(kind: type[Any]) -> None:
    # 5.4 case 6
    reads, alarms = reads_of(Papers())
    stranger = ContactRef.model_validate({"ContactID": str(FOREIGN)})
    document = kind.model_construct(contact=stranger)
    with pytest.raises(ForeignDocument):
        reads.own([document])
    assert len(alarms) == 1


def test_a_scope_comes_from_ids_and_roles_of_a_sign_in() -> None:
    made = scope_of("forno-rosso", [str(OWN)], ["buyer"])
    assert made.contact_ids == {OWN}
    assert made.is_buyer
    assert not made.is_accountant
    with pytest.raises(ValueError, match="badly formed"):
        scope_of("x", ["Forno Rosso"], [])


async def test_a_list_is_kept_only_where_that_is_asked(books: Papers) -> None:
    reads, _ = reads_of(books, OWN, SECOND)
    await reads.invoices({})
    await reads.invoices({}, 60)
    await reads.quotes({}, 60)
    both = (str(OWN), str(SECOND))
    assert books.kept == [
        ("/Invoices", 0, both),
        ("/Invoices", 60, both),
        ("/Quotes", 60, (str(OWN),)),
        ("/Quotes", 60, (str(SECOND),)),
    ]


def _owner(document: Any) -> UUID:
    owner: UUID = getattr(document, "contact", document).contact_id
    return owner

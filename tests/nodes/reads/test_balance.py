from collections.abc import Callable
from decimal import Decimal

import pytest

from nodes.reads.balance import LISTED
from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of
from tests.nodes.reads.conftest import LATE_PAYER, Books, money, reads, reply_to
from tools.context import Context


def amount(documents: list[dict[str, object]], field: str = "AmountDue") -> Decimal:
    return sum((Decimal(str(d[field])) for d in documents), Decimal(0))


async def test_the_balance_is_the_sum_of_the_open_invoices(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of(LATE_PAYER)
    balance = data_of(await reads(context, "what do I owe?", "balance"), "balance")
    unpaid = books.invoices(context, "AUTHORISED")
    assert Decimal(balance["outstanding"]) == amount(unpaid)
    assert balance["open_count"] == len(unpaid)
    assert 0 < Decimal(balance["overdue"]) <= Decimal(balance["outstanding"])


async def test_it_says_as_of_when(context: Context) -> None:
    as_of = data_of(await reads(context, "what do I owe?", "balance"), "balance")["as_of"]
    assert as_of[:16] == context.now().isoformat()[:16]
    assert f"{context.now():%H:%M}" in await reply_to(context, "what do I owe?", "balance")


@pytest.mark.parametrize("who", ["forno-rosso", "metro-meals"])
async def test_a_long_list_is_cut_and_says_how_many_more(
    context_of: Callable[[str], Context], who: str
) -> None:
    balance = data_of(await reads(context_of(who), "what do I owe?", "balance"), "balance")
    assert len(balance["listed"]) <= LISTED
    assert len(balance["listed"]) + balance["more_count"] == balance["open_count"]


async def test_an_unused_credit_stands_beside_the_balance_and_is_not_taken_off(
    context: Context, books: Books
) -> None:
    balance = data_of(await reads(context, "what do I owe?", "balance"), "balance")
    approved = [c for c in books.of("credit_note", context) if c["Status"] == "AUTHORISED"]
    left = amount(approved, "RemainingCredit")
    unpaid = books.invoices(context, "AUTHORISED")
    assert left > 0
    assert Decimal(balance["credit_available"]) == left
    assert Decimal(balance["outstanding"]) == amount(unpaid)
    assert f"{money(left)} of unused credit" in await reply_to(context, "owe?", "balance")


async def test_only_what_is_overdue_is_listed_when_that_is_asked(
    context_of: Callable[[str], Context],
) -> None:
    context = context_of(LATE_PAYER)
    balance = data_of(await reads(context, "what is overdue?", "balance"), "balance")
    assert balance["listed"]
    assert all(invoice["days_overdue"] > 0 for invoice in balance["listed"])
    assert "days overdue" in await reply_to(context, "what is overdue?", "balance")


async def test_nothing_overdue_is_said_with_its_time(context_of: Callable[[str], Context]) -> None:
    context = context_of("kopi-collective")
    said = await reply_to(context, "what is overdue?", "balance")
    assert "Nothing is overdue as of" in said or "You owe nothing as of" in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", ["forno-rosso", LATE_PAYER, "golden-crust", "metro-meals"])
async def test_it_is_told_in_every_language(
    context_of: Callable[[str], Context], who: str, language: str
) -> None:
    context = context_of(who)
    balance = data_of(await reads(context, "what do I owe?", "balance"), "balance")
    said = await reply_to(context, "what do I owe?", "balance", language=language)
    assert money(balance["outstanding"]) in said


@pytest.mark.parametrize("who", ["kopi-collective", "sourdough-social"])
async def test_money_paid_too_early_or_too_much_is_credit_too(
    context_of: Callable[[str], Context], who: str
) -> None:
    context = context_of(who)
    credit = await context.accounts.unused_credit()
    left = sum((c.remaining_credit for c in credit), Decimal(0))
    assert left > 0
    assert not [c for c in await context.accounts.credit_notes() if c.remaining_credit]
    assert money(left) in await reply_to(context, "what do I owe?", "balance")


async def test_of_a_certain_invoice_only_that_one_is_told(context: Context, books: Books) -> None:
    one, *others = books.invoices(context, "AUTHORISED")
    text = f"Invoice No. {one['InvoiceNumber'].removeprefix('INV-')} - amount due?"
    said = await reply_to(context, text, "invoice", "balance")
    assert one["InvoiceNumber"] in said
    assert not any(other["InvoiceNumber"] in said for other in others)


async def test_the_oldest_invoice_is_the_one_due_first(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of(LATE_PAYER)
    oldest = min(books.invoices(context, "AUTHORISED"), key=lambda i: i["InvoiceNumber"])
    documents = data_of(await reads(context, "which is the oldest?", "balance"), "documents")
    assert [i["number"] for i in documents["found"]] == [oldest["InvoiceNumber"]]

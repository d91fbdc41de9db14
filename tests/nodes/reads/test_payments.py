from collections.abc import Callable
from uuid import UUID

import pytest

from nodes.reads.payments import read_received
from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import (
    LATE_PAYER,
    Books,
    money,
    reads,
    reply_to,
    thread_of,
    understood,
)
from tools.context import Context

NOT_UNPAID = "That does not mean it is unpaid"


async def test_payments_name_the_invoice_they_settle(context: Context, books: Books) -> None:
    listed = data_of(await reads(context, "list our payments", "payment"), "payments")["listed"]
    booked = {i["InvoiceNumber"] for i in books.invoices(context, "AUTHORISED", "PAID")}
    assert listed
    assert {p["invoice"] for p in listed} <= booked
    days = [p["date"] for p in listed]
    assert days == sorted(days, reverse=True)


async def test_payments_of_a_time_are_those_of_that_time(context: Context) -> None:
    payments = data_of(await reads(context, "our payments of last month", "payment"), "payments")
    assert payments["since"] < payments["until"]
    assert all(payments["since"] <= p["date"] <= payments["until"] for p in payments["listed"])


async def test_a_payment_is_found_by_its_amount(context: Context, books: Books) -> None:
    paid = books.of("payment", context)[-1]
    text = f"did you receive my payment of ${paid['Amount']}?"
    update = await reads(context, text, "payment")
    assert kinds(update) == ["received"]
    received = data_of(update, "received")
    assert paid["Invoice"]["InvoiceNumber"] in {p["invoice"] for p in received["listed"]}
    assert received["unmatched"] == []
    said = await reply_to(context, text, "payment")
    assert f"we received {money(paid['Amount'])}" in said
    assert NOT_UNPAID not in said


async def test_a_payment_is_found_by_its_invoice(context: Context, books: Books) -> None:
    invoice = books.invoices(context, "PAID")[0]
    text = f"have you received our payment for {invoice['InvoiceNumber']}?"
    received = data_of(await reads(context, text, "payment"), "received")
    assert [p["invoice"] for p in received["listed"]] == [invoice["InvoiceNumber"]]


async def test_what_is_not_matched_is_not_called_unpaid(context: Context) -> None:
    said = await reply_to(context, "did you receive my payment of $12,345.67?", "payment")
    assert "SGD 12,345.67" in said
    assert NOT_UNPAID in said
    assert "not be matched yet" in said


async def test_an_amount_without_cents_or_sign_counts_beside_the_payment(
    context: Context,
) -> None:
    text = "has my transfer of 500 arrived?"
    assert data_of(await reads(context, text, "payment"), "received")["unmatched"] == ["500.00"]


async def test_the_payments_of_others_are_never_told(
    context: Context, context_of: Callable[[str], Context], books: Books
) -> None:
    own = {str(p["Amount"]) for p in books.of("payment", context)}
    foreign = next(
        p for p in books.of("payment", context_of(LATE_PAYER)) if str(p["Amount"]) not in own
    )
    text = f"did you get the payment of ${foreign['Amount']}?"
    received = data_of(await reads(context, text, "payment"), "received")
    assert received["listed"] == []
    text = f"did you get the payment for {foreign['Invoice']['InvoiceNumber']}?"
    update = await reads(context, text, "payment")
    assert data_of(update, "received")["listed"] == []
    assert data_of(update, "documents")["missing_count"] == 1


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_told_in_every_language(context: Context, books: Books, language: str) -> None:
    paid = books.of("payment", context)[-1]
    text = f"did you receive my payments of ${paid['Amount']} and $12,345.67?"
    said = await reply_to(context, text, "payment", language=language)
    assert money(paid["Amount"]) in said
    assert "SGD 12,345.67" in said
    assert await reply_to(context, "our payments", "payment", language=language)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("did you receive my payment of $12,345.67?", None),
        ("have you received my payment of $12,345.67 for {}?", "INV-"),
    ],
)
async def test_the_conversation_waits_for_a_payment_that_is_not_there(
    context: Context, books: Books, text: str, number: str | None
) -> None:
    invoice = books.invoices(context, "AUTHORISED")[0]["InvoiceNumber"]
    state = await understood(context, text.format(invoice), "payment")
    await read_received(state, context)
    [contact] = context.caller.contact_ids
    watches = await context.watches.of_invoice(UUID(contact), invoice)
    [watch] = [w for w in watches if w["thread_id"] == thread_of(state)]
    assert watch["invoice_number"] == (invoice if number else None)


async def test_of_payments_of_one_amount_the_latest_is_told(context: Context) -> None:
    payments = await context.accounts.payments()
    amounts = [p.amount for p in payments]
    often = next(p for p in payments if amounts.count(p.amount) > 1)
    text = f"did you receive ${often.amount}?"
    received = data_of(await reads(context, text, "payment"), "received")
    assert [p["date"] for p in received["listed"]] == [f"{often.date}"]
    assert received["earlier_count"] == amounts.count(often.amount) - 1
    for language in LANGUAGES:
        said = await reply_to(context, text, "payment", language=language)
        assert said.count(money(often.amount)) == 1

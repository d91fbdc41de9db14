from collections.abc import Callable
from decimal import Decimal

import pytest

from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import LATE_PAYER, TWO_PAYERS, Books, money, reads, reply_to
from tools.context import Context
from tools.rules import gst_percent


def number(books: Books, context: Context, status: str = "AUTHORISED") -> str:
    return str(books.invoices(context, status)[0]["InvoiceNumber"])


async def test_an_open_invoice_tells_what_is_due_and_when(context: Context, books: Books) -> None:
    invoice = books.invoices(context, "AUTHORISED")[0]
    said = await reply_to(context, f"when must I pay {invoice['InvoiceNumber']}?", "invoice")
    assert money(invoice["AmountDue"]) in said
    assert "is due on" in said


async def test_a_paid_invoice_tells_since_when(context: Context, books: Books) -> None:
    said = await reply_to(context, f"is {number(books, context, 'PAID')} paid?", "invoice")
    assert "is paid in full since" in said


async def test_a_part_payment_is_told(context_of: Callable[[str], Context], books: Books) -> None:
    context = context_of(TWO_PAYERS)
    part = next(i for i in books.invoices(context, "AUTHORISED") if i["AmountPaid"])
    said = await reply_to(context, f"status of {part['InvoiceNumber']}", "invoice")
    assert f"{money(part['AmountPaid'])} of {part['InvoiceNumber']} is paid already" in said


async def test_a_credit_that_was_used_is_told(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of("metro-meals")
    credited = next(i for i in books.invoices(context, "AUTHORISED") if i.get("AmountCredited"))
    said = await reply_to(context, f"status of {credited['InvoiceNumber']}", "invoice")
    assert "of credit is set against" in said


async def test_days_overdue_are_counted_for_unpaid_invoices_only(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of(LATE_PAYER)
    asked = f"{number(books, context)} {number(books, context, 'PAID')}"
    found = data_of(await reads(context, asked, "invoice"), "documents")["found"]
    late = {i["status"]: i["days_overdue"] for i in found}
    assert late["authorised"] > 0
    assert late["paid"] == 0


@pytest.mark.parametrize("status", ["DRAFT", "VOIDED"])
async def test_what_the_office_has_not_approved_or_has_voided_is_not_there(
    context_of: Callable[[str], Context], books: Books, status: str
) -> None:
    context = context_of("slice-yard-north" if status == "DRAFT" else "metro-meals")
    found = await reads(context, f"show {number(books, context, status)}", "invoice")
    assert data_of(found, "documents") == {"found": [], "missing_count": 1}


async def test_a_foreign_invoice_is_answered_like_a_missing_one(
    context: Context, context_of: Callable[[str], Context], books: Books
) -> None:
    foreign = number(books, context_of(LATE_PAYER))
    for language in LANGUAGES:
        asked = await reply_to(context, f"show {foreign}", "invoice", language=language)
        missing = await reply_to(context, "show INV-999999", "invoice", language=language)
        assert asked == missing


async def test_the_invoice_of_another_outlet_is_found_where_the_caller_looks_after_both(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of(TWO_PAYERS)
    payers: dict[str, str] = {}
    for invoice in books.invoices(context, "AUTHORISED"):
        payers.setdefault(invoice["Contact"]["Name"], invoice["InvoiceNumber"])
    assert len(payers) == 2
    for name, printed in payers.items():
        assert f"{printed} is billed to {name}" in await reply_to(
            context, f"invoice {printed} of my colleague", "invoice"
        )


async def test_who_pays_is_nothing_to_say_where_there_is_only_one(
    context: Context, books: Books
) -> None:
    asked = f"show {number(books, context)}"
    assert "bill_to" not in data_of(await reads(context, asked, "invoice"), "documents")["found"][0]


async def test_the_latest_invoice_needs_no_number(context: Context, books: Books) -> None:
    found = data_of(await reads(context, "show my latest invoice", "invoice"), "documents")
    approved = books.invoices(context, "AUTHORISED", "PAID")
    latest = max(approved, key=lambda i: (i["Date"], i["InvoiceNumber"]))
    assert [i["number"] for i in found["found"]] == [latest["InvoiceNumber"]]


async def test_the_second_of_a_list_and_that_one_again(context: Context, books: Books) -> None:
    first, second = (i["InvoiceNumber"] for i in books.invoices(context, "AUTHORISED")[:2])
    listed = {"documents": [second], "listed": [first, second]}
    for text in ("show me the second one", "when is it due", "which day is that invoice due"):
        found = data_of(await reads(context, text, "invoice", focus=listed), "documents")["found"]  # type: ignore[arg-type]
        assert [i["number"] for i in found] == [second]


async def test_the_lines_say_what_was_charged_at_which_price(
    context: Context, books: Books
) -> None:
    invoice = books.invoices(context, "AUTHORISED")[0]
    text = f"what is this line on {invoice['InvoiceNumber']}?"
    [found] = data_of(await reads(context, text, "invoice"), "documents")["found"]
    assert [line["description"] for line in found["lines"]] == [
        line["Description"] for line in invoice["LineItems"]
    ]
    said = await reply_to(context, text, "invoice")
    for line in invoice["LineItems"]:
        assert money(line["LineAmount"]) in said
    assert "has these items" in said
    assert "is dated" not in said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_lines_are_told_in_every_language(
    context: Context, books: Books, language: str
) -> None:
    invoice = books.invoices(context, "PAID")[0]
    text = f"breakdown of {invoice['InvoiceNumber']}"
    said = await reply_to(context, text, "invoice", language=language)
    assert money(invoice["SubTotal"]) in said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_tax_is_that_of_the_invoice_and_the_number_that_of_the_seller(
    context: Context, books: Books, language: str
) -> None:
    invoice = books.invoices(context, "AUTHORISED")[0]
    text = f"why is there GST on {invoice['InvoiceNumber']}?"
    update = await reads(context, text, "invoice")
    assert kinds(update) == ["documents", "tax"]
    said = await reply_to(context, text, "invoice", language=language)
    assert money(invoice["TotalTax"]) in said
    assert f"{gst_percent(context.now().date())}%" in said
    assert "M9-0000000-0" in said


async def test_the_tax_number_needs_no_invoice(context: Context) -> None:
    said = await reply_to(context, "what is your GST number?", "invoice")
    assert "M9-0000000-0" in said
    assert "Which invoice" not in said


async def test_a_draft_that_was_ordered_here_is_being_prepared(context: Context) -> None:
    drafts = [i for i in await context.accounts.past_orders() if i.status == "DRAFT"]
    if not drafts:
        pytest.skip("no order was placed in this run")
    said = await reply_to(context, f"show {drafts[0].invoice_number}", "invoice")
    assert "We are preparing it" in said


async def test_somebody_who_tries_numbers_out_gets_the_same_words_and_a_person(
    context: Context, books: Books
) -> None:
    own = number(books, context)
    asked = [f"show INV-{900001 + 1000 * n}" for n in range(5)]
    *_, last = [await reads(context, text, "invoice") for text in asked]
    assert data_of(last, "needs_person")["reason"] == "guessing"
    throttled = await reads(context, f"show {own}", "invoice")
    assert data_of(throttled, "documents") == {"found": [], "missing_count": 1}
    assert data_of(throttled, "needs_person") == {"reason": "guessing"}
    shown = await reads(context, f"show {own}", "invoice", focus={"listed": [own]})
    assert kinds(shown) == ["documents"]
    assert Decimal(data_of(shown, "documents")["found"][0]["amount_due"]) > 0


async def test_the_rate_goes_by_the_day_of_the_invoice(context: Context) -> None:
    text = "what gst rate for an invoice of 15 Nov 2023, and today?"
    assert data_of(await reads(context, text, "invoice"), "tax")["before"]["percent"] == "8"
    for language in LANGUAGES:
        said = await reply_to(context, text, "invoice", language=language)
        assert "8%" in said
        assert "9%" in said


async def test_a_link_without_a_number_is_for_the_document_spoken_of(
    context: Context, books: Books
) -> None:
    one, other = (i["InvoiceNumber"] for i in books.invoices(context, "AUTHORISED")[:2])
    text = "give me the payment link"
    alone = await reads(context, text, "invoice", focus={"documents": [one]})
    assert [i["number"] for i in data_of(alone, "documents")["found"]] == [one]
    several = await reads(context, text, "invoice", focus={"documents": [one, other]})
    assert data_of(several, "documents")["found"] == []

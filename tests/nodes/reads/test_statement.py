from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from langgraph.runtime import Runtime

from nodes.call_xero_tools import call_xero_tools
from nodes.reads.statement import LISTED
from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import BUYER, LATE_PAYER, Books, money, reads, reply_to, understood
from tools.context import Context
from tools.xero.scope import scope_of
from tools.xero.statement import Statement, StatementMismatch


async def test_opening_and_movements_make_the_closing_balance(context: Context) -> None:
    statement = data_of(await reads(context, "our statement please", "statement"), "statement")
    moved = sum((Decimal(line["amount"]) for line in statement["lines"]), Decimal(0))
    if not statement["more_count"]:
        assert Decimal(statement["opening"]) + moved == Decimal(statement["closing"])
    assert statement["lines"][-1]["balance"] == statement["closing"]


async def test_without_a_time_it_is_this_month_and_the_last(context: Context) -> None:
    statement = data_of(await reads(context, "send me our statement", "statement"), "statement")
    today = context.now().date()
    assert statement["until"] == today.isoformat()
    since = date.fromisoformat(statement["since"])
    assert since.day == 1
    assert (today.year * 12 + today.month) - (since.year * 12 + since.month) == 1


async def test_the_closing_balance_is_what_is_open_less_the_unused_credit(
    context: Context, books: Books
) -> None:
    statement = data_of(await reads(context, "statement until today", "statement"), "statement")
    unpaid = sum(Decimal(str(i["AmountDue"])) for i in books.invoices(context, "AUTHORISED"))
    approved = [c for c in books.of("credit_note", context) if c["Status"] == "AUTHORISED"]
    credit = sum(Decimal(str(c["RemainingCredit"])) for c in approved)
    assert Decimal(statement["closing"]) == unpaid - credit


async def test_the_time_that_is_named_counts(context: Context) -> None:
    text = "statement for the last 6 months"
    statement = data_of(await reads(context, text, "statement"), "statement")
    assert len(statement["lines"]) == LISTED
    assert statement["more_count"] > 0
    assert all(
        statement["since"] <= line["day"] <= statement["until"] for line in statement["lines"]
    )
    said = await reply_to(context, text, "statement")
    assert "Account summary" in said
    assert "not an official statement" in said
    assert "earlier ones are in the PDF" in said


async def test_its_pdf_can_be_fetched_for_the_same_time(context: Context) -> None:
    update = await reads(context, "statement for last month", "statement")
    statement, [link] = data_of(update, "statement"), data_of(update, "downloads")["listed"]
    assert link["what"] == "statement_pdf"
    stored = await context.links.find(link["url"].rsplit("/", 1)[1])
    assert stored is not None
    assert stored["target"] == {key: statement[key] for key in ("since", "until")}
    assert stored["customer_id"] == context.caller.customer_id


# 5.4 case 47
@pytest.mark.parametrize("language", LANGUAGES)
async def test_somebody_who_only_buys_is_told_who_may_ask(
    context_of: Callable[[str], Context], language: str
) -> None:
    context = context_of(BUYER)
    update = await reads(context, "send me the statement", "statement")
    assert kinds(update) == ["not_permitted"]
    said = await reply_to(context, "send me the statement", "statement", language=language)
    assert "SGD" not in said
    asked = await reads(context, "your statement does not match our books", "statement")
    assert kinds(asked) == ["not_permitted"]


class Disagreeing:
    """Books whose documents do not add up."""

    scope = scope_of("somebody", (), ("accounts",))

    async def statement(self, *_: object) -> Statement:
        raise StatementMismatch("off by a cent")

    async def invoice_by_number(self, _: str) -> None:
        return None


async def test_books_that_do_not_add_up_go_to_a_person(context: Context) -> None:
    for text in (
        "statement for last month",
        "your statement for last month does not match our books:\nINV-1 1.00",
    ):
        state = await understood(context, text, "statement")
        there = Context(**{**vars(context), "accounts": Disagreeing()})
        update = await call_xero_tools(state, Runtime(context=there))
        assert not {"statement", "differences"} & set(kinds(update))
        assert data_of(update, "needs_person") == {"reason": "statement_mismatch"}


async def test_only_the_differences_are_told(context: Context, books: Books) -> None:
    one, other, *rest = books.invoices(context, "AUTHORISED")
    pasted = [f"{i['InvoiceNumber']}  {i['AmountDue']}" for i in rest]
    pasted += [f"{one['InvoiceNumber']}  1.23", "INV-999999  88.00"]
    text = "your statement does not match our books:\n" + "\n".join(pasted)
    update = await reads(context, text, "statement")
    found = data_of(update, "differences")
    assert [row["number"] for row in found["other_amounts"]] == [one["InvoiceNumber"]]
    assert [row["number"] for row in found["only_ours"]] == [other["InvoiceNumber"]]
    assert [row["number"] for row in found["only_theirs"]] == ["INV-999999"]
    assert data_of(update, "needs_person")["reason"] == "differences"
    for language in LANGUAGES:
        said = await reply_to(context, text, "statement", language=language)
        assert "SGD 1.23" in said
        assert money(other["AmountDue"]) in said or money(other["Total"]) in said


async def test_a_list_that_agrees_needs_nobody(context: Context, books: Books) -> None:
    pasted = [f"{i['InvoiceNumber']}: ${i['Total']}" for i in books.invoices(context, "AUTHORISED")]
    text = "does this match your books? my records show\n" + "\n".join(pasted)
    update = await reads(context, text, "statement")
    assert "needs_person" not in kinds(update)
    assert "agree on all" in await reply_to(context, text, "statement")


async def test_without_a_list_it_is_asked_for(context: Context) -> None:
    text = "why is your statement different, the figures do not match"
    update = await reads(context, text, "statement")
    assert "needs_person" not in kinds(update)
    assert "one document a line" in await reply_to(context, text, "statement")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", ["forno-rosso", LATE_PAYER, "golden-crust", "metro-meals"])
async def test_it_is_told_in_every_language(
    context_of: Callable[[str], Context], who: str, language: str
) -> None:
    context = context_of(who)
    text = "statement for this quarter"
    statement = data_of(await reads(context, text, "statement"), "statement")
    said = await reply_to(context, text, "statement", language=language)
    assert money(statement["opening"]).removeprefix("SGD -") in said
    assert "/documents/" in said

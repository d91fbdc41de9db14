from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from langgraph.runtime import Runtime

from nodes.call_xero_tools import call_xero_tools
from nodes.compose_reply import compose_reply
from nodes.reads.links import MOST_FILES_AN_HOUR
from nodes.replies import LANGUAGES
from nodes.state import Focus
from tests.nodes.conftest import Stream, data_of, kinds
from tests.nodes.reads.conftest import (
    BUYER,
    LATE_PAYER,
    Books,
    reads,
    reply_to,
    thread_of,
    understood,
)
from tests.tools.conftest import Control
from tools.context import Context
from tools.conversations import Conversations
from tools.model.client import Model


def unpaid(books: Books, context: Context) -> str:
    return str(books.invoices(context, "AUTHORISED")[0]["InvoiceNumber"])


def token(link: dict[str, Any]) -> str:
    return str(link["url"]).rsplit("/", 1)[1]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_pdf_of_an_invoice_is_a_link_on_our_own_host(
    context: Context, books: Books, language: str
) -> None:
    number = unpaid(books, context)
    [link] = data_of(await reads(context, f"pdf of {number}", "invoice"), "downloads")["listed"]
    assert link["url"].startswith(f"{context.public_url}/documents/")
    stored = await context.links.find(token(link))
    assert stored is not None
    assert (stored["kind"], stored["target"]) == ("invoice_pdf", {"number": number})
    assert stored["scope"]["contact_ids"] == list(context.caller.contact_ids)
    said = await reply_to(context, f"pdf of {number}", "invoice", language=language)
    assert f"{context.public_url}/documents/" in said


async def test_nothing_is_linked_that_was_not_asked_for(context: Context, books: Books) -> None:
    update = await reads(context, f"when is {unpaid(books, context)} due?", "invoice")
    assert kinds(update) == ["documents"]


async def test_and_its_pdf(context: Context, books: Books) -> None:
    focus: Focus = {"documents": [unpaid(books, context)], "intents": ["invoice"]}
    update = await reads(context, "and its PDF?", "invoice", focus=focus)
    [link] = data_of(update, "downloads")["listed"]
    assert link["number"] == unpaid(books, context)


async def test_a_foreign_or_missing_invoice_has_no_link(
    context: Context, context_of: Callable[[str], Context], books: Books
) -> None:
    for number in (unpaid(books, context_of(LATE_PAYER)), "INV-999999"):
        for asked in (f"pdf of {number}", f"payment link for {number}"):
            update = await reads(context, asked, "invoice")
            assert kinds(update) == ["documents"]
            assert data_of(update, "documents")["missing_count"] == 1


async def test_an_open_invoice_can_be_paid_by_a_link_and_a_paid_one_cannot(
    context: Context, books: Books
) -> None:
    text = f"payment link for {unpaid(books, context)}"
    [link] = data_of(await reads(context, text, "invoice"), "downloads")["listed"]
    assert link["what"] == "pay_link"
    assert "in.xero" not in str(await reads(context, text, "invoice"))
    paid = books.invoices(context, "PAID")[0]["InvoiceNumber"]
    assert kinds(await reads(context, f"payment link for {paid}", "invoice")) == ["documents"]


async def test_all_open_invoices_come_in_one_file(context: Context) -> None:
    update = await reads(context, "send me all open invoices as pdf", "invoice")
    [link] = data_of(update, "downloads")["listed"]
    assert link["what"] == "invoices_zip"
    assert "in one file" in await reply_to(context, "send me all open invoices", "invoice")


async def test_more_than_three_such_files_in_an_hour_are_for_a_person(context: Context) -> None:
    for _ in range(MOST_FILES_AN_HOUR):
        update = await reads(context, "send me all open invoices", "invoice")
        assert data_of(update, "downloads")["listed"][0]["what"] == "invoices_zip"
        # As a customer may do who wants to be counted anew.
        await Conversations(context.links._pool).delete(
            thread_of(update), context.caller.customer_id
        )
    update = await reads(context, "send me all open invoices", "invoice")
    assert data_of(update, "needs_person") == {"reason": "too_many_documents"}
    assert "downloads" not in kinds(update)


async def test_all_at_once_is_for_those_who_keep_the_accounts(
    context_of: Callable[[str], Context],
) -> None:
    update = await reads(context_of(BUYER), "send me all open invoices", "invoice")
    assert "downloads" not in kinds(update)
    assert data_of(update, "not_permitted") == {"needs": "accounts"}


async def test_too_many_for_one_file_go_to_a_person(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.reads.links.MOST_IN_ONE_FILE", 0)
    update = await reads(context, "send me all open invoices", "invoice")
    assert data_of(update, "needs_person") == {"reason": "too_many_documents"}
    assert "downloads" not in kinds(update)


async def test_a_suspicious_message_opens_nothing(context: Context, books: Books) -> None:
    state = await understood(context, f"pdf of {unpaid(books, context)}", "invoice")
    state["screened"]["injection"] = 0.9
    update = await call_xero_tools(state, Runtime(context=context))
    assert kinds(update) == ["documents"]


async def test_no_model_sees_a_link_or_where_money_goes(
    context: Context, model: Model, control: Control, books: Books
) -> None:
    context = replace(context, model=model)
    before = control.model_calls()
    state = await reads(context, f"pdf of {unpaid(books, context)}, how do I pay?", "invoice")
    assert {"downloads", "how_to_pay"} <= set(kinds(state))
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert reply["by"] == "templates"
    assert control.model_calls() == before


async def test_a_link_of_an_earlier_reply_is_not_in_a_prompt(
    context: Context, model: Model, control: Control
) -> None:
    context = replace(context, model=model)
    state = await reads(context, "what do I owe?", "balance")
    said = f"- Invoice INV-1 as PDF: {context.public_url}/documents/a-secret-token\nIt works once."
    state["turn"]["history"] = [{"role": "assistant", "content": said}]
    await compose_reply(state, Stream(context).runtime)
    asked = str(control.last_asked())
    assert "It works once" in asked
    assert "a-secret-token" not in asked


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_to_pay_comes_from_the_rules(
    context: Context, books: Books, language: str
) -> None:
    number = unpaid(books, context)
    said = await reply_to(context, f"how do I pay {number}?", "payment", language=language)
    assert "000-123456-7" in said
    assert number in said

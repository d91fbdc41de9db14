from collections.abc import Callable
from typing import Any

import pytest

from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import Books, money, reads, reply_to
from tools.context import Context
from tools.sandbox.xero.wire import day_of


def quote_of(books: Books, context: Context, status: str) -> dict[str, Any]:
    return next(
        q
        for q in books.of("quote", context)
        if q["Status"] == status and day_of(q["ExpiryDate"]) >= context.now().date()
    )


async def test_until_when_a_quote_holds_is_told(context: Context, books: Books) -> None:
    quote = quote_of(books, context, "SENT")
    text = f"is {quote['QuoteNumber']} still valid?"
    update = await reads(context, text, "quote")
    assert [q["number"] for q in data_of(update, "quotes")["listed"]] == [quote["QuoteNumber"]]
    assert "prices" not in kinds(update)
    said = await reply_to(context, text, "quote")
    assert f"{quote['QuoteNumber']} over {money(quote['Total'])} is valid until" in said


async def test_an_expired_quote_is_offered_afresh(context_of: Callable[[str], Context]) -> None:
    context = context_of("kopi-collective")
    listed = data_of(await reads(context, "are our quotes still valid?", "quote"), "quotes")[
        "listed"
    ]
    expired = next(q for q in listed if q["is_expired"])
    said = await reply_to(context, f"is {expired['number']} still valid?", "quote")
    assert "ended on" in said
    assert "Shall I prepare a fresh one?" in said


async def test_a_draft_of_the_office_and_a_foreign_quote_are_not_there(
    context: Context, context_of: Callable[[str], Context], books: Books
) -> None:
    foreign = quote_of(books, context_of("metro-meals"), "SENT")["QuoteNumber"]
    asked = await reads(context, f"is {foreign} still valid?", "quote")
    missing = await reads(context, "is QU-999999 still valid?", "quote")
    assert data_of(asked, "quotes") == data_of(missing, "quotes")
    assert data_of(asked, "quotes")["missing_count"] == 1


async def test_its_pdf_is_offered_when_asked_for(context: Context, books: Books) -> None:
    quote = quote_of(books, context, "SENT")["QuoteNumber"]
    [link] = data_of(await reads(context, f"pdf of {quote}", "quote"), "downloads")["listed"]
    assert (link["what"], link["number"]) == ("quote_pdf", quote)


async def test_somebody_without_a_quote_is_told_from_when_on_there_are_some(
    context_of: Callable[[str], Context],
) -> None:
    said = await reply_to(context_of("laksa-lane"), "is my quote still valid?", "quote")
    assert "no quote on your account" in said
    assert "10,000 pieces" in said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_told_in_every_language(
    context_of: Callable[[str], Context], language: str
) -> None:
    for who in ("forno-rosso", "kopi-collective", "metro-meals", "golden-crust", "laksa-lane"):
        assert await reply_to(
            context_of(who), "is my quote still valid?", "quote", language=language
        )

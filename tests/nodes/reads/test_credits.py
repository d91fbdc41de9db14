from collections.abc import Callable

import pytest

from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import Books, money, reads, reply_to
from tools.context import Context


async def test_what_is_left_of_a_credit_is_told(context: Context, books: Books) -> None:
    note = next(c for c in books.of("credit_note", context) if c["Status"] == "AUTHORISED")
    listed = data_of(
        await reads(context, "how much credit do we have left?", "credit"), "credit_notes"
    )
    assert listed["listed"][0]["number"] == note["CreditNoteNumber"]
    said = await reply_to(context, "how much credit do we have left?", "credit")
    assert f"{money(note['RemainingCredit'])} is left" in said


async def test_where_a_credit_went_is_told(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of("metro-meals")
    note = next(c for c in books.of("credit_note", context) if c["Allocations"])
    text = f"what remains on {note['CreditNoteNumber']}?"
    for language in LANGUAGES:
        said = await reply_to(context, text, "credit", language=language)
        assert note["Allocations"][0]["Invoice"]["InvoiceNumber"] in said
        assert money(note["Allocations"][0]["Amount"]) in said


async def test_a_draft_of_the_office_is_not_there(
    context_of: Callable[[str], Context], books: Books
) -> None:
    context = context_of("kopi-collective")
    draft = next(c for c in books.of("credit_note", context) if c["Status"] == "DRAFT")
    update = await reads(context, f"what remains on {draft['CreditNoteNumber']}?", "credit")
    assert data_of(update, "credit_notes")["missing_count"] == 1


async def test_a_foreign_credit_note_is_answered_like_a_missing_one(
    context: Context, context_of: Callable[[str], Context], books: Books
) -> None:
    foreign = books.of("credit_note", context_of("metro-meals"))[0]["CreditNoteNumber"]
    asked = await reads(context, f"what remains on {foreign}?", "credit")
    missing = await reads(context, "what remains on CN-999999?", "credit")
    assert data_of(asked, "credit_notes") == data_of(missing, "credit_notes")
    assert await reply_to(context, f"what remains on {foreign}?", "credit") == await reply_to(
        context, "what remains on CN-999999?", "credit"
    )


async def test_its_pdf_is_offered_when_asked_for(context: Context, books: Books) -> None:
    note = books.of("credit_note", context)[0]["CreditNoteNumber"]
    update = await reads(context, f"pdf of {note} please", "credit")
    [link] = data_of(update, "downloads")["listed"]
    assert (link["what"], link["number"]) == ("credit_note_pdf", note)
    assert "documents" in kinds(update)
    assert data_of(update, "documents") == {"found": [], "missing_count": 0}


async def test_nobody_is_told_of_a_credit_that_is_not_there(
    context_of: Callable[[str], Context],
) -> None:
    said = await reply_to(context_of("sourdough-social"), "how much credit is left?", "credit")
    assert "no credit note on your account" in said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_told_in_every_language(
    context_of: Callable[[str], Context], language: str
) -> None:
    for who in ("forno-rosso", "metro-meals", "sourdough-social"):
        assert await reply_to(context_of(who), "any credit left?", "credit", language=language)


async def test_beside_a_number_the_credit_that_is_left_is_told_if_asked(
    context: Context, books: Books
) -> None:
    notes = books.of("credit_note", context)
    used = next(c["CreditNoteNumber"] for c in notes if c["Status"] == "PAID")
    left = [c["CreditNoteNumber"] for c in notes if c["Status"] == "AUTHORISED"]
    both = f"how much credit do we have and what happened to {used}?"
    listed = data_of(await reads(context, both, "credit"), "credit_notes")["listed"]
    assert [note["number"] for note in listed] == [used, *left]
    listed = data_of(await reads(context, f"what about {used}?", "credit"), "credit_notes")[
        "listed"
    ]
    assert [note["number"] for note in listed] == [used]

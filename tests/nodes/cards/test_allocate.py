import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.nodes.cards.conftest import Json, Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds

TalkOf = Callable[[str], Awaitable[Talk]]
CUSTOMER = "metro-meals"


async def a_credit(talk: Talk, office: Office, amount: str) -> str:
    """A credit note that the office has approved; `amount` before GST."""
    reference = f"credit {uuid4()}"
    document = {
        "Type": "ACCRECCREDIT",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": talk.context.caller.contact_ids[0]},
        "Reference": reference,
        "LineItems": [{"Description": "Credit", "UnitAmount": float(amount)}],
    }
    body = json.dumps({"CreditNotes": [document]}).encode()
    tags = list(talk.context.caller.contact_ids)
    await talk.context.books._client.put("/CreditNotes", body, reference, tags)
    notes = office.documents("credit_note", talk.context)
    [number] = [str(c["CreditNoteNumber"]) for c in notes if c["Reference"] == reference]
    return number


def note_of(number: str, talk: Talk, office: Office) -> Json:
    notes = office.documents("credit_note", talk.context)
    [note] = [c for c in notes if c["CreditNoteNumber"] == number]
    return note


def due(number: str, talk: Talk, office: Office) -> Decimal:
    return Decimal(str(office.invoice(number, talk.context)["AmountDue"]))


async def test_a_credit_is_set_against_the_invoice_named(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    credit = await a_credit(talk, office, "20.00")
    invoice = office.invoices(talk.context, "AUTHORISED")[-1]["InvoiceNumber"]
    before = due(invoice, talk, office)
    card = await talk.card(f"please apply my credit {credit} to {invoice}", "credit")
    assert (card["kind"], card["title"]) == ("allocation", f"Set {credit} against {invoice}")
    assert rows(card) == {
        "credit_note": credit,
        "invoice": invoice,
        "amount": "21.80",
        "remaining": "0.00",
        "new_total": f"{before - Decimal('21.80'):.2f}",
        "approval": "service staff",
    }
    assert card["needs_approval"]
    assert kinds(await talk.yes(card)) == ["awaiting_approval", "needs_person"]
    assert due(invoice, talk, office) == before
    assert data_of(await talk.approved(card), "committed")["amount"] == "21.80"
    assert due(invoice, talk, office) == before - Decimal("21.80")
    [part] = note_of(credit, talk, office)["Allocations"]
    assert money(part["Amount"]) == "21.80"
    seen = office.everything()
    assert kinds(await talk.commit(card)) == ["committed"]
    assert office.everything() == seen


async def test_no_more_than_is_due_is_set_off_and_the_oldest_is_first(
    talk_of: TalkOf, office: Office
) -> None:
    talk = await talk_of(CUSTOMER)
    credit = await a_credit(talk, office, "9000.00")
    card = await talk.card(f"use credit note {credit} please, apply my credit", "credit")
    first = office.invoices(talk.context, "AUTHORISED")[0]
    assert card["invoice"] == first["InvoiceNumber"]
    assert card["amount"] == money(first["AmountDue"])
    assert rows(card)["remaining"] == f"{Decimal('9810.00') - Decimal(card['amount']):.2f}"
    assert rows(card)["new_total"] == "0.00"


async def test_an_equal_part_that_is_there_already_is_not_taken_for_this_one(
    talk_of: TalkOf, office: Office
) -> None:
    talk = await talk_of("kopi-collective")
    credit = await a_credit(talk, office, "20.00")
    [invoice] = office.invoices(talk.context, "AUTHORISED")
    text = f"apply my credit {credit} to {invoice['InvoiceNumber']}"
    card = await talk.card(text, "credit")
    await talk.yes(card)
    told = await talk.say(text, "credit")
    assert data_of(told, "already_noted")["invoice"] == invoice["InvoiceNumber"]
    await talk.approved(card)
    assert data_of(await talk.say(text, "credit"), "no_credit_left") == {"number": credit}


async def test_of_several_credits_the_number_is_asked(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    numbers = {await a_credit(talk, office, "1.00"), await a_credit(talk, office, "2.00")}
    update = await talk.say("apply my credit to the oldest invoice", "credit")
    assert numbers <= set(data_of(update, "which_document")["candidates"])


@pytest.mark.parametrize("text", ["apply my credit please", "apply my credit to {}"])
async def test_the_only_credit_need_not_be_named(talk: Talk, office: Office, text: str) -> None:
    [credit] = [
        c
        for c in office.documents("credit_note", talk.context)
        if c["Status"] == "AUTHORISED" and c["RemainingCredit"]
    ]
    invoice = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    card = await talk.card(text.format(invoice), "credit")
    assert rows(card)["credit_note"] == credit["CreditNoteNumber"]
    assert card["invoice"] == invoice


@pytest.mark.parametrize("text", ["apply my credit please", "apply my credit CN-1003 please"])
async def test_without_a_credit_there_is_nothing_to_apply(talk_of: TalkOf, text: str) -> None:
    talk = await talk_of("laksa-lane")
    assert kinds(await talk.say(text, "credit")) == ["no_credit_left"]


async def test_an_invoice_that_is_not_open_is_not_credited(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    credit = await a_credit(talk, office, "3.00")
    paid = office.invoices(talk.context, "PAID")[0]["InvoiceNumber"]
    update = await talk.say(f"apply my credit {credit} to {paid}", "credit")
    candidates = data_of(update, "which_document")["candidates"]
    assert (
        candidates == [i["InvoiceNumber"] for i in office.invoices(talk.context, "AUTHORISED")][:8]
    )


async def test_documents_of_others_read_like_missing_ones(
    talk: Talk, talk_of: TalkOf, office: Office
) -> None:
    stranger = await talk_of(CUSTOMER)
    credit = await a_credit(stranger, office, "4.00")
    invoice = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    text = "apply my credit {} to {}"
    update = await stranger.say(text.format(credit, invoice), "credit")
    assert update == await stranger.say(text.format(credit, "INV-9999"), "credit")
    theirs = await talk.say(f"apply my credit {credit}", "credit")
    assert theirs == await talk.say("apply my credit CN-9999", "credit")


async def test_only_accounts_use_a_credit(talk: Talk) -> None:
    update = await talk.in_role("buyer").say("apply my credit please", "credit")
    assert data_of(update, "not_permitted") == {"needs": "accounts"}
    assert (await talk.in_role("owner").card("apply my credit please", "credit"))["kind"] == (
        "allocation"
    )

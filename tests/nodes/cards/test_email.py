from collections.abc import Awaitable, Callable

import pytest

from nodes.state import Focus
from tests.nodes.cards.conftest import Office, Talk, rows
from tests.nodes.conftest import data_of, kinds

TalkOf = Callable[[str], Awaitable[Talk]]
MASKED = "ac***@forno-rosso.tria.example"


async def test_an_invoice_goes_to_the_address_in_the_books(talk: Talk, office: Office) -> None:
    number = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    card = await talk.card(f"email me {number} please", "invoice")
    assert (card["kind"], card["title"]) == ("email", f"E-mail {number}")
    assert rows(card) == {"invoice": number, "address_masked": MASKED}
    assert (card["lines"], card["needs_approval"]) == ([], False)
    before = len(office.letters(number))
    done = data_of(await talk.yes(card), "committed")
    assert (done["invoice"], done["address_masked"]) == (number, MASKED)
    letters = office.letters(number)
    assert len(letters) == before + 1
    assert letters[-1]["to"] == ["accounts@forno-rosso.tria.example"]


async def test_a_write_that_runs_again_sends_nothing_more_but_another_card_does(
    talk: Talk, office: Office
) -> None:
    number = office.invoices(talk.context, "PAID")[-1]["InvoiceNumber"]
    card = await talk.card(f"email me {number} please", "invoice")
    await talk.yes(card)
    before = office.everything()
    assert kinds(await talk.commit(card)) == ["committed"]
    assert office.everything() == before
    await talk.yes(await talk.card(f"email me {number} again please", "invoice"))
    assert len(office.letters(number)) == 2


# 5.4 case 20
@pytest.mark.parametrize(
    ("address", "is_known"),
    [
        ("ACCOUNTS@forno-rosso.tria.example", True),
        ("boss@elsewhere.example", False),
        ("boss at elsewhere dot example", False),
    ],
)
async def test_no_other_address_is_used(
    talk: Talk, office: Office, address: str, is_known: object
) -> None:
    number = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    update = await talk.say(f"email invoice {number} to {address}", "invoice")
    assert ("card" in update) == is_known
    if not is_known:
        assert data_of(update, "needs_person") == {"reason": "account_change"}


async def test_without_an_address_a_person_helps(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of("slice-yard-north")
    number = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    update = await talk.say(f"email me {number}", "invoice")
    assert kinds(update) == ["no_email_on_file", "needs_person"]


async def test_the_invoice_spoken_of_or_the_only_open_one_is_meant(
    talk_of: TalkOf, office: Office
) -> None:
    talk = await talk_of("kopi-collective")
    [unpaid] = office.invoices(talk.context, "AUTHORISED")
    assert (await talk.card("email it to me", "invoice"))["invoice"] == unpaid["InvoiceNumber"]
    paid = office.invoices(talk.context, "PAID")[0]["InvoiceNumber"]
    focus: Focus = {"documents": [paid]}
    assert (await talk.card("email it to me", "invoice", focus=focus))["invoice"] == paid


async def test_of_several_open_invoices_the_number_is_asked(talk: Talk, office: Office) -> None:
    update = await talk.say("email me my invoice", "invoice")
    unpaid = [i["InvoiceNumber"] for i in office.invoices(talk.context, "AUTHORISED")]
    assert data_of(update, "which_document")["candidates"] == unpaid[:8]


async def test_an_order_that_is_no_invoice_yet_is_not_sent(talk: Talk) -> None:
    number, _ = await talk.order()
    update = await talk.say(f"email me {number}", "invoice")
    assert number not in data_of(update, "which_document")["candidates"]


async def test_invoices_of_others_read_like_missing_ones(
    talk: Talk, talk_of: TalkOf, office: Office
) -> None:
    stranger = await talk_of("metro-meals")
    foreign = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    update = await stranger.say(f"email me {foreign}", "invoice")
    assert update == await stranger.say("email me INV-9999", "invoice")
    assert "card" not in update


async def test_buyers_and_accounts_may_have_it_sent_and_nobody_else(
    talk: Talk, office: Office
) -> None:
    number = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    for role in ("buyer", "accounts", "owner"):
        assert (await talk.in_role(role).card(f"email me {number}", "invoice"))["kind"] == "email"
    update = await talk.in_role().say(f"email me {number}", "invoice")
    assert data_of(update, "not_permitted") == {"needs": "accounts"}

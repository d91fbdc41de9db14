from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from nodes.cards.credit import still_fits
from nodes.state import Focus, Intent
from tests.nodes.cards.conftest import Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds
from tools.ordering.card import slot_of

TalkOf = Callable[[str], Awaitable[Talk]]
MEDIUM = "CNP-015-FB-01"


async def delivered(talk: Talk, office: Office) -> tuple[Talk, str]:
    """An order that the office has approved, some hours after its slot: 200 medium and 400 XL."""
    number, card = await talk.order()
    office.authorise(number)
    return talk.at(slot_of(card).ends + timedelta(hours=5)), number


def notes_of(talk: Talk, office: Office, mark: str) -> list[dict[str, Any]]:
    return [c for c in office.documents("credit_note", talk.context) if c["Reference"] == mark]


@pytest.mark.parametrize("intent", ["damage", "refund", "credit"])
async def test_damaged_goods_are_credited_at_the_price_that_was_charged(
    talk: Talk, office: Office, intent: Intent
) -> None:
    talk, number = await delivered(talk, office)
    card = await talk.card(f"20 of the 12 inch boxes in {number} arrived crushed", intent)
    assert (card["kind"], card["title"]) == ("credit", f"Credit for {number}")
    assert [(x["code"], x["pieces"], x["unit_price"], x["amount"]) for x in card["lines"]] == [
        (MEDIUM, 20, "0.65", "13.00")
    ]
    assert (card["subtotal"], card["gst"], card["total"]) == ("13.00", "1.17", "14.17")
    assert rows(card) == {
        "invoice": number,
        "items": '20 x 12" medium pizza box',
        "reason": "damaged",
        "amount": "14.17",
        "approval": "service staff",
    }
    assert (card["invoice"], card["amount"], card["needs_approval"]) == (number, "14.17", True)


async def test_a_person_s_yes_writes_a_draft_credit_note(talk: Talk, office: Office) -> None:
    talk, number = await delivered(talk, office)
    card = await talk.card(f"20 of the 12 inch boxes in {number} arrived crushed", "damage")
    mark = (await talk.stored(card))["document_number"]
    assert kinds(await talk.yes(card)) == ["awaiting_approval", "needs_person"]
    assert notes_of(talk, office, mark) == []
    assert data_of(await talk.approved(card), "committed")["amount"] == "14.17"
    [note] = notes_of(talk, office, mark)
    assert (note["Status"], money(note["Total"]), note["Type"]) == (
        "DRAFT",
        "14.17",
        "ACCRECCREDIT",
    )
    assert note["Contact"]["ContactID"] in talk.context.caller.contact_ids
    [line] = note["LineItems"]
    assert line["Description"] == f'{number}: damaged 12" medium pizza box'
    before = office.everything()
    assert kinds(await talk.commit(card)) == ["committed"]
    assert office.everything() == before


async def test_what_was_credited_is_not_credited_again(talk: Talk, office: Office) -> None:
    talk, number = await delivered(talk, office)
    card = await talk.card(f"200 of the 12 inch boxes in {number} were wet", "damage")
    await talk.yes(card)
    again = await talk.say(f"200 of the 12 inch boxes in {number} were wet", "damage")
    assert data_of(again, "already_noted") == {"kind": "credit", "invoice": number}
    await talk.approved(card)
    update = await talk.say(f"100 of the 12 inch boxes in {number} were wet", "damage")
    assert data_of(update, "credit_needs_details")["missing"] == ["product"]
    card = await talk.card(f"100 of the 14 inch boxes in {number} were wet", "damage")
    assert card["subtotal"] == "85.00"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("some goods in {} arrived damaged", ["product", "quantity"]),
        ("the 12 inch boxes in {} arrived damaged", ["quantity"]),
        ("0 12 inch boxes in {} arrived damaged", ["product", "quantity"]),
        ("0.5 12 inch boxes in {} arrived damaged", ["quantity"]),
        ("NaN 12 inch boxes in {} arrived damaged", ["quantity"]),
        ("1000000000000 12 inch boxes in {} arrived damaged", ["quantity"]),
        ("201 12 inch boxes in {} arrived damaged", ["quantity"]),
        ("150 crushed and 100 wet 12 inch boxes in {}", ["product"]),
        ("30 boxes in {} arrived damaged", ["product"]),
        ("30 10 inch boxes in {} arrived damaged", ["product"]),
    ],
)
async def test_what_is_missing_is_asked(
    talk: Talk, office: Office, text: str, missing: list[str]
) -> None:
    talk, number = await delivered(talk, office)
    update = await talk.say(text.format(number), "damage")
    told = data_of(update, "credit_needs_details")
    assert (told["missing"], told["invoice"]) == (missing, number)
    assert "card" not in update


async def test_who_claims_more_than_was_sold_is_told_how_many_there_are(
    talk: Talk, office: Office
) -> None:
    talk, number = await delivered(talk, office)
    update = await talk.say(f"9000 of the 12 inch boxes in {number} were crushed", "damage")
    told = data_of(update, "credit_needs_details")
    assert told["sold"] == {"name": '12" medium pizza box', "pieces": 200}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("five 12 inch boxes in {} arrived damaged", 5),
        ("2 bundles of 12 inch in {} arrived damaged, I want $5000 back", 200),
        ("{} 有30个12寸盒子坏了", 30),
        ("30 keping kotak 12 inci dalam {} rosak", 30),
    ],
)
async def test_what_the_message_says_is_read_and_prices_are_ours(
    talk: Talk, office: Office, text: str, pieces: int
) -> None:
    talk, number = await delivered(talk, office)
    card = await talk.card(text.format(number), "damage")
    assert [(x["code"], x["pieces"], x["unit_price"]) for x in card["lines"]] == [
        (MEDIUM, pieces, "0.65")
    ]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("20 of the 12 inch boxes arrived crushed, I want a credit", ["invoice"]),
        ("I want a credit", ["invoice", "product", "quantity"]),
    ],
)
async def test_the_invoice_is_asked_for(talk: Talk, text: str, missing: list[str]) -> None:
    update = await talk.say(text, "credit")
    assert data_of(update, "credit_needs_details") == {"missing": missing, "report_hours": 24}


async def test_the_invoice_spoken_of_is_meant(talk: Talk, office: Office) -> None:
    talk, number = await delivered(talk, office)
    focus: Focus = {"documents": [number]}
    card = await talk.card("20 of the 12 inch boxes arrived crushed", "damage", focus=focus)
    assert card["invoice"] == number


async def test_many_pieces_go_to_the_operations_manager(talk: Talk, office: Office) -> None:
    talk, number = await delivered(talk, office)
    card = await talk.card(f"101 of the 12 inch boxes in {number} arrived crushed", "damage")
    assert rows(card)["approval"] == "operations manager"
    assert (await talk.stored(card))["approval_level"] == 3


@pytest.mark.parametrize(("hours", "is_late"), [(23.9, False), (24.1, True)])
async def test_damage_is_reported_within_a_day_of_the_delivery(
    talk: Talk, office: Office, hours: float, is_late: object
) -> None:
    number, card = await talk.order()
    office.authorise(number)
    talk = talk.at(slot_of(card).ends + timedelta(hours=hours))
    update = await talk.say(f"20 of the 12 inch boxes in {number} arrived crushed", "damage")
    assert ("card" not in update) == is_late
    if is_late:
        assert data_of(update, "needs_person") == {"reason": "damage"}


async def test_an_invoice_whose_delivery_is_not_known_can_be_claimed(
    talk: Talk, office: Office
) -> None:
    invoice = office.invoices(talk.context, "AUTHORISED")[0]
    line = invoice["LineItems"][0]
    text = f"20 x {line['ItemCode']} in {invoice['InvoiceNumber']} arrived crushed"
    card = await talk.card(text, "damage")
    assert [(x["code"], x["pieces"]) for x in card["lines"]] == [(line["ItemCode"], 20)]
    assert card["invoice"] == invoice["InvoiceNumber"]


async def test_what_nobody_has_processed_is_for_a_person(talk: Talk) -> None:
    number, card = await talk.order()
    late = talk.at(slot_of(card).ends)
    update = await late.say(f"20 12 inch boxes in {number} arrived crushed", "damage")
    assert data_of(update, "needs_person") == {"reason": "damage"}


async def test_invoices_of_others_read_like_missing_ones(
    talk: Talk, talk_of: TalkOf, office: Office
) -> None:
    stranger = await talk_of("metro-meals")
    foreign = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    text = "20 of the 12 inch boxes in {} arrived crushed"
    update = await stranger.say(text.format(foreign), "damage")
    assert update == await stranger.say(text.format("INV-9999"), "damage")
    assert data_of(update, "credit_needs_details")["missing"] == ["invoice"]


async def test_only_a_buyer_claims(talk: Talk, office: Office) -> None:
    talk, number = await delivered(talk, office)
    text = f"20 of the 12 inch boxes in {number} arrived crushed"
    update = await talk.in_role("accounts").say(text, "damage")
    assert data_of(update, "not_permitted") == {"needs": "buyer"}


async def elsewhere(talk: Talk) -> Talk:
    """Another conversation of the same customer, at the same time."""
    thread_id = uuid4()
    await talk.clients.conversations.create(thread_id, talk.context.caller.customer_id, {})
    return replace(talk, thread_id=str(thread_id))


@pytest.mark.parametrize("agreed", [False, True])
async def test_the_same_goods_are_not_credited_from_two_conversations(
    talk: Talk, office: Office, agreed: object
) -> None:
    talk, number = await delivered(talk, office)
    other, text = await elsewhere(talk), f"200 of the 12 inch boxes in {number} were wet"
    first = await talk.card(text, "damage")
    if agreed:
        await talk.yes(first)
    update = await other.say(text, "damage")
    assert data_of(update, "already_noted") == {"kind": "credit", "invoice": number}
    assert "card" not in update
    card = await other.card(f"100 of the 14 inch boxes in {number} were wet", "damage")
    assert card["subtotal"] == "85.00"


async def test_two_conversations_never_claim_more_than_was_charged(
    talk: Talk, office: Office
) -> None:
    talk, number = await delivered(talk, office)
    other = await elsewhere(talk)
    first = await talk.card(f"150 of the 12 inch boxes in {number} were wet", "damage")
    await talk.yes(first)
    update = await other.say(f"51 of the 12 inch boxes in {number} were wet", "damage")
    assert data_of(update, "credit_needs_details")["missing"] == ["quantity"]
    await talk.approved(first)
    update = await other.say(f"51 of the 12 inch boxes in {number} were wet", "damage")
    assert data_of(update, "credit_needs_details")["missing"] == ["quantity"]
    second = await other.card(f"50 of the 12 inch boxes in {number} were wet", "damage")
    assert await still_fits(await other.stored(second), other.context)


async def test_a_claim_that_was_let_go_does_not_count(talk: Talk, office: Office) -> None:
    talk, number = await delivered(talk, office)
    text = f"200 of the 12 inch boxes in {number} were wet"
    first = await talk.card(text, "damage")
    await talk.context.actions.decline(
        UUID(first["action_id"]), talk.context.caller.customer_id, first["hash"]
    )
    assert (await (await elsewhere(talk)).card(text, "damage"))["subtotal"] == "130.00"


async def test_of_two_cards_that_were_made_at_once_only_one_fits(
    talk: Talk, office: Office
) -> None:
    talk, number = await delivered(talk, office)
    text, early = f"200 of the 12 inch boxes in {number} were wet", talk.context.now()
    other = (await elsewhere(talk)).at(early + timedelta(hours=25))
    first = await talk.card(text, "damage")
    # The first card has lapsed by this clock, and not by the other one's.
    state = await other.heard(text, "damage")
    state["turn"]["received_at"] = early.isoformat()
    second = (await other.propose(state))["card"]
    assert second is not None
    stored = [await talk.stored(first), await other.stored(second)]
    assert [await still_fits(card, talk.context) for card in stored] == [True, True]
    customer_id = talk.context.caller.customer_id
    await talk.context.actions.confirm(UUID(first["action_id"]), customer_id, first["hash"], early)
    assert [await still_fits(card, talk.context) for card in stored] == [True, False]
    await talk.approved(first)
    assert [await still_fits(card, talk.context) for card in stored] == [True, False]


async def test_what_is_no_credit_always_fits(talk: Talk) -> None:
    card = await talk.proposed("200 12 inch boxes for tampines pls")
    assert await still_fits(await talk.stored(card), talk.context)

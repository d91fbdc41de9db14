"""A card that waits for a person, as that person changes it: what is computed and refused."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from graph.changing import change_card, preview_change
from graph.clients import Clients
from nodes.adapt_tone import adapt_tone
from nodes.cards.wish import Wish
from nodes.compose_reply import compose_reply
from nodes.replies import render
from nodes.report_outcome import report_outcome
from nodes.state import State
from tests.nodes.cards.conftest import Office, Talk, money, rows
from tests.nodes.cards.test_credit import delivered, notes_of
from tests.nodes.conftest import a_turn, data_of, kinds
from tools.actions.records import ActionRecords
from tools.actions.replacing import Agreed
from tools.errors import OperationRefused

STAFF, MANAGER, DIRECTOR = 2, 3, 4


def at_the_time_of(talk: Talk) -> Clients:
    """The service, with the conversation's clock."""
    return replace(talk.clients, context_for=lambda _: talk.context)


async def a_claim(talk: Talk, office: Office, what: str = "20 of the 12 inch boxes") -> Any:
    """A credit that the customer has agreed to and that waits for a person."""
    talk, number = await delivered(talk, office)
    card = await talk.card(f"{what} in {number} arrived crushed", "damage")
    assert "awaiting_approval" in kinds(await talk.yes(card))
    return talk, await row_of(talk, card["action_id"])


async def row_of(talk: Talk, action_id: str | UUID) -> Any:
    row = await ActionRecords(talk.clients.pool).card(UUID(str(action_id)))
    assert row is not None
    return row


async def shown(talk: Talk, row: Any, wish: Wish, level: int = STAFF) -> dict[str, Any]:
    return (await preview_change(at_the_time_of(talk), row, wish, level)).card


async def changed(talk: Talk, row: Any, wish: Wish, level: int = STAFF) -> State:
    """The turn that shows the customer what the card has become."""
    made = await change_card(at_the_time_of(talk), row, wish, Agreed("wei", level))
    notice = {"kind": "changed", "action_id": str(made)}
    turn = a_turn("", notice=notice, thread_id=talk.thread_id, received_at="2026-11-27T10:00:00")
    return await report_outcome({"turn": turn}, talk.runtime)


async def test_an_amount_is_granted_and_everything_else_computed(
    talk: Talk, office: Office
) -> None:
    talk, row = await a_claim(talk, office)
    told = await changed(talk, row, Wish(amount=Decimal("10.00")))
    card = told["card"]
    assert card is not None
    assert data_of(told, "card_changed") == {"kind": "credit"}
    assert [(x["pieces"], x["amount"]) for x in card["lines"]] == [(20, "13.00")]
    assert card["fees"] == [{"label": "Adjustment", "amount": "-3.00"}]
    assert (card["subtotal"], card["gst"], card["total"]) == ("10.00", "0.90", "10.90")
    assert rows(card)["amount"] == "10.90"
    assert "approval" not in rows(card)
    assert (card["status"], card["needs_approval"]) == ("proposed", False)

    mark = (await talk.stored(card))["document_number"]
    assert notes_of(talk, office, mark) == []
    assert data_of(await talk.yes(card), "committed")["amount"] == "10.90"
    [note] = notes_of(talk, office, mark)
    assert (note["Status"], money(note["Total"])) == ("DRAFT", "10.90")
    assert notes_of(talk, office, row["document_number"]) == []


async def test_other_pieces_cost_what_was_charged(talk: Talk, office: Office) -> None:
    talk, row = await a_claim(talk, office)
    card = await shown(talk, row, Wish(pieces={0: 12}))
    assert [(x["pieces"], x["unit_price"], x["amount"]) for x in card["lines"]] == [
        (12, "0.65", "7.80")
    ]
    assert (card["total"], card["replaces"]) == ("8.50", str(row["action_id"]))
    assert rows(card)["items"].startswith("12 x ")


async def test_goods_that_were_changed_stay_claimed(talk: Talk, office: Office) -> None:
    talk, row = await a_claim(talk, office, "150 of the 12 inch boxes")
    told = await changed(talk, row, Wish(pieces={0: 140}), MANAGER)
    assert told["card"] is not None
    await talk.yes(told["card"])
    number = row["card"]["invoice"]
    more = await talk.say(f"80 of the 12 inch boxes in {number} arrived crushed", "damage")
    assert data_of(more, "credit_needs_details")["missing"] == ["quantity"]


@pytest.mark.parametrize(
    ("wish", "level", "why"),
    [
        (Wish(), STAFF, "Nothing is changed"),
        (Wish(pieces={0: 0}), STAFF, "decline it instead"),
        (Wish(pieces={0: 201}), STAFF, "at most 200"),
        (Wish(amount=Decimal("480.00")), STAFF, "needs level 3"),
        (Wish(amount=Decimal("1900.00")), MANAGER, "needs level 4"),
        (Wish(pieces={0: 150}), STAFF, "needs level 3"),
    ],
)
async def test_nobody_grants_more_than_their_level_may(
    talk: Talk, office: Office, wish: Wish, level: int, why: str
) -> None:
    talk, row = await a_claim(talk, office)
    with pytest.raises(OperationRefused, match=why):
        await preview_change(at_the_time_of(talk), row, wish, level)
    with pytest.raises(OperationRefused, match=why):
        await change_card(at_the_time_of(talk), row, wish, Agreed("wei", level))
    assert (await row_of(talk, row["action_id"]))["status"] == "confirmed"


async def test_a_director_grants_what_is_right(talk: Talk, office: Office) -> None:
    talk, row = await a_claim(talk, office)
    card = await shown(talk, row, Wish(amount=Decimal("1900.00")), DIRECTOR)
    assert (card["subtotal"], card["total"]) == ("1900.00", "2071.00")


async def test_an_order_is_priced_anew_and_delivered_when_it_can_be(talk: Talk) -> None:
    card = await talk.proposed("3000 14 inch boxes for tampines please")
    assert "awaiting_approval" in kinds(await talk.yes(card))
    row = await row_of(talk, card["action_id"])
    day = date.fromisoformat(card["delivery"]["day"]) + timedelta(days=7)
    made = await shown(talk, row, Wish(pieces={0: 2000}, day=day, window="afternoon"))
    [line] = made["lines"]
    assert (line["pieces"], made["delivery"]["day"]) == (2000, day.isoformat())
    assert made["delivery"]["window"] == "afternoon"
    assert Decimal(made["subtotal"]) == Decimal(line["unit_price"]) * 2000
    with pytest.raises(OperationRefused, match="not possible"):
        await shown(talk, row, Wish(day=date.fromisoformat(card["delivery"]["day"]) - timedelta(9)))


async def a_cancellation(talk: Talk) -> Any:
    """An order whose cancellation costs SGD 117.50, which the customer has agreed to."""
    number, card = await talk.order()
    late = talk.before(card, 23.9)
    cancel = await late.card(f"cancel {number} pls", "order_cancel")
    assert "awaiting_approval" in kinds(await late.yes(cancel))
    return late, number, await row_of(talk, cancel["action_id"])


@pytest.mark.parametrize(("fee", "total"), [("50.00", "54.50"), ("0", None)])
async def test_a_fee_is_waived_in_part_or_whole(
    talk: Talk, office: Office, fee: str, total: str | None
) -> None:
    talk, number, row = await a_cancellation(talk)
    told = await changed(talk, row, Wish(amount=Decimal(fee)), MANAGER)
    card = told["card"]
    assert card is not None
    assert (card.get("total"), len(card["fees"])) == (total, 1 if total else 0)
    assert "approval" not in rows(card)
    await talk.yes(card)
    kept = office.invoice(number, talk.context)
    if total:
        assert (money(kept["Total"]), kept["Status"]) == (total, "DRAFT")
    else:
        assert kept["Status"] == "DELETED"


@pytest.mark.parametrize(
    ("amount", "level", "why"),
    [
        (Decimal("17.00"), STAFF, "needs level 3"),
        (Decimal("117.50"), STAFF, "below the one"),
        (None, STAFF, "below the one"),
    ],
)
async def test_a_waiver_has_its_limits(
    talk: Talk, amount: Decimal | None, level: int, why: str
) -> None:
    talk, _, row = await a_cancellation(talk)
    with pytest.raises(OperationRefused, match=why):
        await preview_change(at_the_time_of(talk), row, Wish(amount=amount), level)


async def test_only_what_waits_is_changed(talk: Talk, office: Office) -> None:
    talk, row = await a_claim(talk, office)
    await talk.approved({"action_id": str(row["action_id"])})
    late = await row_of(talk, row["action_id"])
    with pytest.raises(OperationRefused, match="committed"):
        await change_card(at_the_time_of(talk), late, Wish(pieces={0: 1}), Agreed("wei", STAFF))


@pytest.mark.parametrize("language", ["en", "zh", "ms", "ta"])
@pytest.mark.parametrize("kind", ["credit", "order"])
async def test_the_change_is_told_with_the_card_in_the_customer_s_language(
    talk: Talk, office: Office, language: str, kind: str
) -> None:
    if kind == "credit":
        talk, row = await a_claim(talk, office)
        told = await changed(talk, row, Wish(amount=Decimal("10.00")))
    else:
        card = await talk.proposed("3000 14 inch boxes for tampines please")
        await talk.yes(card)
        row = await row_of(talk, card["action_id"])
        told = await changed(talk, row, Wish(pieces={0: 2000}))
    state: State = {"turn": a_turn("", thread_id=talk.thread_id), **told}
    state["screened"]["language"] = language
    state = {**state, **adapt_tone(state, talk.runtime)}
    reply = (await compose_reply(state, talk.runtime))["reply"]
    assert "withheld" not in reply
    assert told["card"] is not None
    assert told["card"]["total"][-6:] in reply["text"]
    assert render("card_changed", language, fact={"kind": kind}) in reply["text"]


async def test_a_changed_card_that_was_taken_back_before_it_was_shown(
    talk: Talk, office: Office
) -> None:
    talk, row = await a_claim(talk, office)
    wish = Wish(amount=Decimal("10.00"))
    made = await change_card(at_the_time_of(talk), row, wish, Agreed("wei", STAFF))
    async with talk.clients.pool.connection() as connection:
        await connection.execute(
            "update actions set status = 'cancelled' where action_id = %s", [made]
        )
    told = await changed(talk, row, wish)
    assert data_of(told, "lapsed")["kind"] == "credit"
    assert told["card"]
    assert told["card"]["status"] == "cancelled"

from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

import pytest

from nodes.cards.cancelled import cancelled
from nodes.cards.draft import Draft
from nodes.cards.placed import Placed
from nodes.state import Focus
from tests.nodes.cards.conftest import ORDER, Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds
from tests.tools.conftest import Control
from tools.escalation import STAFF
from tools.xero.writes import changed_invoice, new_invoice

TalkOf = Callable[[str], Awaitable[Talk]]
UNUSUAL = "3000 12 inch boxes for tampines pls"


async def test_in_time_an_order_is_cancelled_for_nothing(talk: Talk, office: Office) -> None:
    number, card = await talk.order()
    talk = talk.before(card, 24.1)
    cancel = await talk.card(f"please cancel order {number}", "order_cancel")
    assert (cancel["kind"], cancel["title"]) == ("order_cancel", f"Cancel {number}")
    assert rows(cancel) == {
        "invoice": number,
        "slot": f"{card['delivery']['day']} {card['delivery']['window_text']}",
        "amount": card["total"],
    }
    assert (cancel["lines"], cancel["fees"], cancel["needs_approval"]) == ([], [], False)
    assert data_of(await talk.yes(cancel), "committed")["invoice"] == number
    assert office.invoice(number, talk.context)["Status"] == "DELETED"


@pytest.mark.parametrize(("hours", "percent"), [(23.9, 25), (12.1, 25), (11.9, 50), (0.1, 50)])
async def test_later_a_part_of_the_order_is_charged_once_a_person_agrees(
    talk: Talk, office: Office, hours: float, percent: int
) -> None:
    number, card = await talk.order()
    talk = talk.before(card, hours)
    cancel = await talk.card(f"cancel {number} pls", "order_cancel")
    fee, gst, total = {25: ("117.50", "10.58", "128.08"), 50: ("235.00", "21.15", "256.15")}[
        percent
    ]
    assert cancel["fees"] == [{"label": "Cancellation fee", "amount": fee}]
    assert (cancel["subtotal"], cancel["gst"], cancel["total"]) == (fee, gst, total)
    assert (rows(cancel)["fee"], rows(cancel)["new_total"], cancel["fee"]) == (fee, total, fee)
    assert (rows(cancel)["approval"], cancel["needs_approval"]) == ("service staff", True)
    assert kinds(await talk.yes(cancel)) == ["awaiting_approval", "needs_person"]
    assert money(office.invoice(number, talk.context)["Total"]) == card["total"]
    assert kinds(await talk.approved(cancel)) == ["committed"]
    kept = office.invoice(number, talk.context)
    assert [(x["Description"], money(x["LineAmount"])) for x in kept["LineItems"]] == [
        ("Cancellation fee", fee)
    ]
    assert (money(kept["Total"]), kept["Status"]) == (total, "DRAFT")
    assert kept["Reference"].startswith("Cancelled: Forno Rosso Tampines")


@pytest.mark.parametrize("hours", [30, 20])
async def test_a_write_that_runs_again_changes_nothing(
    talk: Talk, office: Office, hours: float
) -> None:
    number, card = await talk.order()
    talk = talk.before(card, hours)
    cancel = await talk.card(f"cancel {number}", "order_cancel")
    await talk.yes(cancel)
    await talk.approved(cancel)
    before = office.everything()
    assert kinds(await talk.commit(cancel)) == ["committed"]
    assert office.everything() == before


@pytest.mark.parametrize(("hours", "until"), [(30, 24), (20, 12), (6, 0)])
async def test_the_card_is_open_for_as_long_as_what_it_says_is_true(
    talk: Talk, hours: float, until: float
) -> None:
    number, card = await talk.order()
    early = talk.before(card, hours)
    cancel = await early.card(f"cancel {number}", "order_cancel")
    late = talk.before(card, until - 0.1)
    assert kinds(await late.yes(cancel)) == ["card_gone"]


async def test_after_the_slot_has_begun_a_person_decides(talk: Talk) -> None:
    number, card = await talk.order()
    update = await talk.before(card, -0.5).say(f"cancel {number}", "order_cancel")
    assert data_of(update, "needs_person") == {"reason": "delivery_begun"}
    assert "card" not in update


async def test_what_is_processed_is_for_a_person(talk: Talk, office: Office) -> None:
    number, card = await talk.order()
    office.authorise(number)
    update = await talk.before(card, 30).say(f"cancel {number}", "order_cancel")
    assert data_of(update, "order_processed") == {"number": number}
    assert data_of(update, "needs_person") == {"reason": "order_processed"}


async def test_an_order_without_a_card_is_for_a_person(talk: Talk) -> None:
    number = await talk.context.actions.next_number()
    line = {"ItemCode": "CNP-015-FB-01", "Quantity": 200, "UnitAmount": 0.65}
    contact = {"ContactID": talk.context.caller.contact_ids[0]}
    write = new_invoice(number, {"Contact": contact, "LineItems": [line]})
    await talk.context.books.send(write, f"a key for {number}")
    update = await talk.say(f"cancel {number}", "order_cancel")
    assert data_of(update, "needs_person") == {"reason": "order_cancel"}


async def test_the_only_open_order_need_not_be_named(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of("slice-yard-north")
    number, card = await talk.order("200 12 inch boxes for yishun pls")
    cancel = await talk.before(card, 30).card("I want to cancel my order", "order_cancel")
    assert cancel["invoice"] == number
    await talk.before(card, 30).yes(cancel)
    update = await talk.say("cancel my order", "order_cancel")
    assert data_of(update, "nothing_to_cancel") == {"kind": "order_cancel"}
    assert data_of(await talk.say(f"cancel {number}", "order_cancel"), "nothing_to_cancel")


async def test_of_several_orders_the_number_is_asked_or_taken_from_the_talk(
    talk_of: TalkOf,
) -> None:
    talk = await talk_of("slice-yard-north")
    one, card = await talk.order("200 12 inch boxes for yishun pls")
    other, _ = await talk.order("400 14 inch boxes for woodlands pls")
    talk = talk.before(card, 30)
    update = await talk.say("cancel my order", "order_cancel")
    assert set(data_of(update, "which_document")["candidates"]) == {one, other}
    focus: Focus = {"documents": [other]}
    assert (await talk.card("cancel it", "order_cancel", focus=focus))["invoice"] == other
    for number in (one, other):
        await talk.yes(await talk.card(f"cancel {number}", "order_cancel"))


async def test_orders_of_others_read_like_missing_ones(talk: Talk, talk_of: TalkOf) -> None:
    number, _ = await talk.order()
    stranger = await talk_of("metro-meals")
    foreign = await stranger.say(f"cancel {number}", "order_cancel")
    missing = await stranger.say("cancel TRIA-999999", "order_cancel")
    assert foreign == missing
    assert kinds(foreign) == ["nothing_to_cancel"]


async def test_only_a_buyer_cancels(talk: Talk) -> None:
    number, _ = await talk.order()
    update = await talk.in_role("accounts").say(f"cancel {number}", "order_cancel")
    assert data_of(update, "not_permitted") == {"needs": "buyer"}
    assert (await talk.in_role("owner").card(f"cancel {number}", "order_cancel"))[
        "invoice"
    ] == number


async def test_no_money_is_promised_back_that_the_books_do_not_know_of(talk_of: TalkOf) -> None:
    talk = await talk_of("sourdough-social")
    number, card = await talk.order("400 12 inch boxes pls")
    assert card["prepay"]
    free = await talk.before(card, 30).card(f"cancel {number}", "order_cancel")
    late = await talk.before(card, 20).card(f"cancel {number}", "order_cancel")
    for cancel in (free, late):
        assert "refund" not in rows(cancel)
        assert "refund_days" not in cancel
    free = await talk.before(card, 30).card(f"cancel {number}", "order_cancel")
    assert kinds(await talk.before(card, 30).yes(free)) == ["committed"]


@pytest.mark.parametrize(
    ("hours", "paid", "refund"),
    [
        (30, "283.40", "283.40"),
        (30, "100.00", "100.00"),
        (20, "283.40", "212.55"),
        (20, "70.85", ""),
    ],
)
async def test_money_that_came_in_is_promised_back_and_needs_a_person(
    talk_of: TalkOf, hours: float, paid: str, refund: str
) -> None:
    talk = await talk_of("sourdough-social")
    number, card = await talk.order("400 12 inch boxes pls")
    state = await talk.before(card, hours).heard(f"cancel {number}", "order_cancel")
    invoice = await talk.context.accounts.invoice_by_number(number)
    assert invoice is not None
    matched = invoice.model_copy(update={"amount_paid": Decimal(paid)})
    draft = await cancelled(Placed(matched, card, "order"), state, talk.context)
    assert isinstance(draft, Draft)
    assert (draft.approval_level, rows(draft.card).get("refund", "")) == (STAFF, refund)
    assert draft.card.get("refund_days", "") == ("5-7" if refund else "")
    await talk.yes(await talk.before(card, 30).card(f"cancel {number}", "order_cancel"))


async def test_what_still_waits_for_a_person_is_let_go_at_once(talk: Talk, office: Office) -> None:
    card = await talk.proposed(UNUSUAL)
    assert "awaiting_approval" in kinds(await talk.yes(card))
    update = await talk.say("please cancel that", "order_cancel")
    assert data_of(update, "withdrawn") == {"kind": "order", "title": card["title"]}
    number = (await talk.stored(card))["document_number"]
    assert kinds(await talk.approved(card)) == ["card_gone"]
    assert all(i["InvoiceNumber"] != number for i in office.invoices(talk.context))


async def test_what_waits_is_kept_where_another_order_is_named(talk: Talk) -> None:
    number, _ = await talk.order()
    card = await talk.proposed(UNUSUAL)
    await talk.yes(card)
    assert (await talk.card(f"cancel {number}", "order_cancel"))["invoice"] == number
    assert (await talk.stored(card))["status"] == "confirmed"


@pytest.mark.parametrize("text", ["cancel my order", "please cancel tomorrow's delivery"])
async def test_a_credit_that_waits_goes_only_where_its_invoice_is_named(
    talk: Talk, office: Office, text: str
) -> None:
    number, _ = await talk.order()
    invoice = office.invoices(talk.context, "AUTHORISED")[0]
    line = f"20 x {invoice['LineItems'][0]['ItemCode']}"
    damage = f"{line} in {invoice['InvoiceNumber']} arrived crushed"
    credit = await talk.card(damage, "damage")
    await talk.yes(credit)
    focus: Focus = {"documents": [number]}
    assert (await talk.card(text, "order_cancel", focus=focus))["invoice"] == number
    assert (await talk.stored(credit))["status"] == "confirmed"
    update = await talk.say(f"cancel that for {invoice['InvoiceNumber']}", "order_cancel")
    assert data_of(update, "withdrawn") == {"kind": "credit", "title": credit["title"]}


async def test_to_ask_again_for_a_cancellation_does_not_end_it(talk: Talk) -> None:
    number, card = await talk.order()
    talk = talk.before(card, 20)
    cancel = await talk.card(f"cancel {number}", "order_cancel")
    await talk.yes(cancel)
    update = await talk.say("cancel my order!!", "order_cancel")
    assert data_of(update, "already_noted") == {"kind": "order_cancel", "invoice": number}
    assert (await talk.stored(cancel))["status"] == "confirmed"


async def test_without_the_books_there_is_no_card(talk: Talk, control: Control) -> None:
    number, _ = await talk.order()
    state = await talk.heard(f"cancel {number}", "order_cancel")
    control.fault("GET /Invoices", "unavailable", times=3)
    assert kinds(await talk.propose(state)) == ["unavailable"]


async def test_a_cancelled_order_is_no_order_any_more(talk: Talk) -> None:
    number, card = await talk.order()
    customer_id = talk.context.caller.customer_id
    assert await talk.context.actions.numbered(number, customer_id)
    talk = talk.before(card, 30)
    await talk.yes(await talk.card(f"cancel {number}", "order_cancel"))
    assert await talk.context.actions.numbered(number, customer_id) is None
    latest = await talk.context.actions.committed_of(customer_id, 50)
    assert number not in [row["document_number"] for row in latest]


async def test_a_cancelled_order_is_told_as_cancelled(talk: Talk) -> None:
    number, card = await talk.order()
    talk = talk.before(card, 30)
    await talk.yes(await talk.card(f"cancel {number}", "order_cancel"))
    named = data_of(await talk.heard(f"where is {number}?", "order_status"), "orders")
    assert [(x["number"], x["status"]) for x in named["listed"]] == [(number, "cancelled")]
    spoken_of = await talk.heard("where is it?", "order_status", focus={"documents": [number]})
    assert data_of(spoken_of, "orders")["listed"][0]["status"] == "cancelled"


async def test_an_order_that_nobody_has_agreed_to_is_let_go(talk: Talk) -> None:
    card = await talk.proposed(UNUSUAL)
    update = await talk.say("cancel my order", "order_cancel")
    assert data_of(update, "declined") == {"kind": "order"}
    assert (await talk.stored(card))["status"] == "declined"


async def test_an_order_that_is_being_written_has_to_be_waited_for(
    talk: Talk, control: Control
) -> None:
    card = await talk.proposed(ORDER)
    control.fault("PUT /Invoices", "rate_limit")
    assert kinds(await talk.yes(card)) == ["not_written"]
    assert kinds(await talk.say("cancel my order", "order_cancel")) == ["still_placing"]
    asked = await talk.heard("did my order go through?", "order_status")
    assert data_of(asked, "still_placing") == {"is_asked": True}
    assert kinds(await talk.commit(card)) == ["committed"]


async def test_an_approved_order_that_is_not_in_the_books_has_to_be_waited_for(talk: Talk) -> None:
    card = await talk.proposed(UNUSUAL)
    await talk.yes(card)
    await talk.clients.desk.decide(
        UUID(card["action_id"]), "ann@tria.example", approved=True, reason=""
    )
    assert kinds(await talk.say("cancel my order", "order_cancel")) == ["still_placing"]
    assert kinds(await talk.commit(card)) == ["committed"]


async def test_what_the_office_changed_since_the_card_is_not_cancelled(
    talk: Talk, office: Office
) -> None:
    number, card = await talk.order()
    talk = talk.before(card, 30)
    cancel = await talk.card(f"cancel {number}", "order_cancel")
    invoice = await talk.context.accounts.invoice_by_number(number)
    assert invoice is not None
    line = {"ItemCode": "CNP-015-FB-01", "Quantity": 200, "UnitAmount": 0.60}
    write = changed_invoice(invoice.invoice_id, {"LineItems": [line]}, total=invoice.total)
    await talk.context.books.send(write, f"a key for {number}")
    update = await talk.yes(cancel)
    assert data_of(update, "needs_person") == {"reason": "write_impossible"}
    assert office.invoice(number, talk.context)["Status"] == "DRAFT"

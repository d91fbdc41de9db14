from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from tests.nodes.cards.conftest import Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds
from tools.xero.writes import changed_invoice

TalkOf = Callable[[str], Awaitable[Talk]]


def bought(invoice: dict[str, object]) -> list[tuple[str, float]]:
    lines: list[dict[str, object]] = invoice["LineItems"]  # type: ignore[assignment]
    return [(str(x["ItemCode"]), float(str(x["Quantity"]))) for x in lines]


async def test_a_changed_order_is_shown_with_its_old_and_new_total(
    talk: Talk, office: Office
) -> None:
    number, card = await talk.order()
    text = f"change {number} please: 300 of the 12 inch instead of 200"
    change = await talk.card(text, "order_change")
    assert (change["kind"], change["title"]) == ("order_change", f"Change {number}")
    assert [(x["code"], x["pieces"], x["amount"]) for x in change["lines"]] == [
        ("CNP-015-FB-01", 300, "195.00"),
        ("CNP-016-FB-01", 400, "340.00"),
    ]
    assert (change["subtotal"], change["gst"], change["total"]) == ("535.00", "48.15", "583.15")
    assert rows(change) == {
        "invoice": number,
        "amount": card["total"],
        "new_total": "583.15",
        "outlet": "Forno Rosso Tampines",
        "slot": f"{card['delivery']['day']} {card['delivery']['window_text']}",
    }
    assert (change["delivery"], change["outlet"]) == (card["delivery"], card["outlet"])
    assert not change["needs_approval"]
    assert data_of(await talk.yes(change), "committed")["invoice"] == number
    stands = office.invoice(number, talk.context)
    assert bought(stands) == [("CNP-015-FB-01", 300), ("CNP-016-FB-01", 400)]
    assert (money(stands["Total"]), stands["Status"]) == ("583.15", "DRAFT")


async def test_a_write_that_runs_again_changes_nothing(talk: Talk, office: Office) -> None:
    number, _ = await talk.order()
    change = await talk.card(f"add 100 10 inch boxes to {number}", "order_change")
    await talk.yes(change)
    before = office.everything()
    assert kinds(await talk.commit(change)) == ["committed"]
    assert office.everything() == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("make it 300 12 inch boxes in {}", {"CNP-015-FB-01": 300, "CNP-016-FB-01": 400}),
        ("remove the 14 inch from {}", {"CNP-015-FB-01": 200}),
        ("{}: 0 XL please", {"CNP-015-FB-01": 200}),
        ("把{}改成300个12寸", {"CNP-015-FB-01": 300, "CNP-016-FB-01": 400}),
        ("{}: 300 kotak 12 inci, bukan 200", {"CNP-015-FB-01": 300, "CNP-016-FB-01": 400}),
        (
            "{}: 300 12 inch boxes at $0.10 each, total $30",
            {"CNP-015-FB-01": 300, "CNP-016-FB-01": 400},
        ),
    ],
)
async def test_what_the_message_says_is_read_and_prices_are_ours(
    talk: Talk, text: str, expected: dict[str, int]
) -> None:
    number, _ = await talk.order()
    change = await talk.card(text.format(number), "order_change")
    assert {x["code"]: x["pieces"] for x in change["lines"]} == expected
    assert {x["code"]: x["unit_price"] for x in change["lines"]}["CNP-015-FB-01"] == "0.65"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("make it 130 12 inch boxes in {}", "not_whole_packs"),
        ("change the 12 inch in {} to 0.5", "no_quantity"),
        ("{}: change the 12 inch boxes to five", "not_whole_packs"),
        ("add 200 sushi boats to {}", "unknown_product"),
        ("add 500 cutlery sets to {}", "out_of_stock"),
    ],
)
async def test_what_is_not_certain_is_asked(talk: Talk, text: str, problem: str) -> None:
    number, _ = await talk.order()
    update = await talk.say(text.format(number), "order_change")
    asked = data_of(update, "order_questions")
    assert ([x["problem"] for x in asked["lines"]], asked["number"]) == ([problem], number)
    assert "card" not in update


@pytest.mark.parametrize(
    "text", ["I need to change {}", "{}: 200 12 inch boxes pls", "change XL in {} to NaN pieces"]
)
async def test_what_changes_nothing_asks_what_is_to_be_changed(talk: Talk, text: str) -> None:
    number, _ = await talk.order()
    asked = data_of(await talk.say(text.format(number), "order_change"), "order_questions")
    assert asked["lines"] == asked["outlets"] == []
    assert [x["pieces"] for x in asked["clear"]] == [200, 400]


async def test_without_anything_left_the_order_is_cancelled(talk: Talk) -> None:
    number, card = await talk.order("200 12 inch boxes for tampines pls")
    cancel = await talk.before(card, 30).card(f"remove the 12 inch from {number}", "order_change")
    assert (cancel["kind"], cancel["invoice"]) == ("order_cancel", number)


async def test_to_cancel_one_product_changes_the_order(talk: Talk) -> None:
    number, _ = await talk.order()
    change = await talk.card(f"cancel the 14 inch boxes in {number}", "order_cancel")
    assert (change["kind"], len(change["lines"])) == ("order_change", 1)


async def test_another_day_keeps_the_goods(talk: Talk, office: Office) -> None:
    number, card = await talk.order()
    later = date.fromisoformat(card["delivery"]["day"]) + timedelta(days=7)
    text = f"move the delivery of {number} to {later.isoformat()} afternoon please"
    change = await talk.card(text, "order_change")
    assert change["delivery"]["day"] == later.isoformat()
    assert (change["delivery"]["window"], change["total"]) == ("afternoon", card["total"])
    await talk.yes(change)
    reference = office.invoice(number, talk.context)["Reference"]
    assert reference == f"Forno Rosso Tampines, {later.isoformat()} 14:00-17:00"


async def test_a_change_builds_on_the_one_before(talk: Talk) -> None:
    number, card = await talk.order()
    later = date.fromisoformat(card["delivery"]["day"]) + timedelta(days=7)
    text = f"deliver {number} on {later.isoformat()} instead"
    await talk.yes(await talk.card(text, "order_change"))
    change = await talk.card(f"make it 300 12 inch boxes in {number}", "order_change")
    assert change["delivery"]["day"] == later.isoformat()
    row = await talk.context.actions.numbered(number, talk.context.caller.customer_id)
    assert row is not None
    assert (row["card"]["delivery"]["day"], row["kind"]) == (later.isoformat(), "order")


async def test_another_outlet_of_the_same_payer_gets_the_goods(talk: Talk) -> None:
    number, card = await talk.order()
    text = f"deliver {number} to pasir ris instead please"
    change = await talk.card(text, "order_change")
    assert change["outlet"]["name"] == "Forno Rosso Pasir Ris"
    late = await talk.before(card, 20).say(text, "order_change")
    assert data_of(late, "needs_person") == {"reason": "order_change"}


async def test_an_outlet_that_somebody_else_pays_for_is_for_a_person(talk_of: TalkOf) -> None:
    talk = await talk_of("golden-crust")
    number, _ = await talk.order("400 14 inch boxes for simei pls")
    update = await talk.say(f"deliver {number} to clementi instead", "order_change")
    assert data_of(update, "needs_person") == {"reason": "order_change"}


@pytest.mark.parametrize("hours", [0.9, -1])
async def test_the_last_change_is_an_hour_before_delivery(talk: Talk, hours: float) -> None:
    number, card = await talk.order()
    update = await talk.before(card, hours).say(f"make it 300 12 inch in {number}", "order_change")
    assert data_of(update, "needs_person") == {"reason": "change_after_cutoff"}


async def test_a_card_from_before_is_not_open_after_that(talk: Talk) -> None:
    number, card = await talk.order()
    early, late = talk.before(card, 1.1), talk.before(card, 0.9)
    change = await early.card(f"make it 300 12 inch in {number}", "order_change")
    assert kinds(await late.yes(change)) == ["card_gone"]


async def test_what_is_processed_is_for_a_person(talk: Talk, office: Office) -> None:
    number, _ = await talk.order()
    office.authorise(number)
    update = await talk.say(f"make it 300 12 inch in {number}", "order_change")
    assert data_of(update, "order_processed") == {"number": number}
    assert data_of(update, "needs_person") == {"reason": "order_processed"}


# 5.4 case 44
async def test_what_is_processed_between_card_and_yes_stays_as_it_is(
    talk: Talk, office: Office
) -> None:
    number, card = await talk.order()
    change = await talk.card(f"make it 300 12 inch in {number}", "order_change")
    office.authorise(number)
    update = await talk.yes(change)
    assert data_of(update, "needs_person") == {"reason": "write_impossible"}
    assert money(office.invoice(number, talk.context)["Total"]) == card["total"]


async def test_a_draft_that_the_office_changed_is_for_a_person(talk: Talk) -> None:
    number, _ = await talk.order()
    invoice = await talk.context.accounts.invoice_by_number(number)
    assert invoice is not None
    line = {"ItemCode": "CNP-015-FB-01", "Quantity": 200, "UnitAmount": 0.60}
    write = changed_invoice(invoice.invoice_id, {"LineItems": [line]}, total=invoice.total)
    await talk.context.books.send(write, f"a key for {number}")
    update = await talk.say(f"make it 300 12 inch in {number}", "order_change")
    assert data_of(update, "needs_person") == {"reason": "order_change"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("make it 12000 12 inch boxes in {}", "quote"),
        ("urgent!! make it 300 12 inch boxes in {}", "urgent_order"),
    ],
)
async def test_what_a_person_must_decide_shows_no_card(talk: Talk, text: str, reason: str) -> None:
    number, _ = await talk.order()
    update = await talk.say(text.format(number), "order_change")
    assert data_of(update, "needs_person") == {"reason": reason}


async def test_an_order_that_becomes_unusual_waits_for_a_person(talk: Talk) -> None:
    number, _ = await talk.order()
    change = await talk.card(f"make it 3000 12 inch boxes in {number}", "order_change")
    assert change["needs_approval"]
    assert any("larger than usual" in note for note in change["notes"])


async def test_so_much_more_needs_a_later_day(talk: Talk) -> None:
    number, card = await talk.order()
    change = await talk.card(f"make it 6000 12 inch boxes in {number}", "order_change")
    assert change["delivery"]["day"] > card["delivery"]["day"]


async def test_only_a_buyer_changes(talk: Talk) -> None:
    number, _ = await talk.order()
    update = await talk.in_role("accounts").say(f"make it 300 12 inch in {number}", "order_change")
    assert data_of(update, "not_permitted") == {"needs": "buyer"}


async def test_orders_of_others_read_like_missing_ones(talk: Talk, talk_of: TalkOf) -> None:
    number, _ = await talk.order()
    stranger = await talk_of("metro-meals")
    foreign = await stranger.say(f"make it 300 12 inch in {number}", "order_change")
    missing = await stranger.say("make it 300 12 inch in TRIA-999999", "order_change")
    assert foreign == missing
    assert data_of(foreign, "nothing_to_cancel") == {"kind": "order_change"}

from collections.abc import Awaitable, Callable

import pytest

from nodes.state import Focus
from tests.nodes.cards.conftest import Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds

TalkOf = Callable[[str], Awaitable[Talk]]


async def a_quote(talk: Talk, office: Office, text: str = "20,000 12 inch boxes") -> str:
    """A quote that the office has sent."""
    card = await talk.card(f"quote for {text} please", "quote")
    number = str(data_of(await talk.yes(card), "committed")["number"])
    office.send(number)
    return number


def status_of(number: str, talk: Talk, office: Office) -> str:
    quotes = {q["QuoteNumber"]: q["Status"] for q in office.documents("quote", talk.context)}
    return str(quotes[number])


async def test_an_accepted_quote_becomes_an_order(talk: Talk, office: Office) -> None:
    quote = await a_quote(talk, office)
    card = await talk.card(f"I accept quote {quote}, for tampines", "quote")
    assert (card["kind"], card["title"]) == ("quote_accept", f"Accept quote {quote}")
    assert [(x["code"], x["pieces"], x["amount"]) for x in card["lines"]] == [
        ("CNP-015-FB-01", 20000, "13000.00")
    ]
    assert (card["subtotal"], card["gst"], card["total"]) == ("13000.00", "1170.00", "14170.00")
    delivery = card["delivery"]
    slot = f"{delivery['day']} {delivery['window_text']}"
    assert rows(card) == {"quote": quote, "outlet": "Forno Rosso Tampines", "slot": slot}
    assert card["outlet"]["name"] == "Forno Rosso Tampines"
    assert not card["needs_approval"]
    done = data_of(await talk.yes(card), "committed")
    assert (done["quote"], done["outlet"], done["delivery"]) == (
        quote,
        "Forno Rosso Tampines",
        delivery,
    )
    invoice = office.invoice(done["number"], talk.context)
    assert (invoice["Status"], money(invoice["Total"])) == ("DRAFT", "14170.00")
    assert invoice["Reference"] == f"Quote {quote}, Forno Rosso Tampines, {slot}"
    assert status_of(quote, talk, office) == "ACCEPTED"


async def test_a_write_that_runs_again_changes_nothing(talk: Talk, office: Office) -> None:
    quote = await a_quote(talk, office)
    card = await talk.card(f"I accept quote {quote} for tampines", "quote")
    await talk.yes(card)
    before = office.everything()
    assert kinds(await talk.commit(card)) == ["committed"]
    assert office.everything() == before


async def test_the_order_of_a_quote_can_be_cancelled_but_not_changed(
    talk: Talk, office: Office
) -> None:
    quote = await a_quote(talk, office)
    card = await talk.card(f"I accept quote {quote} for tampines", "quote")
    number = data_of(await talk.yes(card), "committed")["number"]
    update = await talk.say(f"make it 10000 12 inch boxes in {number}", "order_change")
    assert data_of(update, "needs_person") == {"reason": "order_change"}
    cancel = await talk.before(card, 30).card(f"cancel {number}", "order_cancel")
    assert cancel["invoice"] == number


async def test_the_outlet_is_asked_where_there_are_several(talk: Talk, office: Office) -> None:
    quote = await a_quote(talk, office)
    asked = data_of(await talk.say(f"I accept quote {quote}", "quote"), "order_questions")
    assert asked["outlets"] == ["Forno Rosso Pasir Ris", "Forno Rosso Tampines"]
    assert asked["lines"] == []
    assert [x["pieces"] for x in asked["clear"]] == [20000]


async def test_the_only_quote_and_the_only_outlet_need_not_be_named(
    talk_of: TalkOf, office: Office
) -> None:
    talk = await talk_of("sourdough-social")
    quote = await a_quote(talk, office)
    card = await talk.card("we accept your quotation, go ahead", "quote")
    assert (card["quote"], card["outlet"]["name"]) == (quote, "Sourdough Social Tiong Bahru")
    assert card["prepay"]
    assert any("pay before delivery" in note for note in card["notes"])
    await talk.yes(card)
    update = await talk.say("we accept your quotation, go ahead", "quote")
    assert data_of(update, "which_document") == {"kind": "quote_accept", "candidates": []}


async def test_the_quote_spoken_of_is_meant(talk: Talk, office: Office) -> None:
    quote = await a_quote(talk, office)
    focus: Focus = {"documents": [quote]}
    card = await talk.card("I accept the quote, to tampines", "quote", focus=focus)
    assert card["quote"] == quote


async def test_of_several_quotes_the_number_is_asked(talk: Talk, office: Office) -> None:
    quotes = {await a_quote(talk, office), await a_quote(talk, office)}
    update = await talk.say("I accept the quote", "quote")
    assert quotes < set(data_of(update, "which_document")["candidates"])


# 5.4 case 43
@pytest.mark.parametrize(
    ("customer_id", "wanted"),
    [("forno-rosso", "expired"), ("golden-crust", "ACCEPTED"), ("metro-meals", "DECLINED")],
)
async def test_a_quote_that_is_over_is_not_accepted(
    talk_of: TalkOf, office: Office, customer_id: str, wanted: str
) -> None:
    talk = await talk_of(customer_id)
    quotes = await talk.context.accounts.quotes()
    today = talk.context.now().date()
    [quote] = [
        q
        for q in quotes
        if (q.expiry_date and q.expiry_date < today) == (wanted == "expired")
        and wanted in ("expired", q.status)
    ]
    told = data_of(
        await talk.say(f"I accept quote {quote.quote_number}", "quote"), "quote_not_open"
    )
    assert quote.expiry_date
    assert told == {
        "number": quote.quote_number,
        "status": quote.status.lower(),
        "expiry": quote.expiry_date.isoformat(),
    }


async def test_a_quote_that_the_office_has_not_sent_is_not_open(talk: Talk) -> None:
    card = await talk.card("quote for 20,000 12 inch boxes please", "quote")
    number = data_of(await talk.yes(card), "committed")["number"]
    update = await talk.say(f"I accept quote {number} for tampines", "quote")
    assert data_of(update, "quote_not_open")["status"] == "draft"


# 5.4 case 43
async def test_a_quote_lapses_with_its_last_day(talk: Talk, office: Office) -> None:
    quote = await a_quote(talk, office)
    found = await talk.context.accounts.quote_by_number(quote)
    assert found
    assert found.expiry_date
    last = talk.context.now().replace(
        year=found.expiry_date.year,
        month=found.expiry_date.month,
        day=found.expiry_date.day,
        hour=23,
        minute=30,
    )
    card = await talk.at(last).card(f"I accept quote {quote} for tampines", "quote")
    expires = (await talk.stored(card))["expires_at"]
    assert 0 < (expires - last).total_seconds() <= 30 * 60


# 5.4 case 10
async def test_quotes_of_others_read_like_missing_ones(
    talk: Talk, talk_of: TalkOf, office: Office
) -> None:
    quote = await a_quote(talk, office)
    stranger = await talk_of("slice-yard-north")
    foreign = await stranger.say(f"I accept quote {quote}", "quote")
    assert foreign == await stranger.say("I accept quote QU-9999", "quote")
    assert data_of(foreign, "which_document")["candidates"] == []


async def test_an_account_on_hold_orders_nothing(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of("laksa-lane")
    quote = await a_quote(talk, office, "20000 medium kraft bags")
    update = await talk.say(f"I accept quote {quote} for katong", "quote")
    assert data_of(update, "needs_person") == {"reason": "account_on_hold"}


async def test_only_a_buyer_accepts(talk: Talk, office: Office) -> None:
    quote = await a_quote(talk, office)
    update = await talk.in_role("accounts").say(f"I accept quote {quote} for tampines", "quote")
    assert data_of(update, "not_permitted") == {"needs": "buyer"}

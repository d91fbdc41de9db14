import calendar
from collections.abc import Awaitable, Callable

import pytest

from tests.nodes.cards.conftest import Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds
from tools.sandbox.xero.wire import day_of

TalkOf = Callable[[str], Awaitable[Talk]]
ASKED = "can I get a quote for 20,000 12 inch boxes please"


async def test_a_large_quantity_is_offered_at_list_prices(talk: Talk, office: Office) -> None:
    card = await talk.card(ASKED, "quote")
    today = talk.context.now().date()
    last = today.replace(day=calendar.monthrange(today.year, today.month)[1])
    assert (card["kind"], card["title"]) == ("quote", "Quote for Forno Rosso Pte Ltd")
    assert [(x["code"], x["pieces"], x["unit_price"], x["amount"]) for x in card["lines"]] == [
        ("CNP-015-FB-01", 20000, "0.65", "13000.00")
    ]
    assert (card["subtotal"], card["gst"], card["total"]) == ("13000.00", "1170.00", "14170.00")
    assert rows(card) == {"expires": last.isoformat()}
    assert not card["needs_approval"]
    done = data_of(await talk.yes(card), "committed")
    [quote] = [
        q for q in office.documents("quote", talk.context) if q["QuoteNumber"] == done["number"]
    ]
    assert (quote["Status"], money(quote["Total"])) == ("DRAFT", "14170.00")
    assert quote["Contact"]["ContactID"] in talk.context.caller.contact_ids
    assert (day_of(quote["Date"]), day_of(quote["ExpiryDate"])) == (today, last)


async def test_a_write_that_runs_again_changes_nothing(talk: Talk, office: Office) -> None:
    card = await talk.card(ASKED, "quote")
    await talk.yes(card)
    before = office.everything()
    assert kinds(await talk.commit(card)) == ["committed"]
    assert office.everything() == before


@pytest.mark.parametrize(
    "text",
    [
        'quote for 12k 10" boxes and 5000 XL, at $0.05 each ok?',
        "sebut harga untuk 12000 kotak 10 inci dan 5000 kotak XL",
        "我要12000个10寸盒子和5000个XL盒子的报价",
    ],
)
async def test_what_is_asked_for_is_read_and_prices_are_ours(talk: Talk, text: str) -> None:
    card = await talk.card(text, "quote")
    assert [(x["code"], x["pieces"], x["unit_price"]) for x in card["lines"]] == [
        ("CNP-014-FB-01", 12000, "0.45"),
        ("CNP-016-FB-01", 5000, "0.85"),
    ]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("quote for 9,900 12 inch boxes", 9900),
        ("quote for 130 12 inch boxes", 130),
        ("quote for five 12 inch boxes", 5),
        ("quote for 9000 12 inch boxes and 9000 12 inch liners", 9000),
    ],
)
async def test_what_is_too_little_for_a_quote_is_told(talk: Talk, text: str, pieces: int) -> None:
    update = await talk.say(text, "quote")
    assert data_of(update, "quote_too_small") == {"from_pieces": 10000, "pieces": pieces}
    assert "card" not in update


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("quote for 10,030 12 inch boxes", ["not_whole_packs"]),
        ("quote for 20000 boxes", ["ambiguous"]),
        ("quote for 20000 sushi boats", ["unknown_product"]),
        ("quote for 1000000000000 12 inch boxes", ["no_quantity"]),
        ("quote for 0.5 12 inch boxes", ["no_quantity"]),
        ("quote for NaN 12 inch boxes", ["no_quantity"]),
        ("quote for 0 12 inch boxes", []),
        ("I need a quote", []),
    ],
)
async def test_what_is_not_certain_is_asked(talk: Talk, text: str, problems: list[str]) -> None:
    asked = data_of(await talk.say(text, "quote"), "order_questions")
    assert [x["problem"] for x in asked["lines"]] == problems
    assert asked["outlets"] == []


@pytest.mark.parametrize(
    "text",
    [
        f"{ASKED} with our logo",
        "quote for 20000 printed 12 inch boxes",
        "20000个12寸盒子印刷的报价",
        "sebut harga 20000 kotak 12 inci dengan cetakan",
    ],
)
async def test_printed_goods_are_for_a_person(talk: Talk, text: str) -> None:
    assert data_of(await talk.say(text, "quote"), "needs_person") == {"reason": "quote"}


async def test_the_intent_of_custom_print_is_for_a_person_too(talk: Talk) -> None:
    update = await talk.say(ASKED, "quote", "custom_print")
    assert data_of(update, "needs_person") == {"reason": "quote"}


async def test_who_pays_is_asked_where_it_is_not_certain(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of("golden-crust")
    asked = data_of(await talk.say(ASKED, "quote"), "order_questions")
    assert set(asked["outlets"]) > {"Golden Crust Simei", "Golden Crust Clementi"}
    card = await talk.card(f"{ASKED} for clementi", "quote")
    number = data_of(await talk.yes(card), "committed")["number"]
    [quote] = [q for q in office.documents("quote", talk.context) if q["QuoteNumber"] == number]
    assert quote["Contact"]["ContactID"] == talk.context.caller.contact_ids[1]


async def test_a_remote_outlet_pays_its_fee(talk_of: TalkOf) -> None:
    talk = await talk_of("kopi-collective")
    card = await talk.card("quote for 20000 medium kraft bags for sentosa please", "quote")
    assert [fee["amount"] for fee in card["fees"]] == ["30.00"]
    assert card["total"] == "2430.70"


async def test_only_a_buyer_asks_for_a_quote(talk: Talk) -> None:
    update = await talk.in_role("accounts").say(ASKED, "quote")
    assert data_of(update, "not_permitted") == {"needs": "buyer"}


async def test_without_the_books_there_is_no_card(talk: Talk) -> None:
    state = await talk.heard(ASKED, "quote")
    unread = {**state, "facts": [f for f in state["facts"] if f["kind"] != "prices"]}
    assert await talk.propose(unread) == {"facts": []}  # type: ignore[arg-type]

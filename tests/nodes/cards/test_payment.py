from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from nodes.state import Focus
from tests.nodes.cards.conftest import Office, Talk, money, rows
from tests.nodes.conftest import data_of, kinds

TalkOf = Callable[[str], Awaitable[Talk]]
CUSTOMER = "golden-crust"


async def test_a_payment_is_noted_and_never_recorded(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    invoice = office.invoices(talk.context, "AUTHORISED")[0]
    number, day = invoice["InvoiceNumber"], talk.context.now().date() - timedelta(days=1)
    card = await talk.card(f"I have paid {number} yesterday, SGD 120.50", "payment")
    assert (card["kind"], card["title"]) == ("payment_report", f"Payment of {number}")
    assert rows(card) == {"invoice": number, "amount": "120.50", "paid_on": day.isoformat()}
    assert (card["amount"], card["needs_approval"]) == ("120.50", False)
    mark = (await talk.stored(card))["document_number"]
    payments = office.documents("payment", talk.context)
    done = data_of(await talk.yes(card), "committed")
    assert (done["invoice"], done["amount"]) == (number, "120.50")
    said = [h["Details"] for h in office.history(number, talk.context)]
    assert (
        said.count(
            f"{mark}: Customer reports payment of SGD 120.50 on {day.isoformat()}; not verified"
        )
        == 1
    )
    assert office.documents("payment", talk.context) == payments
    assert office.invoice(number, talk.context)["AmountDue"] == invoice["AmountDue"]
    before = office.everything()
    assert kinds(await talk.commit(card)) == ["committed", "needs_person"]
    assert office.everything() == before


async def test_without_an_amount_it_is_what_is_due(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    invoice = office.invoices(talk.context, "AUTHORISED")[1]
    card = await talk.card(f"we have already paid {invoice['InvoiceNumber']}", "payment")
    assert rows(card) == {
        "invoice": invoice["InvoiceNumber"],
        "amount": money(invoice["AmountDue"]),
    }


@pytest.mark.parametrize(
    "claim",
    [
        "SGD 0",
        "$0.00",
        "SGD 999999999999",
        "NaN dollars",
        "SGD 10 and SGD 20",
    ],
)
async def test_an_amount_that_is_none_is_not_taken(
    talk_of: TalkOf, office: Office, claim: str
) -> None:
    talk = await talk_of(CUSTOMER)
    invoice = office.invoices(talk.context, "AUTHORISED")[1]
    card = await talk.card(f"we have paid {invoice['InvoiceNumber']}: {claim}", "payment")
    assert card["amount"] == money(invoice["AmountDue"])


async def test_a_day_to_come_is_not_taken(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    number = office.invoices(talk.context, "AUTHORISED")[1]["InvoiceNumber"]
    later = (talk.context.now().date() + timedelta(days=40)).isoformat()
    card = await talk.card(f"we have paid {number} on {later}", "payment")
    assert "paid_on" not in rows(card)


async def test_no_word_of_the_customer_is_written(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    number = office.invoices(talk.context, "AUTHORISED")[2]["InvoiceNumber"]
    await talk.yes(await talk.card(f"I have paid {number}. <b>VOID THIS</b> for Bob", "payment"))
    assert "VOID" not in str(office.history(number, talk.context))


async def test_what_was_noted_before_is_not_noted_again(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    number = office.invoices(talk.context, "AUTHORISED")[3]["InvoiceNumber"]
    await talk.yes(await talk.card(f"I have paid {number}", "payment"))
    update = await talk.say(f"I have paid {number}!!", "payment")
    assert data_of(update, "already_noted") == {"kind": "payment_report", "invoice": number}
    assert (await talk.card(f"I have paid {number}, SGD 7.00", "payment"))["amount"] == "7.00"
    assert (await talk.card(f"I have paid {number} yesterday", "payment"))["amount"]


async def test_a_payment_that_is_matched_is_told(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    invoice = office.invoices(talk.context, "PAID")[-1]
    update = await talk.say(f"I have paid {invoice['InvoiceNumber']}", "payment")
    told = data_of(update, "already_noted")
    assert (told["invoice"], told["amount"]) == (
        invoice["InvoiceNumber"],
        money(invoice["AmountPaid"]),
    )
    assert told["paid_on"]
    part = office.invoices(talk.context, "AUTHORISED")[4]["InvoiceNumber"]
    office.receive(part, "33.00")
    update = await talk.say(f"I have paid {part}, SGD 33.00", "payment")
    told = data_of(update, "already_noted")
    assert (told["amount"], told["paid_on"]) == ("33.00", talk.context.now().date().isoformat())
    rest = await talk.card(f"I have paid {part}, SGD 44.00", "payment")
    assert rest["amount"] == "44.00"


async def test_the_invoice_spoken_of_or_the_only_open_one_is_meant(
    talk_of: TalkOf, office: Office
) -> None:
    talk = await talk_of("kopi-collective")
    [unpaid] = office.invoices(talk.context, "AUTHORISED")
    assert (await talk.card("I have paid", "payment"))["invoice"] == unpaid["InvoiceNumber"]
    talk = await talk_of(CUSTOMER)
    number = office.invoices(talk.context, "AUTHORISED")[5]["InvoiceNumber"]
    focus: Focus = {"documents": [number]}
    assert (await talk.card("I have paid it", "payment", focus=focus))["invoice"] == number
    update = await talk.say("I have paid", "payment")
    assert len(data_of(update, "which_document")["candidates"]) > 1


async def test_invoices_of_others_read_like_missing_ones(
    talk: Talk, talk_of: TalkOf, office: Office
) -> None:
    stranger = await talk_of("metro-meals")
    foreign = office.invoices(talk.context, "AUTHORISED")[0]["InvoiceNumber"]
    update = await stranger.say(f"I have paid {foreign}", "payment")
    assert update == await stranger.say("I have paid INV-9999", "payment")


async def test_any_role_may_report_a_payment(talk_of: TalkOf, office: Office) -> None:
    talk = await talk_of(CUSTOMER)
    number = office.invoices(talk.context, "AUTHORISED")[5]["InvoiceNumber"]
    for role in ("buyer", "accounts", "owner"):
        card = await talk.in_role(role).card(f"I have paid {number}", "payment")
        assert card["kind"] == "payment_report"
    update = await talk.in_role().say(f"I have paid {number}", "payment")
    assert data_of(update, "not_permitted") == {"needs": "accounts"}

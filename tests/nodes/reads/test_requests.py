from collections.abc import Callable

import pytest

from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import LATE_PAYER, Books, reads
from tools.context import Context


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("can we get 5 more days for {}?", "more_time"),
        ("pls waive the late interest on {}", "waiver"),
        ("{} 可以延期付款吗", "more_time"),
        ("boleh hapuskan caj lewat {}", "waiver"),
    ],
)
async def test_what_only_people_grant_goes_to_them(
    context_of: Callable[[str], Context], books: Books, text: str, reason: str
) -> None:
    context = context_of(LATE_PAYER)
    number = books.invoices(context, "AUTHORISED")[0]["InvoiceNumber"]
    needed = data_of(await reads(context, text.format(number), "invoice"), "needs_person")
    assert (needed["reason"], needed["level"]) == (reason, 2)
    assert needed["documents"] == [number]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("please refund SGD 480.00, our bank paid twice", 2),
        ("please refund SGD 572.25, our bank paid twice", 3),
        ("we paid you SGD 2,400.00 twice", 4),
    ],
)
async def test_money_paid_by_mistake_goes_up_with_its_amount(
    context: Context, text: str, level: int
) -> None:
    needed = data_of(await reads(context, text, "refund"), "needs_person")
    assert (needed["reason"], needed["level"]) == ("payment_error", level)


async def test_without_an_amount_that_of_the_invoice_counts(context: Context, books: Books) -> None:
    large = max(books.invoices(context, "PAID"), key=lambda i: float(i["Total"]))
    text = f"we paid {large['InvoiceNumber']} twice"
    assert data_of(await reads(context, text, "refund"), "needs_person")["level"] >= 3


async def test_a_complaint_goes_to_people_as_it_is(context: Context) -> None:
    update = await reads(context, "useless! waive the late fee", "complaint")
    assert "needs_person" not in kinds(update)

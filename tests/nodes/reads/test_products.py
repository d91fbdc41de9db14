from tests.nodes.conftest import data_of
from tests.nodes.reads.conftest import reads
from tools.context import Context


async def test_a_product_is_priced_from_the_books(context: Context) -> None:
    [product] = data_of(await reads(context, "price of 12 inch box?", "price"), "products")[
        "listed"
    ]
    assert (product["code"], product["price"]) == ("CNP-015-FB-01", "0.65")
    assert (product["pack_size"], product["pack_price"]) == (100, "65.00")
    assert product["on_hand"] > 0


async def test_the_whole_price_list_can_be_asked_for(context: Context) -> None:
    update = await reads(context, "send me your price list", "price")
    assert len(data_of(update, "products")["listed"]) == len(context.catalogue.products)


async def test_what_was_spoken_of_can_be_pointed_at(context: Context) -> None:
    update = await reads(context, "how much is it?", "price", focus={"products": ["TRI-001-TR-01"]})
    assert [p["code"] for p in data_of(update, "products")["listed"]] == ["TRI-001-TR-01"]


async def test_a_size_that_is_not_sold_is_told_apart_from_those_that_are(context: Context) -> None:
    found = data_of(await reads(context, "price of a 16 inch pizza box?", "price"), "products")
    assert found["unsold"] == [{"number": "16", "unit": "inch"}]
    assert {p["code"][:6] for p in found["listed"]} == {"CNP-01"}


async def test_a_product_is_found_by_its_tamil_words(context: Context) -> None:
    update = await reads(context, "12 அங்குல பீட்சா பெட்டியின் விலை என்ன?", "price")
    assert [p["code"] for p in data_of(update, "products")["listed"]] == ["CNP-015-FB-01"]


async def test_prices_and_stock_are_read_for_an_order(context: Context) -> None:
    prices = data_of(await reads(context, "200 boxes", "order"), "prices")
    assert prices["by_code"]["CNP-015-FB-01"] == "0.65"
    assert prices["on_hand"]["CUT-W"] == 0


async def test_the_tax_of_sales_is_that_of_today(context: Context) -> None:
    tax = data_of(await reads(context, "200 boxes", "order"), "sales_tax")
    assert tax == {"gst_percent": "9", "tax_type": "OUTPUTY24"}

import zipfile
from collections.abc import Sequence
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.tools.xero import papers
from tests.tools.xero.papers import FOREIGN, OWN, Papers
from tools.context import Context
from tools.documents.collect import MOST_INVOICES, collect
from tools.errors import ForeignDocument

ALL_OPEN: dict[str, Any] = {"kind": "invoices_zip", "target": {}}


def of(books: Papers, roles: Sequence[str] = ("owner",)) -> Context:
    return cast(Context, SimpleNamespace(accounts=books.accounts(OWN, roles=roles)))


async def test_all_open_invoices_cost_one_call_each_and_one_for_the_list() -> None:
    books = Papers()
    books.add(*(papers.invoice(f"INV-{n:04}") for n in range(1, MOST_INVOICES + 5)))
    found = await collect(ALL_OPEN, of(books))
    assert found is not None
    with zipfile.ZipFile(BytesIO(found.content)) as archive:
        assert archive.namelist() == [f"INV-{n:04}-invoice.pdf" for n in range(1, 21)]
        assert archive.read("INV-0001-invoice.pdf") == books.file
    assert len(books.asked) == 1 + MOST_INVOICES
    assert {keep for _, keep, _ in books.kept} == {0}


async def test_what_is_paid_or_not_sent_or_foreign_is_not_among_them() -> None:
    books = Papers()
    books.add(
        papers.invoice("INV-1"),
        papers.invoice("INV-2", Status="PAID", AmountDue=0),
        papers.invoice("TRIA-000003", Status="DRAFT"),
        papers.invoice("INV-4", FOREIGN),
    )
    found = await collect(ALL_OPEN, of(books))
    assert found is not None
    with zipfile.ZipFile(BytesIO(found.content)) as archive:
        assert archive.namelist() == ["INV-1-invoice.pdf"]


async def test_a_foreign_invoice_that_xero_sends_all_the_same_stops_everything() -> None:
    books = Papers(foolish=True)
    books.add(papers.invoice("INV-1"), papers.invoice("INV-2", FOREIGN))
    with pytest.raises(ForeignDocument):
        await collect(ALL_OPEN, of(books))
    assert books.paths() == ["/Invoices"]


async def test_nothing_open_and_nobody_who_keeps_the_accounts_get_nothing() -> None:
    books = Papers()
    assert await collect(ALL_OPEN, of(books)) is None
    books.add(papers.invoice("INV-1"))
    books.asked.clear()
    assert await collect(ALL_OPEN, of(books, ("buyer",))) is None
    assert books.asked == []

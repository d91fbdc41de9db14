"""Downloads over HTTP: links of the chat, and delivery orders by number."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from openpyxl import load_workbook

from graph.clients import now
from graph.settings import Settings
from graph.studio import demo_caller
from graph.xero import make_xero
from tests.api.conftest import ONE_TRACE
from tests.conftest import customer, headers_of
from tests.tools.conftest import Control, control
from tests.tools.documents.conftest import a_card, text_of
from tools.actions.store import Actions, Proposal, card_hash
from tools.conversations import Conversations
from tools.database import Pool, make_pool
from tools.documents.links import LinkKind, Links, NewLink
from tools.events import make_redis
from tools.sandbox.company import DemoCustomer, demo_customers
from tools.xero.exchange import make_http
from tools.xero.scope import scope_of
from tools.xero.scoped import Accounts

__all__ = ["control"]

SAFE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
PERIOD = {"since": "2020-01-01", "until": "2035-12-31"}


@pytest.fixture(scope="module")
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    """The database of the service under test."""
    async with make_pool(postgres_url) as pool:
        yield pool


@pytest.fixture
async def browser(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that follows a link: it knows no token and shows where it is sent."""
    async with httpx.AsyncClient(base_url=service_url, timeout=30) as client:
        yield client


@pytest.fixture
async def accounts(settings: Settings, pool: Pool, redis_url: str) -> AsyncIterator[Accounts]:
    """The books of the first demo customer."""
    caller, redis = demo_caller(customer()), make_redis(redis_url)
    async with make_http() as http:
        client = make_xero(settings, pool, redis, http, now).client
        scope = scope_of(caller.customer_id, caller.contact_ids, caller.roles)
        yield Accounts(client, scope, lambda: now().date())
    await redis.aclose()


Issue = Callable[..., Any]


@pytest.fixture
def issue(pool: Pool) -> Issue:
    """Issues a link of the first demo customer and returns its path."""

    async def _issue(kind: LinkKind, who: DemoCustomer | None = None, **target: str) -> str:
        caller = demo_caller(who or customer())
        return f"/documents/{await Links(pool).issue(NewLink(kind, caller.scope, target))}"

    return _issue


async def an_order(pool: Pool, who: DemoCustomer, *, committed: bool = True, **card: Any) -> str:
    """The number of an order that the customer confirmed."""
    actions, thread_id = Actions(pool), uuid4()
    await Conversations(pool).create(thread_id, who.customer_id, {})
    proposal = Proposal(
        action_id=uuid4(),
        thread_id=thread_id,
        customer_id=who.customer_id,
        kind="order",
        card=a_card(**card),
        writes=(),
        document_number=await actions.next_number(),
        expires_at=now() + timedelta(hours=1),
    )
    await actions.propose(proposal)
    digest = card_hash(proposal.card, proposal.writes)
    assert await actions.confirm(proposal.action_id, who.customer_id, digest, now())
    if committed:
        assert await actions.settle(proposal.action_id, "committed")
    return proposal.document_number


def an_invoice(control: Control, who: DemoCustomer, status: str = "AUTHORISED") -> str:
    found = control.sales(who.contact_ids)
    return next(str(i["InvoiceNumber"]) for i in found if i["Status"] == status)


class TestLinks:
    async def test_an_invoice_is_downloaded_once(
        self, browser: httpx.AsyncClient, issue: Issue, control: Control
    ) -> None:
        number = an_invoice(control, customer())
        path = await issue("invoice_pdf", number=number)
        first, second = await browser.get(path), await browser.get(path)
        assert first.status_code == 200
        assert first.headers["content-type"] == "application/pdf"
        named = f'attachment; filename="{number}-invoice.pdf"'
        assert first.headers["content-disposition"] == named
        assert SAFE.items() <= dict(first.headers).items()
        assert number in text_of(first.content)
        assert second.status_code == 410

    async def test_quotes_and_credit_notes_come_as_xero_prints_them(
        self, browser: httpx.AsyncClient, issue: Issue, accounts: Accounts
    ) -> None:
        quote = next(q.quote_number for q in await accounts.quotes() if q.status == "SENT")
        note = (await accounts.credit_notes())[0].credit_note_number
        assert quote
        assert note
        for kind, number, word in (
            ("quote_pdf", quote, "quote"),
            ("credit_note_pdf", note, "credit-note"),
        ):
            answer = await browser.get(await issue(kind, number=number))
            named = f'attachment; filename="{number}-{word}.pdf"'
            assert answer.headers["content-disposition"] == named
            assert number in text_of(answer.content)

    async def test_two_clicks_at_once_bring_one_document(
        self, browser: httpx.AsyncClient, issue: Issue, pool: Pool
    ) -> None:
        path = await issue("delivery_order_pdf", number=await an_order(pool, customer()))
        answers = await asyncio.gather(*(browser.get(path) for _ in range(6)))
        assert sorted(a.status_code for a in answers) == [200, *[410] * 5]

    async def test_to_look_ahead_does_not_use_it_up(
        self, browser: httpx.AsyncClient, issue: Issue, pool: Pool
    ) -> None:
        path = await issue("delivery_order_xlsx", number=await an_order(pool, customer()))
        seen = await browser.head(path)
        got = await browser.get(path)
        assert (seen.status_code, seen.content) == (200, b"")
        for name in ("content-type", "content-disposition", *SAFE):
            assert seen.headers[name] == got.headers[name]
        assert (await browser.head(path)).status_code == 410

    @pytest.mark.parametrize("path", ["x", "a" * 43, "%00", "%F0%9F%8D%95", "a" * 5000])
    async def test_what_is_no_link_gets_the_one_answer(
        self, browser: httpx.AsyncClient, issue: Issue, path: str
    ) -> None:
        used = await issue("invoice_pdf", number="INV-0000")
        expected = await browser.get(used)
        answer = await browser.get(f"/documents/{path}")
        assert (answer.status_code, answer.text) == (410, expected.text)
        assert "ask for the document again in the chat" in answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert SAFE.items() <= dict(answer.headers).items()

    # 5.4 case 18
    async def test_a_sign_in_must_be_of_the_same_customer(
        self, browser: httpx.AsyncClient, issue: Issue, pool: Pool
    ) -> None:
        path = await issue("delivery_order_pdf", number=await an_order(pool, customer()))
        for wrong in (headers_of(customer(1))["Authorization"], "Bearer x", "Basic eDp4", ""):
            answer = await browser.get(path, headers={"Authorization": wrong})
            assert answer.status_code == 410, wrong
            assert (await browser.head(path, headers={"Authorization": wrong})).status_code == 410
        assert (await browser.get(path, headers=headers_of(customer()))).status_code == 200

    # 5.4 case 10
    @pytest.mark.parametrize("kind", ["invoice_pdf", "pay_link", "credit_note_pdf", "quote_pdf"])
    async def test_a_foreign_number_brings_nothing(
        self, browser: httpx.AsyncClient, issue: Issue, control: Control, kind: LinkKind
    ) -> None:
        foreign = an_invoice(control, customer(1))
        answer = await browser.get(await issue(kind, number=foreign))
        missing = await browser.get(await issue(kind, number="INV-999999"))
        assert answer.status_code == missing.status_code == 410
        assert answer.content == missing.content

    async def test_a_foreign_order_brings_nothing(
        self, browser: httpx.AsyncClient, issue: Issue, pool: Pool
    ) -> None:
        foreign = await an_order(pool, customer(1))
        answer = await browser.get(await issue("delivery_order_pdf", number=foreign))
        assert answer.status_code == 410

    async def test_all_open_invoices_come_in_one_file(
        self, browser: httpx.AsyncClient, issue: Issue, control: Control
    ) -> None:
        answer = await browser.get(await issue("invoices_zip"))
        assert answer.headers["content-disposition"] == 'attachment; filename="open-invoices.zip"'
        with zipfile.ZipFile(BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            pages = [text_of(archive.read(name)) for name in names]
        due = [
            i["InvoiceNumber"]
            for i in control.sales(customer().contact_ids)
            if i["Status"] == "AUTHORISED" and i["AmountDue"] > 0
        ]
        assert set(names) <= {f"{number}-invoice.pdf" for number in due}
        assert len(names) == min(len(due), 20)
        assert all(
            name.removesuffix("-invoice.pdf") in page
            for name, page in zip(names, pages, strict=True)
        )

    async def test_a_statement_comes_as_an_account_summary(
        self, browser: httpx.AsyncClient, issue: Issue
    ) -> None:
        answer = await browser.get(await issue("statement_pdf", **PERIOD))
        assert answer.status_code == 200
        name = "account-summary-2020-01-01-to-2035-12-31.pdf"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert customer().company in text_of(answer.content)
        assert "not an official statement" in text_of(answer.content)

    # 5.4 case 47
    @pytest.mark.parametrize(("kind", "target"), [("statement_pdf", PERIOD), ("invoices_zip", {})])
    async def test_a_buyer_alone_gets_no_accounts(
        self, browser: httpx.AsyncClient, issue: Issue, kind: LinkKind, target: dict[str, str]
    ) -> None:
        buyer = next(c for c in demo_customers() if c.roles == ("buyer",))
        assert (await browser.get(await issue(kind, buyer, **target))).status_code == 410

    async def test_a_pay_link_leads_to_the_page_once(
        self, browser: httpx.AsyncClient, issue: Issue, control: Control
    ) -> None:
        path = await issue("pay_link", number=an_invoice(control, customer()))
        assert (await browser.head(path)).status_code == 200
        answer = await browser.get(path)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("https://")
        assert SAFE.items() <= dict(answer.headers).items()
        assert (await browser.get(path)).status_code == 410

    @pytest.mark.parametrize(
        ("kind", "target", "operation"),
        [
            ("invoice_pdf", {}, "GET /Invoices/{InvoiceID}"),
            ("pay_link", {}, "GET /Invoices/{InvoiceID}/OnlineInvoice"),
        ],
    )
    async def test_a_failure_of_xero_leaves_the_link_open(
        self,
        browser: httpx.AsyncClient,
        issue: Issue,
        control: Control,
        kind: LinkKind,
        target: dict[str, str],
        operation: str,
    ) -> None:
        path = await issue(kind, number=an_invoice(control, customer()))
        control.fault(operation, "unavailable", 10)
        busy = await browser.get(path)
        assert busy.status_code == 503
        assert busy.headers["retry-after"] == "10"
        assert "still works" in busy.text
        control.fault(operation, "unavailable", 0)
        assert (await browser.get(path)).status_code in (200, 302)

    # 5.4 cases 19 and 49
    async def test_a_token_is_neither_logged_nor_counted_by(
        self,
        browser: httpx.AsyncClient,
        issue: Issue,
        control: Control,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        path = await issue("pay_link", number=an_invoice(control, customer()))
        control.fault("GET /Invoices/{InvoiceID}/OnlineInvoice", "unavailable", 10)
        await browser.get(path)
        control.fault("GET /Invoices/{InvoiceID}/OnlineInvoice", "unavailable", 0)
        sent_to = (await browser.get(path)).headers["location"]
        await browser.get(path)
        counted = (await browser.get("/metrics")).text
        own = [
            r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))
        ]
        said = "".join(capfd.readouterr()) + "".join(own)
        assert 'route="/documents/{token}"' in counted
        assert "document not ready" in said
        for secret in (path.rpartition("/")[2], sent_to):
            assert secret not in said + counted


class TestOrders:
    async def test_a_delivery_order_as_paper(self, http: httpx.AsyncClient, pool: Pool) -> None:
        number = await an_order(pool, customer(), instructions="请放在后门")
        answer = await http.get(f"/orders/{number}/delivery-order.pdf")
        assert answer.status_code == 200
        named = f'attachment; filename="{number}-delivery-order.pdf"'
        assert answer.headers["content-disposition"] == named
        assert SAFE.items() <= dict(answer.headers).items()
        assert number in text_of(answer.content)
        assert "请放在后门" in text_of(answer.content)

    async def test_a_delivery_order_as_sheet(self, http: httpx.AsyncClient, pool: Pool) -> None:
        number = await an_order(pool, customer())
        answer = await http.get(f"/orders/{number}/delivery-order.xlsx")
        assert "spreadsheetml" in answer.headers["content-type"]
        sheet = load_workbook(BytesIO(answer.content)).worksheets[0]
        assert f"Delivery order {number}" in {c.value for row in sheet.iter_rows() for c in row}

    async def test_missing_foreign_and_unwritten_orders_get_the_same_answer(
        self, http: httpx.AsyncClient, pool: Pool
    ) -> None:
        foreign = await an_order(pool, customer(1))
        unwritten = await an_order(pool, customer(), committed=False)
        wrong = ("TRIA-999999", "x", "%00", "TRIA-1%0d%0aX: y", "tria-000001")
        for form in ("pdf", "xlsx"):
            answers = [
                await http.get(f"/orders/{number}/delivery-order.{form}", headers=ONE_TRACE)
                for number in (foreign, unwritten, *wrong)
            ]
            [(status, content)] = {(a.status_code, a.content) for a in answers}
            assert (status, json.loads(content)["detail"]) == (404, "There is no such order.")

    @pytest.mark.parametrize("form", ["pdf", "xlsx"])
    async def test_nobody_gets_one_without_a_sign_in(
        self, browser: httpx.AsyncClient, pool: Pool, form: str
    ) -> None:
        number = await an_order(pool, customer())
        answer = await browser.get(f"/orders/{number}/delivery-order.{form}")
        assert answer.status_code == 401

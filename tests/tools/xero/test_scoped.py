"""The books of one caller: against the sandbox, and against documents that it does not have."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.clients import now
from tests.conftest import customer
from tests.tools.conftest import Control
from tests.tools.xero import papers
from tests.tools.xero.conftest import accounts_of, own_sales
from tests.tools.xero.papers import FOREIGN, OWN, SECOND, TODAY, Papers
from tools.errors import BackendRejected, ForeignDocument
from tools.ordering.catalogue import load_catalogue
from tools.ordering.orders import OrderLine
from tools.ordering.pricing import AccountStanding, price_order
from tools.sandbox.company import DemoCustomer, demo_customers
from tools.xero.client import XeroClient
from tools.xero.documents import Invoice
from tools.xero.scope import scope_of
from tools.xero.scoped import Accounts, ContactMerged, masked, number_of

BY_ID = {c.customer_id: c for c in demo_customers()}
SUPPLIER = BY_ID["kopi-collective"]
OTHER = BY_ID["laksa-lane"]
FRANCHISEE = BY_ID["golden-crust"]
ESTABLISHED = AccountStanding("established", Decimal(640), 40, on_hold=False)
INJECTIONS = [
    '" OR 1==1 OR Reference=="',
    '") OR Name!=null',
    "\u201d OR 1==1 OR Reference==\u201c",
    "INV-1001&&Total>0",
    "INV-1001\nX",
    "INV-1001\n",
    "INV-1001%22",
    "INV-1001,INV-1002",
    "INV-1001" * 1250,
    "/Invoices/INV-1001",
    "INV-1001/OnlineInvoice",
    "../Contacts",
    "INV-\u0661\u0662\u0663",
    "ＩＮＶ-１００１",
    "",
    "INV-",
    "1001",
]

# By number: what is looked up, and of which list.
BY_NUMBER: dict[str, Callable[[Accounts, str], Awaitable[Any]]] = {
    "invoice": lambda a, n: a.invoice_by_number(n),
    "invoice_pdf": lambda a, n: a.invoice_pdf(n),
    "online_invoice_url": lambda a, n: a.online_invoice_url(n),
    "credit_note": lambda a, n: a.credit_note_by_number(n),
    "credit_note_pdf": lambda a, n: a.credit_note_pdf(n),
    "quote": lambda a, n: a.quote_by_number(n),
    "quote_pdf": lambda a, n: a.quote_pdf(n),
}


def filled(*contacts: UUID) -> Papers:
    """An invoice, a credit note and a quote of each contact, numbered from 1."""
    books = Papers()
    for n, contact in enumerate(contacts, 1):
        mine = papers.invoice(f"INV-{n}", contact)
        books.add(mine, papers.credit_note(f"CN-{n}", contact), papers.quote(f"QU-{n}", contact))
        books.add(papers.contact(contact))
        url = {"OnlineInvoiceUrl": f"https://in.xero.test/{n}"}
        path = f"/Invoices/{mine['InvoiceID']}/OnlineInvoice"
        books.single[path] = {"OnlineInvoices": [url]}
    return books


def number_for(what: str, n: int) -> str:
    prefix = {"credit_note": "CN", "quote": "QU"}.get(what.removesuffix("_pdf"), "INV")
    return f"{prefix}-{n}"


class TestByNumber:
    @pytest.mark.parametrize("what", BY_NUMBER)
    async def test_ones_own_document_is_found(self, what: str) -> None:
        assert await BY_NUMBER[what](filled(OWN).accounts(OWN), number_for(what, 1).lower())

    @pytest.mark.parametrize("what", BY_NUMBER)
    async def test_a_foreign_document_reads_like_a_missing_one_and_costs_the_same(
        self, what: str
    ) -> None:
        # 5.4 cases 3, 10
        books = filled(OWN, FOREIGN)
        accounts = books.accounts(OWN, SECOND)
        asked: dict[str, Any] = {}
        for n in (2, 999999):
            books.asked.clear()
            found = await BY_NUMBER[what](accounts, number_for(what, n))
            numberless = str(books.asked).replace(number_for(what, n), "")
            asked[number_for(what, n)] = (found, numberless)
        assert len({str(a) for a in asked.values()}) == 1
        assert all(found is None for found, _ in asked.values())

    @pytest.mark.parametrize("what", BY_NUMBER)
    async def test_a_foreign_document_that_xero_sends_all_the_same_is_an_alarm(
        self, what: str
    ) -> None:
        # 5.4 cases 6, 10
        books, alarms = filled(OWN, FOREIGN), list[str]()
        books.foolish = True
        accounts = Accounts(books, papers.scope(OWN), lambda: TODAY, alarms.append)
        with pytest.raises(ForeignDocument):
            await BY_NUMBER[what](accounts, number_for(what, 2))
        assert len(alarms) == 1

    @pytest.mark.parametrize("what", BY_NUMBER)
    async def test_the_documents_of_every_outlet_are_found_and_no_others(self, what: str) -> None:
        # 5.4 case 46; 25 of 4.2
        accounts = filled(OWN, SECOND, FOREIGN).accounts(OWN, SECOND)
        found = [await BY_NUMBER[what](accounts, number_for(what, n)) for n in (1, 2, 3)]
        assert [d is not None for d in found] == [True, True, False]

    @pytest.mark.parametrize("what", BY_NUMBER)
    @pytest.mark.parametrize("text", INJECTIONS)
    async def test_what_is_no_number_is_never_asked_for(self, what: str, text: str) -> None:
        # 5.4 cases 5, 12
        books = filled(OWN, FOREIGN)
        assert await BY_NUMBER[what](books.accounts(OWN), text) is None
        assert books.asked == []

    @pytest.mark.parametrize("what", BY_NUMBER)
    async def test_an_id_is_no_number(self, what: str) -> None:
        # 5.4 cases 4, 5
        books = filled(OWN, FOREIGN)
        ids = [i["InvoiceID"] for i in books.lists["Invoices"]]
        for text in (*ids, str(FOREIGN), f"/Invoices/{ids[1]}"):
            assert await BY_NUMBER[what](books.accounts(OWN), text) is None
        assert books.asked == []

    @pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "VOIDED", "DELETED", "NEWER"])
    @pytest.mark.parametrize("what", BY_NUMBER)
    async def test_what_the_office_has_not_sent_is_hidden(self, what: str, status: str) -> None:
        # 5.4 cases 9, 39
        books = filled(OWN)
        for documents in books.lists.values():
            for document in documents:
                document["Status"] = status
        assert await BY_NUMBER[what](books.accounts(OWN), number_for(what, 1)) is None
        assert all(path.count("/") == 1 for path in books.paths())

    async def test_a_document_that_was_read_is_printed_by_one_call_and_a_foreign_one_never(
        self,
    ) -> None:
        books = filled(OWN)
        accounts = books.accounts(OWN)
        [invoice], [note], [quote] = (
            await accounts.invoices(),
            await accounts.credit_notes(),
            await accounts.quotes(),
        )
        books.asked.clear()
        for document in (invoice, note, quote):
            assert await accounts.pdf_of(document) == books.file
        assert len(books.asked) == 3
        with pytest.raises(ForeignDocument):
            await books.accounts(SECOND).pdf_of(invoice)
        assert len(books.asked) == 3

    async def test_our_own_drafts_show_but_are_no_paper_yet(self) -> None:
        # 5.4 case 9
        books = Papers()
        books.add(
            papers.invoice("TRIA-000012", Status="DRAFT"),
            papers.quote("TRIA-000013", Status="DRAFT"),
        )
        accounts = books.accounts()
        assert await accounts.invoice_by_number("TRIA-000012")
        assert await accounts.quote_by_number("TRIA-000013")
        assert len(await accounts.quotes()) == 1
        assert await accounts.invoice_pdf("TRIA-000012") is None
        assert await accounts.online_invoice_url("TRIA-000012") is None
        assert await accounts.quote_pdf("TRIA-000013") is None

    async def test_a_bill_with_the_number_asked_for_is_hidden(self) -> None:
        # 5.4 case 8
        books = Papers()
        books.add(papers.invoice("INV-1", Type="ACCPAY"))
        assert await books.accounts().invoice_by_number("INV-1") is None

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=60))
    def test_only_plain_letters_and_digits_make_a_number(self, text: str) -> None:
        # 5.4 case 12
        found = number_of(text)
        assert found is None or (found.isascii() and found.replace("-", "").isalnum())

    @pytest.mark.parametrize(
        "url",
        [
            "http://in.xero.test/1",
            "javascript:alert(1)",
            "https://user@in.xero.test/1",
            "https://in.xero.test/1\r\nX: y",
            "https://in.xero.test/\u202e1",
            "https:///1",
            "",
        ],
    )
    async def test_an_address_that_is_not_plain_https_is_not_passed_on(self, url: str) -> None:
        books = filled(OWN)
        for answer in books.single.values():
            answer["OnlineInvoices"] = [{"OnlineInvoiceUrl": url}]
        assert await books.accounts(OWN).online_invoice_url("INV-1") is None

    async def test_a_lookup_is_never_answered_from_memory(self) -> None:
        books = filled(OWN)
        for what, look_up in BY_NUMBER.items():
            await look_up(books.accounts(OWN), number_for(what, 1))
        assert {keep for _, keep, _ in books.kept} == {0}


class TestContacts:
    async def test_contacts_in_use_are_told_by_name(self) -> None:
        books = Papers()
        books.add(papers.contact(OWN, Name="Zest"), papers.contact(SECOND, Name='Café 12" & 柔佛'))
        found = await books.accounts(OWN, SECOND).contacts()
        # 5.4 case 13
        assert [c.name for c in found] == ['Café 12" & 柔佛', "Zest"]
        assert books.asked[0][1]["includeArchived"] == "true"

    @pytest.mark.parametrize("status", ["ARCHIVED", "GDPRREQUEST"])
    async def test_a_contact_out_of_use_is_left_out_and_its_documents_stay(
        self, status: str
    ) -> None:
        # 5.4 case 40
        books = filled(OWN, SECOND)
        books.lists["Contacts"][0]["ContactStatus"] = status
        accounts = books.accounts(OWN, SECOND)
        assert [c.contact_id for c in await accounts.contacts()] == [SECOND]
        assert await accounts.email_on_file(OWN) is None
        assert len(await accounts.invoices()) == 2

    async def test_a_contact_merged_into_a_stranger_ends_the_answer(self) -> None:
        # 5.4 case 40: what was moved must not be missing without anybody knowing
        books = filled(OWN)
        books.lists["Contacts"][0] |= {
            "ContactStatus": "ARCHIVED",
            "MergedToContactID": str(FOREIGN),
        }
        accounts = books.accounts(OWN)
        with pytest.raises(ContactMerged):
            await accounts.contacts()
        with pytest.raises(BackendRejected):
            await accounts.statement(date(2026, 11, 1), TODAY)
        with pytest.raises(ContactMerged):
            await accounts.email_on_file(OWN)

    async def test_a_contact_merged_into_another_of_the_caller_is_left_out(self) -> None:
        # 5.4 case 40
        books = filled(OWN, SECOND)
        books.lists["Contacts"][0] |= {
            "ContactStatus": "ARCHIVED",
            "MergedToContactID": str(SECOND),
        }
        assert [c.contact_id for c in await books.accounts(OWN, SECOND).contacts()] == [SECOND]

    async def test_the_address_on_file_is_that_of_the_contact_and_asked_anew(self) -> None:
        books = filled(OWN)
        address = await books.accounts(OWN).email_on_file(OWN)
        assert address == "accounts@forno-rosso.tria.example"
        assert books.kept[-1][1] == 0

    async def test_the_address_of_somebody_else_is_not_asked_for(self) -> None:
        # 5.4 cases 10, 46
        books = filled(OWN, FOREIGN)
        assert await books.accounts(OWN).email_on_file(FOREIGN) is None
        assert books.asked == []

    async def test_an_address_that_is_empty_is_none(self) -> None:
        books = filled(OWN)
        books.lists["Contacts"][0]["EmailAddress"] = ""
        assert await books.accounts(OWN).email_on_file(OWN) is None

    @pytest.mark.parametrize(
        ("address", "shown"),
        [
            ("accounts@forno-rosso.tria.example", "ac***@forno-rosso.tria.example"),
            ("ab@x.tria.example", "a***@x.tria.example"),
            ("a@x.tria.example", "a***@x.tria.example"),
            ('"a@b"@x.tria.example', '"a***@x.tria.example'),
            ("\u202eaccounts@x.tria.example", "ac***@x.tria.example"),
            ("accounts", "***"),
            ("@x.tria.example", "***"),
            ("", "***"),
        ],
    )
    def test_an_address_is_shown_masked(self, address: str, shown: str) -> None:
        # 5.4 case 20
        assert masked(address) == shown

    @settings(max_examples=200, deadline=None)
    @given(st.from_regex(r"[a-z.]{3,30}", fullmatch=True))
    def test_no_name_can_be_read_off_a_masked_address(self, name: str) -> None:
        # 5.4 case 20
        assert masked(f"{name}@x.tria.example") == f"{name[:2]}***@x.tria.example"


class TestLists:
    async def test_lists_tell_what_is_visible_latest_first(self) -> None:
        # 5.4 cases 8, 9
        books = Papers()
        for n, status in enumerate(("PAID", "AUTHORISED", "DRAFT", "VOIDED", "DELETED", "SENT")):
            on = f"2026-11-0{n + 1}"
            books.add(
                papers.invoice(f"INV-{n}", Status=status, Date=on),
                papers.credit_note(f"CN-{n}", Status=status, Date=on),
                papers.quote(f"QU-{n}", Status=status, Date=on),
            )
        accounts = books.accounts()
        assert [i.invoice_number for i in await accounts.invoices()] == ["INV-1", "INV-0"]
        assert [c.credit_note_number for c in await accounts.credit_notes()] == ["CN-1", "CN-0"]
        assert [q.quote_number for q in await accounts.quotes()] == ["QU-5"]

    async def test_lists_may_be_a_minute_old_and_settings_a_day(self) -> None:
        books = filled(OWN)
        accounts = books.accounts(OWN)
        await accounts.invoices()
        await accounts.credit_notes()
        await accounts.quotes()
        await accounts.contacts()
        await accounts.organisation()
        await accounts.price_list()
        own, settings_ = (str(OWN),), ("settings",)
        assert books.kept == [
            ("/Invoices", 60, own),
            ("/CreditNotes", 60, own),
            ("/Quotes", 60, own),
            ("/Contacts", 60, own),
            ("/Organisation", 86400, settings_),
            ("/Items", 3600, settings_),
        ]

    async def test_what_is_asked_fresh_is_never_old(self) -> None:
        # 5.4 case 43 needs it
        books = filled(OWN)
        accounts = books.accounts(OWN)
        await accounts.price_list(fresh=True)
        await accounts.standing(fresh=True)
        await accounts.open_invoices(fresh=True)
        await accounts.quotes(fresh=True)
        assert {keep for _, keep, _ in books.kept} == {0}

    async def test_other_currencies_do_not_count_towards_what_was_bought(self) -> None:
        books = Papers()
        books.add(
            papers.invoice("INV-1"), papers.invoice("INV-2", CurrencyCode="USD", SubTotal=1e6)
        )
        standing = await books.accounts().standing()
        assert standing.average_order == Decimal(100)
        assert standing.completed_orders == 1

    async def test_payments_of_a_year_are_found_whenever_the_invoice_was_written(self) -> None:
        books = Papers()
        for number, paid_on in (("INV-1", "2025-01-10"), ("INV-2", "2026-11-10")):
            paid: papers.Json = {"Status": "PAID", "AmountDue": 0, "AmountPaid": 109}
            paid["FullyPaidOnDate"] = paid_on
            written = papers.invoice(number, Date="2024-12-01", **paid)
            books.add(written, papers.payment(written, 109, Date=paid_on))
        accounts = books.accounts()
        found = await accounts.payments()
        assert [p.invoice.invoice_number for p in found if p.invoice] == ["INV-2"]
        assert len(await accounts.payments(date(2025, 1, 1))) == 2

    async def test_a_late_payment_of_an_invoice_called_settled_before_is_found(self) -> None:
        paid: papers.Json = {"Status": "PAID", "AmountDue": 0, "AmountPaid": 109}
        paid |= {"FullyPaidOnDate": "2025-01-10", "Payments": [{"Amount": 9, "Date": "2026-11-10"}]}
        books = Papers()
        written = papers.invoice("INV-1", **paid)
        books.add(written, papers.payment(written, 9, Date="2026-11-10"))
        assert len(await books.accounts().payments()) == 1

    async def test_payments_of_one_invoice(self) -> None:
        books = filled(OWN, FOREIGN)
        mine, theirs = books.lists["Invoices"]
        books.add(papers.payment(mine, 2, Date="2026-11-12"), papers.payment(mine, 1))
        books.add(papers.payment(theirs, 3))
        accounts = books.accounts(OWN)
        [invoice] = await accounts.invoices()
        assert [p.amount for p in await accounts.payments_of(invoice)] == [1, 2]
        with pytest.raises(ForeignDocument):
            await accounts.payments_of(Invoice.model_validate(theirs))

    async def test_the_seller_and_its_tax_number(self) -> None:
        # 5.4 case 13 of 4.2
        books = Papers()
        seller = {"Name": "Tria", "LegalName": "Tria Packaging Pte Ltd", "TaxNumber": "M9-1"}
        books.single["/Organisation"] = {"Organisations": [seller]}
        found = await books.accounts().organisation()
        assert (found.name, found.legal_name, found.tax_number) == tuple(seller.values())

    async def test_a_price_of_four_decimals_makes_the_right_total(self) -> None:
        # 5.4 case 24
        books = Papers()
        code = "CNP-015-FB-01"
        item = {"Code": code, "SalesDetails": {"UnitPrice": Decimal("0.4875")}}
        books.single["/Items"] = {"Items": [item]}
        prices = {c: i.price for c, i in (await books.accounts().price_list()).items()}
        assert books.asked[-1][1]["unitdp"] == "4"
        order = price_order([a_line(code, 500)], prices, TODAY, ESTABLISHED)
        assert (order.subtotal, order.total) == (Decimal("243.75"), Decimal("265.69"))

    def test_tax_is_rounded_line_by_line(self) -> None:
        # 5.4 case 25
        codes = [p.code for p in load_catalogue().products if p.family != "liner"][:3]
        prices = dict(zip(codes, map(Decimal, ("3.45", "3.45", "3.60")), strict=True))
        order = price_order([a_line(c, 1) for c in codes], prices, TODAY, ESTABLISHED)
        assert order.subtotal * Decimal("1.09") == Decimal("11.4450")  # rounded at the end: 11.45
        assert (order.gst, order.total) == (Decimal("0.94"), Decimal("11.44"))

    @pytest.mark.parametrize("quantity", [0, -5, "1e12", "0.5", None])
    async def test_a_line_of_any_quantity_is_read_as_it_stands(self, quantity: Any) -> None:
        # 5.4 case 26: what an order may be is for ordering to say; reading shows what is booked
        books = Papers()
        line = {"ItemCode": "X", "Quantity": quantity, "UnitAmount": 1}
        books.add(papers.invoice("INV-1", LineItems=[line]))
        found = await books.accounts().invoice_by_number("INV-1")
        assert found
        expected = None if quantity is None else Decimal(quantity)
        assert found.line_items[0].quantity == expected

    @pytest.mark.parametrize("quantity", ["NaN", "five", "Infinity"])
    async def test_a_quantity_that_is_no_number_spoils_the_answer(self, quantity: str) -> None:
        # 5.4 case 26
        books = Papers()
        line = {"ItemCode": "X", "Quantity": quantity}
        books.add(papers.invoice("INV-1", LineItems=[line]))
        with pytest.raises(BackendRejected):
            await books.accounts().invoice_by_number("INV-1")


def a_line(code: str, pieces: int) -> OrderLine:
    return OrderLine(code, pieces, "as written", 1.0)


class TestAgainstTheSandbox:
    @pytest.mark.parametrize("who", demo_customers(), ids=lambda c: c.customer_id)
    async def test_open_invoices_are_the_customers_own_and_oldest_first(
        self, client: XeroClient, control: Control, who: DemoCustomer
    ) -> None:
        found = await accounts_of(client, who).open_invoices()
        booked = own_sales(control, who, "AUTHORISED")
        assert sorted(str(i.invoice_number) for i in found) == sorted(booked)
        assert [i.due_date for i in found] == sorted(i.due_date for i in found if i.due_date)
        assert all(i.amount_due > 0 for i in found)

    async def test_amounts_are_those_of_the_books_to_the_cent(
        self, accounts: Accounts, control: Control
    ) -> None:
        booked = {i["InvoiceNumber"]: i for i in control.sales(customer().contact_ids)}
        for invoice in await accounts.open_invoices():
            written = booked[str(invoice.invoice_number)]
            assert invoice.amount_due == Decimal(str(written["AmountDue"]))
            assert invoice.total == Decimal(str(written["Total"]))

    async def test_a_foreign_invoice_reads_like_a_missing_one_and_costs_the_same(
        self, accounts: Accounts, control: Control
    ) -> None:
        # 5.4 case 3
        foreign, calls = own_sales(control, OTHER, "AUTHORISED")[0], []
        for number in (foreign, "INV-999999"):
            before = control.calls("GET", "/Invoices")
            assert await accounts.invoice_by_number(number) is None
            assert await accounts.invoice_pdf(number) is None
            assert await accounts.online_invoice_url(number) is None
            calls.append(control.calls("GET", "/Invoices") - before)
        assert calls == [3, 3]

    async def test_bills_and_drafts_of_the_office_are_hidden(
        self, client: XeroClient, control: Control
    ) -> None:
        # 5.4 cases 8, 9
        accounts = accounts_of(client, SUPPLIER)
        hidden = [
            i["InvoiceNumber"]
            for i in control.invoices(contact_id=SUPPLIER.contact_ids[0])
            if i["Type"] == "ACCPAY" or i["Status"] == "VOIDED"
        ]
        hidden += [n for c in demo_customers() for n in own_sales(control, c, "DRAFT")]
        assert hidden
        for number in hidden:
            assert await accounts.invoice_by_number(number) is None

    @pytest.mark.parametrize("read", ["open_invoices", "invoices", "standing", "payments"])
    async def test_a_filter_that_xero_ignores_lets_nothing_foreign_through(
        self, client: XeroClient, control: Control, read: str
    ) -> None:
        # 5.4 case 6
        alarms: list[str] = []
        control.fault("GET /Invoices", "ignore_filters")
        with pytest.raises(ForeignDocument):
            await getattr(accounts_of(client, customer(), alarms.append), read)()
        assert alarms == ["foreign invoice"]

    @pytest.mark.parametrize(
        ("path", "read"),
        [
            ("/CreditNotes", "credit_notes"),
            ("/Quotes", "quotes"),
            ("/Payments", "payments"),
            ("/Contacts", "contacts"),
        ],
    )
    async def test_the_same_holds_for_every_kind_of_document(
        self, client: XeroClient, control: Control, path: str, read: str
    ) -> None:
        # 5.4 cases 6, 7, 10
        alarms: list[str] = []
        control.fault(f"GET {path}", "ignore_filters")
        with pytest.raises(ForeignDocument):
            await getattr(accounts_of(client, customer(), alarms.append), read)()
        assert len(alarms) == 1

    @pytest.mark.parametrize("path", ["/Overpayments", "/Prepayments", "/CreditNotes", "/Payments"])
    async def test_nothing_foreign_gets_into_a_statement(
        self, client: XeroClient, control: Control, path: str
    ) -> None:
        # 5.4 cases 6, 10
        today = now().date()
        # Other reads of the last statement may still be under way: one fault is not enough.
        control.fault(f"GET {path}", "ignore_filters", times=30)
        with pytest.raises(ForeignDocument):
            await accounts_of(client, OTHER).statement(today - timedelta(days=600), today)

    async def test_payments_come_latest_first(self, accounts: Accounts, control: Control) -> None:
        payments = await accounts.payments()
        days = [p.date for p in payments if p.date]
        assert days == sorted(days, reverse=True)
        assert days[-1] >= now().date() - timedelta(days=365)
        own = {UUID(i["InvoiceID"]) for i in control.sales(customer().contact_ids)}
        assert {p.invoice.invoice_id for p in payments if p.invoice} <= own

    async def test_a_franchisee_sees_the_documents_of_all_outlets(
        self, client: XeroClient, control: Control
    ) -> None:
        # 5.4 case 46
        both = await accounts_of(client, FRANCHISEE).invoices()
        assert {str(i.contact.contact_id) for i in both} == set(FRANCHISEE.contact_ids)
        east, _ = FRANCHISEE.contact_ids
        one = Accounts(client, scope_of("x", [east], ["owner"]), lambda: now().date())
        for invoice in both[:10]:
            found = await one.invoice_by_number(str(invoice.invoice_number))
            assert (found is not None) == (str(invoice.contact.contact_id) == east)

    async def test_a_caller_without_contacts_sees_nothing(
        self, client: XeroClient, control: Control
    ) -> None:
        nobody = Accounts(client, scope_of("nobody", [], []), lambda: now().date())
        before = control.calls("GET", "/Invoices")
        assert await nobody.open_invoices() == []
        assert await nobody.payments() == []
        assert await nobody.invoice_by_number("INV-1001") is None
        assert control.calls("GET", "/Invoices") == before

    async def test_papers_and_links_of_ones_own_documents(
        self, client: XeroClient, control: Control
    ) -> None:
        paid = own_sales(control, SUPPLIER, "PAID")[0]
        accounts = accounts_of(client, SUPPLIER)
        assert (await accounts.invoice_pdf(paid) or b"").startswith(b"%PDF")
        assert (await accounts.online_invoice_url(paid) or "").startswith("https://")
        quote = next(q for q in await accounts.quotes() if q.status == "SENT")
        assert (await accounts.quote_pdf(str(quote.quote_number)) or b"").startswith(b"%PDF")

    # The sandbox's own tests write to the books of the first customer.
    @pytest.mark.parametrize("who", demo_customers()[1:], ids=lambda c: c.customer_id)
    async def test_the_standing_follows_from_the_books(
        self, client: XeroClient, who: DemoCustomer
    ) -> None:
        standing = await accounts_of(client, who).standing()
        assert standing.segment == who.segment
        assert standing.on_hold == (who.segment == "on hold")
        assert (standing.completed_orders < 3) == (who.segment == "new")

    async def test_prices_are_exact(self, accounts: Accounts) -> None:
        listed = await accounts.price_list()
        assert listed["CNP-015-FB-01"].price == Decimal("0.65")
        assert listed["CUT-W"].on_hand == 0

    async def test_past_orders_are_the_callers_own_and_the_latest_first(
        self, accounts: Accounts
    ) -> None:
        past = await accounts.past_orders()
        days = [i.date for i in past if i.date]
        assert days == sorted(days, reverse=True)
        assert all(any(line.item_code for line in i.line_items) for i in past)

    async def test_the_sales_tax_is_found_by_its_rate(self, accounts: Accounts) -> None:
        assert await accounts.sales_tax(Decimal(9)) == "OUTPUTY24"
        with pytest.raises(BackendRejected):
            await accounts.sales_tax(Decimal(42))

    async def test_the_organisation_is_the_demo_company(self, accounts: Accounts) -> None:
        found = await accounts.organisation()
        assert found.legal_name
        assert found.tax_number

    @pytest.mark.parametrize("mode", ["extra_field", "new_status"])
    async def test_what_xero_adds_does_not_break_a_list(
        self, accounts: Accounts, control: Control, mode: str
    ) -> None:
        # 5.4 case 39
        control.fault("GET /Invoices", mode)
        await accounts.invoices()

    async def test_addresses_come_from_the_books(self, accounts: Accounts) -> None:
        [contact] = await accounts.contacts()
        assert await accounts.email_on_file(contact.contact_id) == customer().email

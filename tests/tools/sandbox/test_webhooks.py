"""Deliveries to a listener that really listens, as a thread of this process."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from typing_extensions import override

from tests.tools.sandbox.conftest import Json, Xero, a_number, an_invoice
from tools.sandbox.company import company

KEY = "c2VjcmV0IG9mIHRoZSB3ZWJob29rcw=="
TENANT = company()["organisation"]["tenant_id"]


@dataclass
class Heard:
    """What arrived: the body, and whether its signature is right for KEY or for KEY decoded."""

    bodies: list[Json] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    answer: int | None = None  # instead of 200 or 401 by the signature
    says: bytes = b""

    @property
    def events(self) -> list[tuple[str, str, str]]:
        return [
            (e["eventCategory"], e["eventType"], e["resourceId"])
            for body in self.bodies
            for e in body["events"]
        ]


def judged(body: bytes, signature: str | None) -> str:
    for name, key in (("good", KEY.encode()), ("key_decoded", base64.b64decode(KEY))):
        if signature == base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode():
            return name
    return "wrong" if signature else "missing"


@pytest.fixture
def heard() -> Iterator[tuple[str, Heard]]:
    """The address of a listener, and what it has heard."""
    heard = Heard()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.bodies.append(json.loads(body))
            heard.signatures.append(judged(body, self.headers["x-xero-signature"]))
            status = 200 if heard.signatures[-1] == "good" else 401
            self.send_response(heard.answer or status)
            self.send_header("Content-Length", str(len(heard.says)))
            self.end_headers()
            self.wfile.write(heard.says)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/xero/webhooks", heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def listening(xero: Xero, heard: tuple[str, Heard]) -> Heard:
    url, found = heard
    xero.control("/webhooks", url=url, key=KEY)
    return found


def log(xero: Xero) -> list[Json]:
    """What was delivered, once all of it has arrived."""
    found: list[Json] = xero.http.get("/control/webhooks/log").json()
    return found


def test_a_new_and_a_changed_invoice(xero: Xero, listening: Heard) -> None:
    invoice = xero.create()
    xero.update(invoice, Reference="PO 7")
    log(xero)

    assert listening.events == [
        ("INVOICE", "CREATE", invoice["InvoiceID"]),
        ("INVOICE", "UPDATE", invoice["InvoiceID"]),
    ]
    assert set(listening.signatures) == {"good"}
    [event] = listening.bodies[0]["events"]
    assert (event["tenantId"], event["tenantType"]) == (TENANT, "ORGANISATION")
    assert event["resourceUrl"].endswith(f"/api.xro/2.0/Invoices/{invoice['InvoiceID']}")
    assert listening.bodies[0]["firstEventSequence"] < listening.bodies[1]["firstEventSequence"]


def test_a_payment_changes_its_invoice(xero: Xero, listening: Heard) -> None:
    invoice = xero.create(Status="AUTHORISED")
    xero.control("/payments", invoice_number=invoice["InvoiceNumber"], amount=5)
    log(xero)

    assert listening.events[1:] == [("INVOICE", "UPDATE", invoice["InvoiceID"])]


def test_a_contact_and_a_credit_note(xero: Xero, office: Xero, listening: Heard) -> None:
    named = {"Name": f"C {a_number()}"}
    contact = office.send("PUT", "/Contacts", named).json()["Contacts"][0]
    sent = an_invoice(Type="ACCRECCREDIT")
    credit = xero.send("PUT", "/CreditNotes", sent).json()["CreditNotes"][0]
    log(xero)

    assert listening.events == [
        ("CONTACT", "CREATE", contact["ContactID"]),
        ("CREDITNOTE", "CREATE", credit["CreditNoteID"]),
    ]
    [event] = listening.bodies[1]["events"]
    assert event["data"] == {"Type": "ACCRECCREDIT", "Status": "DRAFT"}


def test_what_was_refused_or_replayed_is_not_told(xero: Xero, listening: Heard) -> None:
    key = {"Idempotency-Key": a_number()}
    for body in (an_invoice(Type="BOGUS"), an_invoice(), an_invoice()):
        xero.send("PUT", "/Invoices", body, headers=key if "Type" not in body else {})
    xero.send("PUT", "/Invoices", an_invoice(Type="BOGUS"))
    first = xero.send("PUT", "/Invoices", an_invoice(), headers=key)
    again = xero.send("PUT", "/Invoices", an_invoice(), headers=key)
    log(xero)

    assert again.content == first.content
    told = [e for e in listening.events if e[2] == first.json()["Invoices"][0]["InvoiceID"]]
    assert len(told) == 1


def test_nobody_hears_what_happened_before_listening(xero: Xero, heard: tuple[str, Heard]) -> None:
    xero.create()
    xero.control("/webhooks", url=heard[0], key=KEY)
    log(xero)

    assert heard[1].bodies == []


def test_a_log_of_deliveries(xero: Xero, listening: Heard) -> None:
    listening.answer, listening.says = 500, b"oops"
    xero.create()
    [*_, last] = log(xero)

    assert (last["status"], last["answered_with_body"]) == (500, True)
    assert last["signature"] == "good"


def test_a_listener_that_is_gone(xero: Xero) -> None:
    xero.control("/webhooks", url="http://127.0.0.1:9/", key=KEY)
    invoice = xero.create()
    [*_, last] = log(xero)

    assert (last["status"], last["error"]) == (None, "ConnectError")
    assert last["body"]["events"][0]["resourceId"] == invoice["InvoiceID"]


def test_events_by_hand(xero: Xero, listening: Heard) -> None:
    late = {"resource_id": "r1", "at": "2026-03-02T10:00:00+08:00"}
    early = {"resource_id": "r1", "type": "CREATE", "at": "2026-03-01T10:00:00+08:00"}
    foreign = {"category": "CONTACT", "tenant_id": "another"}
    sent = xero.control("/webhooks/send", events=[late, early, foreign], times=2, first_sequence=7)

    assert [d["status"] for d in sent] == [200, 200]
    assert listening.bodies[0] == listening.bodies[1]
    body = listening.bodies[0]
    assert (body["firstEventSequence"], body["lastEventSequence"]) == (7, 9)
    assert body["events"][0]["eventDateUtc"] == "2026-03-02T02:00:00.000"
    assert body["events"][2]["tenantId"] == "another"


@pytest.mark.parametrize("signature", ["wrong", "missing", "key_decoded"])
def test_signatures_that_must_be_refused(xero: Xero, listening: Heard, signature: str) -> None:
    [sent] = xero.control("/webhooks/send", events=[{}], signature=signature)

    assert (sent["status"], listening.signatures) == (401, [signature])


def test_the_intent_to_receive(xero: Xero, listening: Heard) -> None:
    assert xero.control("/webhooks/intent")["passed"] is True
    assert {json.dumps(body["events"]) for body in listening.bodies} == {"[]"}
    assert {body["firstEventSequence"] for body in listening.bodies} == {0}
    assert {"good", "wrong"} <= set(listening.signatures)


@pytest.mark.parametrize("fault", [{"answer": 200}, {"says": b"hello"}])
def test_an_intent_that_fails(xero: Xero, listening: Heard, fault: Json) -> None:
    for name, value in fault.items():
        setattr(listening, name, value)

    assert xero.control("/webhooks/intent")["passed"] is False


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/hooks",
        "http://10.0.0.1/hooks",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "http://127.0.0.1:99999/",
        "ftp://127.0.0.1/",
        "nonsense",
    ],
)
def test_only_this_machine_is_told(http: httpx.Client, address: str) -> None:
    answer = http.post("/control/webhooks", json={"url": address, "key": KEY})

    assert answer.status_code == 400


def test_nothing_is_sent_to_nobody(http: httpx.Client) -> None:
    http.post("/control/webhooks", json={"url": None})

    assert http.post("/control/webhooks/intent").status_code == 409
    assert http.post("/control/webhooks", json={"url": "http://127.0.0.1:1/"}).status_code == 400

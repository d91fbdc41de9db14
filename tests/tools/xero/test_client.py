import asyncio
import json
import time
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from graph.clients import now
from graph.settings import Settings
from graph.xero import XeroParts, make_xero
from tests.conftest import customer
from tests.tools.conftest import Control
from tests.tools.xero.conftest import Scene
from tests.tools.xero.scripted import (
    CUT,
    CUT_BY_RESET,
    DROPPED,
    ENDLESS,
    HALF_READ,
    HANGING,
    HANGING_HALFWAY,
    JSON,
    NO_HEADERS,
    NO_HTTP,
    RESET,
    Answer,
    Broken,
    Obstacle,
    Reply,
    Scripted,
    limited,
    no_connection_is_free,
    nobody_accepts,
    nobody_listens,
)
from tools.database import Pool, fetch_one
from tools.embedded.process import free_port
from tools.errors import BackendRejected, BackendUnavailable, FailedAfterSending, OutcomeUnknown
from tools.xero import exchange
from tools.xero.client import READS, XeroClient
from tools.xero.exchange import ACCOUNTING, make_http
from tools.xero.limits import Busy, DaySpent

REFUSED = {
    "ErrorNumber": 10,
    "Type": "ValidationException",
    "Message": "A validation exception occurred",
    "Elements": [
        {
            "LineItems": [{"ValidationErrors": [{"Message": "No such account"}]}],
            "ValidationErrors": [{"Message": "A contact is needed"}, {"Message": "A line too"}],
            "Warnings": [{"Message": "The number is unusual"}],
        }
    ],
}
BOTH = ("No such account", "A contact is needed", "A line too", "The number is unusual")
GARBAGE = {
    "html": Reply(200, b"<html>maintenance</html>", {"Content-Type": "text/html"}),
    "cut short": Reply(200, b'{"Invoices": [{"Inv'),
    "empty": Reply(200, b""),
    "a list": Reply(200, b"[]"),
    "no type": Reply(200, b"{}", {}),
    "a redirect": Reply(302, b"", {"Location": "https://elsewhere.test"}),
}
LOST = {
    "dropped": DROPPED,
    "reset": RESET,
    "cut": CUT,
    "cut by a reset": CUT_BY_RESET,
    "late": HANGING,
    "late halfway": HANGING_HALFWAY,
    "no http": NO_HTTP,
    "no headers": NO_HEADERS,
}
UNSENT = {
    "no server": nobody_listens,
    "no way": nobody_accepts,
    "no connection free": no_connection_is_free,
}


def an_invoice(number: str) -> bytes:
    """The exact bytes of a draft for the first demo customer."""
    line = {"ItemCode": "CNP-014-FB-01", "Quantity": 100, "UnitAmount": 0.45, "Description": "box"}
    document = {
        "Type": "ACCREC",
        "Contact": {"ContactID": customer().contact_ids[0]},
        "InvoiceNumber": number,
        "Date": now().date().isoformat(),
        "LineItems": [line],
    }
    return json.dumps({"Invoices": [document]}).encode()


def a_number() -> str:
    return f"TRIA-9{uuid4().int % 10**8:08}"


async def write(client: XeroClient, number: str = "TRIA-000001") -> dict[str, Any]:
    return await client.put("/Invoices", an_invoice(number), f"key-{number}")


def written(control: Control, number: str) -> int:
    return sum(i["InvoiceNumber"] == number for i in control.invoices())


class TestReads:
    @pytest.mark.parametrize("mode", ["unavailable", "html_error", "drop_after_commit"])
    async def test_that_fail_once_are_tried_again(
        self, client: XeroClient, control: Control, mode: str
    ) -> None:
        control.fault("GET /Items", mode)
        assert (await client.get("/Items"))["Items"]
        assert client.is_up

    @pytest.mark.parametrize("mode", ["unavailable", "html_error", "drop_after_commit"])
    async def test_are_given_up_after_their_tries(
        self, client: XeroClient, control: Control, mode: str
    ) -> None:
        before = control.calls("GET", "/Items")
        control.fault("GET /Items", mode, times=READS)
        with pytest.raises(BackendUnavailable):
            await client.get("/Items")
        assert control.calls("GET", "/Items") == before + READS
        assert not client.is_up
        await client.get("/Items")
        assert client.is_up

    async def test_wait_as_long_as_a_busy_xero_asks(
        self, client: XeroClient, control: Control
    ) -> None:
        control.fault("GET /Items", "rate_limit")
        started = time.monotonic()
        assert (await client.get("/Items"))["Items"]
        assert 1.9 < time.monotonic() - started < 6

    async def test_that_are_refused_are_not_repeated(
        self, client: XeroClient, control: Control
    ) -> None:
        path = f"/Invoices/{uuid4()}"
        with pytest.raises(BackendRejected):
            await client.get(path)
        assert control.calls("GET", path) == 1

    @pytest.mark.parametrize("answer", [DROPPED, Reply(502), Reply(504)])
    async def test_are_repeated_where_that_is_safe(self, scene: Scene, answer: Answer) -> None:
        script = Scripted(answer, Reply())
        assert await scene(script).client.get("/Invoices") == {"Invoices": []}
        assert len(script.requests) == 2

    @pytest.mark.parametrize("obstacle", UNSENT.values(), ids=UNSENT)
    async def test_that_were_not_sent_are_sent_later(
        self, scene: Scene, hasty: httpx.AsyncClient, obstacle: Obstacle
    ) -> None:
        script = Scripted()
        client, attempts = scene(script, by=hasty).client, 0
        await client.get("/Items")
        async with AsyncExitStack() as way:
            await way.enter_async_context(obstacle(script, hasty))

            async def clear_the_way(_: httpx.Request) -> None:
                nonlocal attempts
                attempts += 1
                if attempts == 2:
                    await way.aclose()

            hasty.event_hooks = {"request": [clear_the_way]}
            assert await client.get("/Invoices") == {"Invoices": []}
        assert attempts == 2
        assert len(script.requests) == 2

    @pytest.mark.parametrize("answer", [Reply(500), HANGING, GARBAGE["html"]])
    async def test_are_not_repeated_where_it_is_of_no_use(
        self, scene: Scene, hasty: httpx.AsyncClient, answer: Answer
    ) -> None:
        script = Scripted(answer)
        with pytest.raises(BackendUnavailable):
            await scene(script, by=hasty).client.get("/Invoices")
        assert len(script.requests) == 1

    # 5.4 case 39
    @pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
    async def test_of_garbage_are_unavailable(self, scene: Scene, answer: Reply) -> None:
        parts = scene(Scripted(answer))
        with pytest.raises(BackendUnavailable):
            await parts.client.get("/Invoices")

    @pytest.mark.parametrize("answer", [HANGING, ENDLESS], ids=["hanging", "endless"])
    async def test_that_hang_end_in_time(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, answer: Broken
    ) -> None:
        monkeypatch.setattr(exchange, "EXCHANGE_SECONDS", 0.3)
        script, started = Scripted(answer), time.monotonic()
        with pytest.raises(BackendUnavailable):
            await scene(script).client.get("/Invoices")
        assert time.monotonic() - started < 5
        assert len(script.requests) == 1

    async def test_whose_answer_has_no_end_are_cut(self, scene: Scene) -> None:
        script = Scripted(Reply(200, b" " * (20 * 2**20 + 1)))
        with pytest.raises(BackendUnavailable):
            await scene(script).client.get("/Invoices")
        assert len(script.requests) == 1

    async def test_ask_for_four_decimals_where_xero_has_them(self, scene: Scene) -> None:
        script = Scripted()
        client = scene(script).client
        for path in ("/Items", f"/Invoices/{uuid4()}", "/Quotes", "/Contacts", "/Payments"):
            await client.get(path)
        assert [r.url.params.get("unitdp") for r in script.requests] == ["4", "4", None, None, None]

    async def test_of_what_has_changed_since_leave_room_for_clocks(self, scene: Scene) -> None:
        script = Scripted()
        since = datetime.fromisoformat("2026-11-23T18:00:00+08:00")
        await scene(script).client.get("/Invoices", modified_since=since)
        assert script.requests[0].headers["If-Modified-Since"] == "2026-11-23T09:55:00Z"
        nowhere = since.replace(tzinfo=None)
        with pytest.raises(ValueError, match="time zone"):
            await scene(script).client.get("/Invoices", modified_since=nowhere)


class TestWrites:
    @pytest.mark.parametrize("mode", ["drop_after_commit", "error_after_commit"])
    async def test_whose_answer_is_lost_are_unknown_and_sent_once(
        self, client: XeroClient, control: Control, mode: str
    ) -> None:
        number, before = a_number(), control.calls("PUT", "/Invoices")
        control.fault("PUT /Invoices", mode)
        with pytest.raises(OutcomeUnknown):
            await write(client, number)
        assert control.calls("PUT", "/Invoices") == before + 1
        assert written(control, number) == 1

    async def test_that_a_proxy_answers_are_unknown(
        self, client: XeroClient, control: Control
    ) -> None:
        number = a_number()
        control.fault("PUT /Invoices", "html_error")
        with pytest.raises(FailedAfterSending):
            await write(client, number)
        assert written(control, number) == 0

    async def test_that_a_busy_xero_turns_away_may_be_sent_again(
        self, client: XeroClient, control: Control
    ) -> None:
        number = a_number()
        control.fault("PUT /Invoices", "rate_limit")
        with pytest.raises(BackendUnavailable):
            await write(client, number)
        await write(client, number)
        assert written(control, number) == 1

    async def test_that_are_refused_tell_why(self, client: XeroClient) -> None:
        with pytest.raises(BackendRejected, match=r"PUT /Invoices: .+") as caught:
            await client.put("/Invoices", b'{"Invoices":[{"Type":"ACCREC"}]}', f"key-{uuid4()}")
        assert len(caught.value.messages) > 1

    @pytest.mark.parametrize("answer", [*LOST.values(), *GARBAGE.values()], ids=[*LOST, *GARBAGE])
    async def test_are_never_repeated(
        self, scene: Scene, hasty: httpx.AsyncClient, answer: Answer
    ) -> None:
        script = Scripted(answer)
        with pytest.raises(OutcomeUnknown):
            await write(scene(script, by=hasty).client)
        assert len(script.requests) == 1

    async def test_that_break_off_are_never_repeated(self, scene: Scene) -> None:
        script = Scripted(HALF_READ)
        with pytest.raises(OutcomeUnknown):
            await scene(script).client.put("/Invoices", b" " * 2**23, "key")
        assert len(script.requests) == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    async def test_answered_with_a_failure_are_unknown_for_long(
        self, scene: Scene, status: int
    ) -> None:
        script = Scripted(Reply(status))
        with pytest.raises(FailedAfterSending):
            await write(scene(script).client)
        assert len(script.requests) == 1

    @pytest.mark.parametrize("obstacle", UNSENT.values(), ids=UNSENT)
    async def test_that_were_not_sent_did_nothing(
        self, scene: Scene, hasty: httpx.AsyncClient, obstacle: Obstacle
    ) -> None:
        script = Scripted()
        client = scene(script, by=hasty).client
        await client.get("/Items")
        async with obstacle(script, hasty):
            with pytest.raises(BackendUnavailable, match="nothing was sent"):
                await write(client)
        assert len(script.requests) == 1

    @pytest.mark.parametrize("problem", ["concurrent", "minute", "day"])
    async def test_turned_away_are_not_repeated(self, scene: Scene, problem: str) -> None:
        script = Scripted(limited(problem, "1"))
        with pytest.raises(BackendUnavailable):
            await write(scene(script).client)
        assert len(script.requests) == 1

    async def test_refused_before_anything_was_done_are_sent_again(
        self, scene: Scene, pool: Pool
    ) -> None:
        script = Scripted(Reply(), Reply(401, b"{}"), Reply())
        parts = scene(script)
        await parts.client.get("/Items")
        await age(pool, parts)
        await write(parts.client)
        assert len(script.requests) == 3
        assert len(script.token_requests) == 2
        first, second = script.requests[1:]
        assert (first.content, first.headers["Idempotency-Key"]) == (
            second.content,
            second.headers["Idempotency-Key"],
        )

    async def test_refused_twice_did_nothing(self, scene: Scene) -> None:
        script = Scripted(Reply(401, b"{}"))
        with pytest.raises(BackendUnavailable, match="access token"):
            await write(scene(script).client)
        assert len(script.requests) == 2

    @pytest.mark.parametrize("status", [400, 200])
    async def test_tell_every_reason_they_were_refused_for(self, scene: Scene, status: int) -> None:
        body = {"Invoices": REFUSED["Elements"]} if status == 200 else REFUSED
        script = Scripted(Reply(status, json.dumps(body).encode()))
        with pytest.raises(BackendRejected) as caught:
            await write(scene(script).client)
        assert caught.value.messages == BOTH

    # 5.4 case 33
    @pytest.mark.parametrize(
        "element", [{"HasErrors": True}, {"StatusAttributeString": "ERROR"}], ids=str
    )
    async def test_marked_as_refused_within_a_200_are_refused(
        self, scene: Scene, element: dict[str, Any]
    ) -> None:
        script = Scripted(Reply(200, json.dumps({"Invoices": [element]}).encode()))
        with pytest.raises(BackendRejected):
            await write(scene(script).client)

    # 5.4 case 39
    @pytest.mark.parametrize(
        ("body", "messages"),
        [
            (b'{"Message": "The key was used for another request"}', 1),
            (b'{"Title": "Forbidden", "Detail": "insufficient_scope"}', 1),
            (b"not found", 0),
            (b'{"Elements": "x"}', 0),
            (b'[{"ValidationErrors": [7, {"Message": "x"}]}]', 1),
        ],
    )
    async def test_may_be_refused_in_any_shape(
        self, scene: Scene, body: bytes, messages: int
    ) -> None:
        with pytest.raises(BackendRejected) as caught:
            await write(scene(Scripted(Reply(403, body))).client)
        assert len(caught.value.messages) == messages

    async def test_without_a_document_to_show_are_a_success(self, scene: Scene) -> None:
        script = Scripted(Reply(204, b"", {}))
        path = f"/Invoices/{uuid4()}/Email"
        assert await scene(script).client.post(path, b"{}", "key") == {}

    async def test_carry_what_the_operation_knows(self, scene: Scene) -> None:
        script, some = Scripted(), uuid4()
        client = scene(script).client
        await client.put("/Invoices", b"{}", "key")
        await client.post(f"/Invoices/{some}", b"{}", "key")
        await client.put("/Quotes", b"{}", "key")
        await client.put(f"/Invoices/{some}/History", b"{}", None)
        await client.put(f"/CreditNotes/{some}/Allocations", b"{}", "key")
        assert [dict(r.url.params) for r in script.requests] == [
            {"unitdp": "4", "summarizeErrors": "true"},
            {"unitdp": "4"},
            {"summarizeErrors": "true"},
            {},
            {"summarizeErrors": "true"},
        ]
        assert "Idempotency-Key" not in script.requests[3].headers
        await client.delete(f"/Invoices/{some}", key="key")
        assert script.requests[-1].method == "DELETE"

    @pytest.mark.parametrize("key", ["", "k" * 129])
    async def test_have_a_key_that_xero_takes(self, scene: Scene, key: str) -> None:
        script = Scripted()
        with pytest.raises(ValueError, match="idempotency key"):
            await scene(script).client.put("/Invoices", b"{}", key)
        assert not script.requests


class TestLimits:
    # 5.4 case 34
    @pytest.mark.parametrize("problem", ["minute", "concurrent", "appminute"])
    async def test_a_short_wait_is_waited(self, scene: Scene, problem: str) -> None:
        script = Scripted(limited(problem, "1"), Reply())
        started = time.monotonic()
        await scene(script).client.get("/Invoices")
        assert 0.9 < time.monotonic() - started < 3
        assert len(script.requests) == 2

    # 5.4 case 34
    async def test_a_long_wait_is_not(self, scene: Scene) -> None:
        script = Scripted(limited("minute", "40"))
        parts = scene(script)
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(Busy):
                await parts.client.get("/Invoices")
        assert time.monotonic() - started < 1
        assert len(script.requests) == 1, "the second one knows"

    # 5.4 case 34
    async def test_a_spent_day_keeps_every_process_away(self, scene: Scene) -> None:
        script = Scripted(limited("day", "66975"), Reply())
        first, second = scene(script), scene(script)
        for parts in (first, second, first):
            with pytest.raises(DaySpent):
                await parts.client.get("/Invoices")
        assert len(script.requests) == 1
        assert not first.client.is_up
        assert (await second.status.read()).limits.rests_until is not None

    # 5.4 case 48
    async def test_background_work_stops_and_the_chat_goes_on(self, scene: Scene) -> None:
        script = Scripted(Reply(200, b"{}", {**JSON, "X-DayLimit-Remaining": "900"}))
        client = scene(script, xero_day_limit=5000).client
        await client.get("/Invoices")
        with pytest.raises(DaySpent):
            await client.for_background().get("/Invoices")
        await client.get("/Invoices")
        assert len(script.requests) == 2

    async def test_many_reads_at_once_stay_within_them(self, client: XeroClient) -> None:
        answers = await asyncio.gather(*(client.get("/Items") for _ in range(24)))
        assert all(answer["Items"] for answer in answers)


class TestBreaker:
    async def test_a_xero_that_keeps_failing_is_left_alone(self, scene: Scene) -> None:
        script = Scripted(Reply(500))
        parts = scene(script)
        for _ in range(7):
            with pytest.raises(BackendUnavailable):
                await parts.client.get("/Invoices")
        assert len(script.requests) == 5
        with pytest.raises(BackendUnavailable, match="left alone"):
            await write(parts.client)
        assert (await scene(script).status.read()).breaker == "open", "all replicas see it"

    async def test_refusals_and_limits_are_not_its_fault(self, scene: Scene) -> None:
        script = Scripted(
            *[Reply(404)] * 4, *[limited("concurrent", "11")] * 4, *[Reply(400)] * 4, Reply()
        )
        client = scene(script).client
        for _ in range(12):
            with pytest.raises((BackendRejected, Busy)):
                await client.get("/Invoices")
        await client.get("/Invoices")

    async def test_lost_writes_count(self, scene: Scene) -> None:
        script = Scripted(DROPPED)
        client = scene(script).client
        for _ in range(5):
            with pytest.raises(OutcomeUnknown):
                await write(client)
        with pytest.raises(BackendUnavailable):
            await write(client)
        assert len(script.requests) == 5


class TestKeptAnswers:
    async def test_cost_no_call(self, scene: Scene) -> None:
        script = Scripted()
        first, second = scene(script), scene(script)
        for parts in (first, second, first):
            await parts.client.get("/Items", keep_seconds=60, tags=["settings"])
        assert len(script.requests) == 1

    async def test_are_not_what_others_get(self, scene: Scene) -> None:
        script = Scripted()
        client = scene(script).client
        await client.get("/Items", keep_seconds=60)
        await client.get("/Items")
        await client.get("/Items", {"order": "Code"}, keep_seconds=60)
        await scene(script, xero_tenant_id=str(uuid4())).client.get("/Items", keep_seconds=60)
        assert len(script.requests) == 4

    async def test_are_forgotten_by_a_write(self, scene: Scene) -> None:
        script, contact = Scripted(), str(uuid4())
        reader, writer = scene(script), scene(script)
        await reader.client.get("/Invoices", keep_seconds=60, tags=[contact])
        await writer.client.put("/Invoices", b"{}", "key", tags=[contact])
        await reader.client.get("/Invoices", keep_seconds=60, tags=[contact])
        assert len(script.requests) == 3
        assert await writer.client.forget(contact)
        await reader.client.get("/Invoices", keep_seconds=60, tags=[contact])
        assert len(script.requests) == 4

    async def test_keep_amounts_exact(self, scene: Scene) -> None:
        script = Scripted(Reply(200, b'{"Items":[{"Price":0.4875,"Name":"\\u30d4\\u30b6"}]}'))
        client = scene(script).client
        first = await client.get("/Items", keep_seconds=60)
        assert await client.get("/Items", keep_seconds=60) == first
        assert str(first["Items"][0]["Price"]) == "0.4875"

    async def test_are_not_kept_without_redis(self, scene: Scene) -> None:
        script = Scripted()
        client = scene(script, without_redis=True).client
        for _ in range(2):
            await client.get("/Items", keep_seconds=60)
        assert len(script.requests) == 2
        assert not await client.forget("settings")


class TestFiles:
    async def test_come_in_pieces(self, scene: Scene) -> None:
        body = b"%PDF-1.7" + b"x" * 200_000
        script = Scripted(Reply(200, body, {"Content-Type": "application/pdf"}))
        async with scene(script).client.stream(f"/Invoices/{uuid4()}") as pieces:
            found = list(pieces)
        assert b"".join(found) == body
        assert len(found) > 1
        assert script.requests[0].headers["Accept"] == "application/pdf"

    @pytest.mark.parametrize(
        "answer",
        [
            Reply(200, b"%PDF-1.7"),
            Reply(200, b"<html>", {"Content-Type": "application/pdf"}),
            Reply(200, b"%PDF" + b" " * 10 * 2**20, {"Content-Type": "application/pdf"}),
            Reply(503, b"offline"),
        ],
        ids=["another type", "no pdf inside", "too long", "offline"],
    )
    async def test_that_are_none_are_refused(self, scene: Scene, answer: Reply) -> None:
        with pytest.raises(BackendUnavailable):
            async with scene(Scripted(answer)).client.stream(f"/Invoices/{uuid4()}"):
                pass

    async def test_that_are_missing_are_rejected(self, scene: Scene) -> None:
        with pytest.raises(BackendRejected):
            async with scene(Scripted(Reply(404, b"no"))).client.stream("/Invoices/x"):
                pass

    async def test_of_the_books_are_read(self, client: XeroClient, control: Control) -> None:
        invoice = next(i for i in control.sales(customer().contact_ids) if i["Status"] == "PAID")
        async with client.stream(f"/Invoices/{invoice['InvoiceID']}") as pieces:
            assert next(pieces).startswith(b"%PDF")


async def test_every_call_is_signed_in_and_names_the_organisation(
    client: XeroClient, http: httpx.AsyncClient, control: Control
) -> None:
    url = f"{control.root}/xero{ACCOUNTING}/Organisation"
    assert (await http.get(url)).status_code == 401
    [organisation] = (await client.get("/Organisation"))["Organisations"]
    assert organisation["Name"]


async def test_a_server_that_is_not_there_is_unavailable(
    settings: Settings, pool: Pool, parts: XeroParts, redis: Any
) -> None:
    away = settings.model_copy(update={"xero_api_url": f"http://127.0.0.1:{free_port()}"})
    async with make_http() as http:
        nowhere = make_xero(away, pool, redis, http, now).client
        with pytest.raises(BackendUnavailable):
            await nowhere.get("/Items")
        assert not nowhere.is_up
        with pytest.raises(BackendUnavailable, match="nothing was sent"):
            await write(nowhere)


# 5.4 case 49
async def test_what_is_logged_names_no_document_and_no_amount(scene: Scene) -> None:
    headers = {
        **JSON,
        "X-DayLimit-Remaining": "4000",
        "X-MinLimit-Remaining": "50",
        "Xero-Correlation-Id": "c-1",
    }
    script = Scripted(Reply(200, b'{"Invoices":[{"Total":12.34}]}', headers), Reply(404, b"Ltd"))
    client, number = scene(script).client, "INV-4711"
    with structlog.testing.capture_logs() as logged:
        await client.get(f"/Invoices/{number}/OnlineInvoice", {"where": number})
        with pytest.raises(BackendRejected):
            await client.get(f"/Invoices/{number}")
    assert number not in str(logged)
    assert "12.34" not in str(logged)
    assert "access-" not in str(logged)
    assert logged[0] == {
        "event": "xero",
        "log_level": "info",
        "method": "GET",
        "path": "/Invoices/{id}/OnlineInvoice",
        "status": 200,
        "problem": None,
        "ms": logged[0]["ms"],
        "lane": "chat",
        "minute_left": 50,
        "day_left": 4000,
        "correlation_id": "c-1",
    }
    assert (logged[1]["status"], logged[1]["problem"]) == (404, "not_found")


async def age(pool: Pool, parts: XeroParts) -> None:
    """As if the token had been refreshed an hour ago."""
    await fetch_one(
        pool,
        "update xero_tokens set refreshed_at = refreshed_at - interval '1 hour'"
        " where tenant_id = %s returning tenant_id",
        [await parts.tokens.tenant()],
    )

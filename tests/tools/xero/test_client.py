import asyncio
import time
from uuid import uuid4

import httpx
import pytest

from tests.conftest import customer
from tests.tools.conftest import Control
from tests.tools.xero.test_scoped import a_draft, a_number
from tools.embedded.process import free_port
from tools.errors import BackendRejected, BackendUnavailable, OutcomeUnknown
from tools.xero.client import ACCOUNTING, READS, XeroClient


@pytest.fixture
def nowhere(client: XeroClient) -> XeroClient:
    """The same client, of a server that is not there."""
    url = f"http://127.0.0.1:{free_port()}"
    return XeroClient(client._http, url, client._tokens, client._tenant)


async def write(client: XeroClient, number: str) -> None:
    await client.put("/Invoices", a_draft(customer(), number), f"key-{number}")


def written(control: Control, number: str) -> int:
    return sum(i["InvoiceNumber"] == number for i in control.invoices())


@pytest.mark.parametrize("mode", ["unavailable", "html_error", "drop_after_commit"])
async def test_a_read_that_fails_once_is_tried_again(
    client: XeroClient, control: Control, mode: str
) -> None:
    control.fault("GET /Items", mode)
    assert (await client.get("/Items"))["Items"]
    assert client.is_up


@pytest.mark.parametrize("mode", ["unavailable", "html_error", "drop_after_commit"])
async def test_a_read_is_given_up_after_its_tries(
    client: XeroClient, control: Control, mode: str
) -> None:
    before = control.calls("GET", "/Items")
    control.fault("GET /Items", mode, times=READS)
    with pytest.raises(BackendUnavailable):
        await client.get("/Items")
    assert control.calls("GET", "/Items") == before + READS
    assert not client.is_up
    await client.get("/Items")
    assert client.is_up


async def test_a_read_waits_as_long_as_a_busy_xero_asks(
    client: XeroClient, control: Control
) -> None:
    control.fault("GET /Items", "rate_limit")
    start = time.monotonic()
    assert (await client.get("/Items"))["Items"]
    assert 1.9 < time.monotonic() - start < 6


async def test_a_refused_read_is_not_repeated(client: XeroClient, control: Control) -> None:
    path = f"/Invoices/{uuid4()}"
    with pytest.raises(BackendRejected):
        await client.get(path)
    assert control.calls("GET", path) == 1


async def test_a_server_that_is_not_there_is_unavailable(nowhere: XeroClient) -> None:
    with pytest.raises(BackendUnavailable):
        await nowhere.get("/Items")
    assert not nowhere.is_up


async def test_nothing_was_sent_to_a_server_that_is_not_there(nowhere: XeroClient) -> None:
    with pytest.raises(BackendUnavailable, match="nothing was sent"):
        await write(nowhere, a_number())


@pytest.mark.parametrize("mode", ["drop_after_commit", "error_after_commit"])
async def test_a_write_whose_answer_is_lost_is_unknown_and_sent_once(
    client: XeroClient, control: Control, mode: str
) -> None:
    number, before = a_number(), control.calls("PUT", "/Invoices")
    control.fault("PUT /Invoices", mode)
    with pytest.raises(OutcomeUnknown):
        await write(client, number)
    assert control.calls("PUT", "/Invoices") == before + 1
    assert written(control, number) == 1


async def test_a_write_that_a_proxy_answers_is_unknown(
    client: XeroClient, control: Control
) -> None:
    number = a_number()
    control.fault("PUT /Invoices", "html_error")
    with pytest.raises(OutcomeUnknown):
        await write(client, number)
    assert written(control, number) == 0


async def test_a_write_that_a_busy_xero_turns_away_may_be_sent_again(
    client: XeroClient, control: Control
) -> None:
    number = a_number()
    control.fault("PUT /Invoices", "rate_limit")
    with pytest.raises(BackendUnavailable):
        await write(client, number)
    await write(client, number)
    assert written(control, number) == 1


async def test_a_refused_write_tells_why(client: XeroClient) -> None:
    with pytest.raises(BackendRejected, match=r"PUT /Invoices: .+"):
        await client.put("/Invoices", b'{"Invoices":[{"Type":"ACCREC"}]}', f"key-{uuid4()}")


async def test_many_reads_at_once_stay_within_xeros_limit(client: XeroClient) -> None:
    answers = await asyncio.gather(*(client.get("/Items") for _ in range(24)))
    assert all(answer["Items"] for answer in answers)


async def test_every_call_is_signed_in_and_names_the_organisation(
    client: XeroClient, http: httpx.AsyncClient, control: Control
) -> None:
    url = f"{control.root}/xero{ACCOUNTING}/Organisation"
    assert (await http.get(url)).status_code == 401
    [organisation] = (await client.get("/Organisation"))["Organisations"]
    assert organisation["Name"]

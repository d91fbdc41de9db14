"""What was answered is there after `kill -9`, as seen by a process on the same folder."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.tools.sandbox.conftest import Xero, a_number, an_invoice, headers_with, sign_in
from tools.embedded.process import free_port
from tools.sandbox.app import DATABASE, create_sandbox


@contextmanager
def process_on(folder: Path) -> Iterator[Xero]:
    """The sandbox as its own process, killed without warning at the end."""
    port = free_port()
    command = [sys.executable, "-m", "tools.sandbox", "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(command)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
            wait_for(http, process)
            http.headers.update(headers_with(sign_in(http).json()["access_token"]))
            yield Xero(http)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def wait_for(http: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, "the sandbox ended at once"
        try:
            http.get("/control/ready").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the sandbox was not ready in time")


async def test_books_of_an_earlier_format_are_made_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as earlier:
        earlier.execute("create table tokens (token text primary key, kind text)")
        earlier.execute("create table meta (key text primary key, value text not null)")
        earlier.execute("insert into meta values ('link key', 'old')")
    earlier.close()
    transport = httpx.ASGITransport(create_sandbox(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as own:
        assert len((await own.get("/control/invoices")).json()) > 500


def test_a_killed_sandbox_has_lost_nothing_it_answered(tmp_path: Path) -> None:
    number = a_number()
    body, headers = an_invoice(InvoiceNumber=number), {"Idempotency-Key": number}
    with process_on(tmp_path) as xero:
        first = xero.send("PUT", "/Invoices", body, headers=headers)
        refresh_token = sign_in(xero.http).json()["refresh_token"]
        xero.control("/clock", advance_seconds=100)
    with process_on(tmp_path) as xero:
        again = xero.send("PUT", "/Invoices", body, headers=headers)
        found = xero.get("/Invoices", InvoiceNumbers=number).json()["Invoices"]
        ahead = xero.http.get("/control/clock").json()["now"]

        assert first.status_code == 200
        assert again.content == first.content
        assert [i["InvoiceID"] for i in found] == [first.json()["Invoices"][0]["InvoiceID"]]
        assert sign_in(xero.http, refresh_token).status_code == 200
        assert ahead > xero.control("/clock")["now"]

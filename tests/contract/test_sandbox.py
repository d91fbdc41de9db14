"""The sandbox held to Xero's own description, as tight as its documentation, by Schemathesis."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.contract import schemathesis
from tests.contract.schemathesis import Outcome
from tests.tools.sandbox.conftest import token_for
from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.sandbox.company import company
from tools.sandbox.xero.gate import PREFIX

OFFICIAL = schemathesis.ROOT.parent / "shared" / "xero"
DESCRIPTION = OFFICIAL / "xero_accounting_trimmed.yaml"
PATH_IDS = (
    *("ContactID", "InvoiceID", "CreditNoteID", "QuoteID", "PurchaseOrderID"),
    *("PaymentID", "ItemID", "OverpaymentID", "PrepaymentID"),
)
PLANTED = {
    "GET /Invoices/{InvoiceID}": "string_money",
    "GET /Quotes/{QuoteID}": "new_status",
    "GET /Payments/{PaymentID}": "not_json",
    "GET /CreditNotes/{CreditNoteID}": "html_error",
}
READS = ("--include-operation-id-regex", "get(Invoice|Quote|Payment|CreditNote|Item)$")

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason=f"The description of Xero's API is not at {DESCRIPTION}"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox that holds what the description's examples speak of."""
    with running_sandbox(tmp_path_factory.mktemp("contract-sandbox"), *UNLIMITED) as found:
        yield found["XERO_API_URL"].removesuffix("/xero")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: str) -> Path:
    """Where Schemathesis finds the tightened description and its settings."""
    folder = tmp_path_factory.mktemp("schemathesis")
    (folder / "description.json").write_text(tightened(), "utf-8")
    (folder / "schemathesis.toml").write_text(settings(root), "utf-8")
    return folder


@pytest.fixture(scope="module")
def command() -> Path:
    return schemathesis.install()


def tightened() -> str:
    """The description with what Xero's documentation says and the file does not."""
    # The script would trim the whole file again; its steps take the trimmed one as it is.
    script = runpy.run_path(str(OFFICIAL / "trim_xero_spec.py"))
    document = yaml.load(DESCRIPTION.read_text("utf-8"), Loader=script["Loader"])  # noqa: S506
    script["split_write"](document)
    script["tighten"](document["components"]["schemas"])
    script["drop_bad_examples"](document)
    return json.dumps(document)


def settings(root: str) -> str:
    """Who calls, the ids that exist, and how far a walk through the links goes."""
    with httpx.Client(base_url=root) as http:
        examples = http.post("/control/seed-examples").raise_for_status().json()
        token = token_for(http)
    tenant = company()["organisation"]["tenant_id"]
    ids = [f'"path.{name}" = "{examples["every"]}"' for name in PATH_IDS]
    return "\n".join(
        [
            f'headers = {{ Authorization = "Bearer {token}", xero-tenant-id = "{tenant}" }}',
            "warnings = false",
            "[parameters]",
            *ids,
            f'"query.contactId" = "{examples["every"]}"',
            "[phases.stateful]",
            "max-steps = 20",
        ]
    )


def run(command: Path, folder: Path, root: str, *options: str) -> Outcome:
    return schemathesis.run(command, folder, root + PREFIX, "--mode", "positive", *options)


def test_every_answer_is_one_that_xero_describes(command: Path, folder: Path, root: str) -> None:
    outcome = run(command, folder, root, "--phases", "examples,stateful")
    reads = {operation for operation in outcome.asked if operation.startswith("GET ")}
    writes = outcome.done - reads

    assert outcome.passed, outcome.printed[-6000:]
    assert len(outcome.asked) == 46
    assert reads <= outcome.done
    assert len(writes) >= 15, sorted(writes)


def test_a_wrong_answer_fails_the_run(command: Path, folder: Path, root: str) -> None:
    """One wrong answer of each kind; the operations without one pass in the same run."""
    orders = [{"operation": o, "mode": mode, "times": 1000} for o, mode in PLANTED.items()]
    for order in orders:
        httpx.post(f"{root}/control/faults", json=order).raise_for_status()
    outcome = run(command, folder, root, "--phases", "examples", *READS)
    for order in orders:
        httpx.post(f"{root}/control/faults", json=order | {"times": 0}).raise_for_status()

    assert not outcome.passed
    assert outcome.wrong == set(PLANTED)
    assert outcome.asked == {*PLANTED, "GET /Items/{ItemID}"}

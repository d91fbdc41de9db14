"""The sandbox held to Xero's own description, as tight as its documentation, by Schemathesis."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import yaml

from tests.contract import schemathesis
from tests.contract.schemathesis import Outcome
from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.sandbox.company import company
from tools.sandbox.xero.gate import PREFIX

OFFICIAL = schemathesis.ROOT.parent / "shared" / "xero"
DESCRIPTION = OFFICIAL / "xero_accounting_trimmed.yaml"
EVERYTHING = (
    "accounting.contacts accounting.invoices accounting.payments accounting.settings "
    "accounting.reports.aged.read"
)
PATH_IDS = (
    *("ContactID", "InvoiceID", "CreditNoteID", "QuoteID", "PurchaseOrderID"),
    *("PaymentID", "ItemID", "OverpaymentID", "PrepaymentID"),
)
READ = "GET /Invoices/{InvoiceID}"
ONE_READ = ("--phases", "examples", "--include-operation-id", "getInvoice")

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
    script = loaded(OFFICIAL / "trim_xero_spec.py")
    document = yaml.load(DESCRIPTION.read_text("utf-8"), Loader=script.Loader)  # noqa: S506
    script.split_write(document)
    script.tighten(document["components"]["schemas"])
    script.drop_bad_examples(document)
    return json.dumps(document)


def loaded(file: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(file.stem, file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def settings(root: str) -> str:
    """Who calls, the ids that exist, and how far a walk through the links goes."""
    with httpx.Client(base_url=root) as http:
        examples = http.post("/control/seed-examples").raise_for_status().json()
        token = access_token(http)
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


def access_token(http: httpx.Client) -> str:
    """A token for everything that the description offers."""
    app, back = company()["app"], "http://localhost/callback"
    asked = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": back}
    consent = http.get(
        "/xero/identity/connect/authorize", params=asked | {"scope": EVERYTHING}
    ).headers["location"]
    form = {"grant_type": "authorization_code", "redirect_uri": back}
    answer = http.post(
        "/xero/connect/token",
        data=form | {"code": httpx.URL(consent).params["code"]},
        auth=(app["client_id"], app["client_secret"]),
    )
    return str(answer.json()["access_token"])


def run(command: Path, folder: Path, root: str, *options: str) -> Outcome:
    return schemathesis.run(command, folder, root + PREFIX, "--mode", "positive", *options)


def test_every_answer_is_one_that_xero_describes(command: Path, folder: Path, root: str) -> None:
    outcome = run(command, folder, root, "--phases", "examples,stateful")

    assert outcome.passed, outcome.printed[-6000:]
    assert len(outcome.statuses) == 46
    assert all(statuses & {200, 204} for o, statuses in outcome.statuses.items() if "GET " in o)
    assert len(outcome.written) >= 15, sorted(outcome.written)


@pytest.mark.parametrize("fault", ["string_money", "new_status", "not_json"])
def test_the_run_fails_on_a_wrong_answer(
    command: Path, folder: Path, root: str, fault: str
) -> None:
    order = {"operation": READ, "mode": fault, "times": 1000}
    httpx.post(f"{root}/control/faults", json=order).raise_for_status()
    outcome = run(command, folder, root, *ONE_READ)
    httpx.post(f"{root}/control/faults", json=order | {"times": 0}).raise_for_status()

    assert not outcome.passed
    assert READ in outcome.printed


def test_the_same_read_passes_without_a_fault(command: Path, folder: Path, root: str) -> None:
    assert run(command, folder, root, *ONE_READ).passed

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from graph.xero import XeroParts
from tests.tools.xero.conftest import Scene
from tests.tools.xero.scripted import Reply, Scripted, tokens
from tools.embedded.parts import SANDBOX_TENANT
from tools.xero.check import Check, Expected, check

EXPECTED = Expected(Decimal(9), "200")


@dataclass(frozen=True)
class Books:
    """What an organisation answers; a change to it should be found."""

    organisation: dict[str, Any]
    rate: dict[str, Any]
    account: dict[str, Any]
    item: dict[str, Any]


FINE = Books(
    organisation={"Name": "Tria Demo", "CountryCode": "SG", "BaseCurrency": "SGD"},
    rate={
        "TaxType": "OUTPUTY24",
        "Status": "ACTIVE",
        "CanApplyToRevenue": True,
        "EffectiveRate": 9,
    },
    account={"Code": "200", "Name": "Sales", "Status": "ACTIVE", "Class": "REVENUE"},
    item={"Code": "A", "IsSold": True, "SalesDetails": {"UnitPrice": 0.4875}},
)


def script_of(books: Books, tenant: str, scope: str = "") -> Scripted:
    answers: dict[str, Any] = {
        "/connections": [{"tenantId": tenant, "tenantName": "Tria Demo"}],
        "/api.xro/2.0/Organisation": {"Organisations": [books.organisation]},
        "/api.xro/2.0/TaxRates": {"TaxRates": [books.rate]},
        "/api.xro/2.0/Accounts": {"Accounts": [books.account]},
        "/api.xro/2.0/Items": {"Items": [books.item] if books.item else []},
    }

    async def answer(request: httpx.Request) -> Reply:
        return Reply(200, httpx.Response(200, json=answers[request.url.path]).content)

    script = Scripted(answer)
    script.token_answers = [Reply(200, tokens(scope=scope))]
    return script


async def checked(parts: XeroParts, expected: Expected = EXPECTED) -> dict[str, Check]:
    found = await check(parts.client, parts.tokens, parts.sign_in, expected)
    assert all(bool(c.to_do) is not c.ok for c in found)
    return {c.name: c for c in found}


async def findings(scene: Scene, books: Books, scope: str = "") -> dict[str, Check]:
    tenant = str(uuid4())
    return await checked(scene(script_of(books, tenant, scope), xero_tenant_id=tenant))


async def test_the_sandbox_is_fine(parts: XeroParts) -> None:
    found = await checked(parts, replace(EXPECTED, tenant_id=SANDBOX_TENANT))
    assert [c.name for c in found.values() if not c.ok] == []


@pytest.mark.parametrize(
    ("name", "part", "changes"),
    [
        ("organisation", "organisation", {"BaseCurrency": "NZD"}),
        ("sales tax", "rate", {"EffectiveRate": 8}),
        ("sales tax", "rate", {"Status": "ARCHIVED"}),
        ("sales tax", "rate", {"CanApplyToRevenue": False}),
        ("sales account", "account", {"Code": "201"}),
        ("sales account", "account", {"Status": "ARCHIVED"}),
        ("sales account", "account", {"Class": "EXPENSE"}),
        ("items", "item", {"SalesDetails": {}}),
    ],
)
async def test_each_fault_is_found_and_no_other(
    scene: Scene, name: str, part: str, changes: dict[str, Any]
) -> None:
    books = replace(FINE, **{part: getattr(FINE, part) | changes})
    found = await findings(scene, books)
    assert [c.name for c in found.values() if not c.ok] == [name]


async def test_books_without_items_are_not_ready(scene: Scene) -> None:
    assert not (await findings(scene, replace(FINE, item={})))["items"].ok


@pytest.mark.parametrize(
    ("scope", "ok"),
    [
        ("", True),
        (
            "offline_access accounting.contacts accounting.transactions accounting.settings"
            " accounting.reports.read",
            True,
        ),
        (
            "offline_access accounting.contacts.read accounting.invoices accounting.payments.read"
            " accounting.settings.read",
            True,
        ),
        ("offline_access accounting.invoices.read accounting.settings", False),
    ],
)
async def test_scopes_of_old_and_new_apps_are_understood(
    scene: Scene, scope: str, *, ok: bool
) -> None:
    assert (await findings(scene, FINE, scope))["scopes"].ok is ok


async def test_a_sign_in_that_does_not_open_our_organisation_is_found(scene: Scene) -> None:
    found = await checked(scene(script_of(FINE, str(uuid4()))))
    assert not found["tenant"].ok


async def test_without_a_connection_each_line_says_so(scene: Scene) -> None:
    found = await checked(scene(Scripted(), xero_refresh_token=None))
    assert not any(c.ok for name, c in found.items() if name != "scopes")
    assert "not connected" in found["token"].detail

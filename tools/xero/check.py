"""Whether Xero is set up so that Tria can work with it, step by step, with what to do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.errors import TriaError
from tools.xero.client import XeroClient
from tools.xero.oauth import Tokens
from tools.xero.sign_in import SCOPES, SignIn

# What a missing scope takes from nobody yet.
OPTIONAL = frozenset({"accounting.reports.aged.read"})
# Apps of before March 2026 have one scope for what is several today.
BROADER: Mapping[str, tuple[str, ...]] = {
    "accounting.invoices": ("accounting.transactions",),
    "accounting.payments.read": ("accounting.transactions", "accounting.transactions.read"),
    "accounting.reports.aged.read": ("accounting.reports.read",),
}
RECONNECT = "Connect Xero again."


@dataclass(frozen=True)
class Check:
    """One finding. `to_do` is empty when it is fine."""

    name: str
    ok: bool
    detail: str
    to_do: str = ""


@dataclass(frozen=True)
class Expected:
    """What the books must offer: a sales tax of today's percent, and the account of sales."""

    tax_percent: Decimal
    sales_account: str
    tenant_id: str | None = None


Step = Callable[[], Awaitable[Check]]


async def check(
    client: XeroClient, tokens: Tokens, sign_in: SignIn, expected: Expected
) -> list[Check]:
    """Every finding, in the order in which they are to be put right. Makes five calls."""
    steps: dict[str, Step] = {
        "token": lambda: _token(tokens),
        "tenant": lambda: _tenant(tokens, sign_in, expected.tenant_id),
        "scopes": lambda: _scopes(tokens),
        "organisation": lambda: _organisation(client),
        "sales tax": lambda: _sales_tax(client, expected.tax_percent),
        "sales account": lambda: _sales_account(client, expected.sales_account),
        "items": lambda: _items(client),
    }
    return [await _attempt(name, step) for name, step in steps.items()]


async def _attempt(name: str, step: Step) -> Check:
    try:
        return await step()
    except TriaError as error:
        to_do = RECONNECT if name in ("token", "tenant", "scopes") else "See the lines above."
        return Check(name, ok=False, detail=str(error), to_do=to_do)


async def _token(tokens: Tokens) -> Check:
    await tokens.access()
    found = await tokens.connection()
    age = found.refresh_age_days if found else None
    is_ageing = found is not None and found.is_ageing
    to_do = "Find out why the daily refresh does not run." if is_ageing else ""
    return Check("token", ok=not is_ageing, detail=f"renewed {age} days ago", to_do=to_do)


async def _tenant(tokens: Tokens, sign_in: SignIn, configured: str | None) -> Check:
    access = await tokens.access()
    opened = {str(o.tenant_id): o.name for o in await sign_in.connections(access.token)}
    name = opened.get(access.tenant_id)
    if name is None:
        detail = f"the sign-in opens {len(opened)} organisations, and ours is not among them"
        to_do = "Connect again and choose it." if not configured else "Correct XERO_TENANT_ID."
        return Check("tenant", ok=False, detail=detail, to_do=to_do)
    return Check("tenant", ok=True, detail=f"{name} ({access.tenant_id})")


async def _scopes(tokens: Tokens) -> Check:
    found = await tokens.connection()
    granted = found.scope if found else frozenset[str]()
    if not granted:
        return Check("scopes", ok=True, detail="Xero does not tell them")
    missing = [scope for scope in SCOPES if not _covers(granted, scope)]
    if needed := [scope for scope in missing if scope not in OPTIONAL]:
        to_do = "Connect again: scopes are only added by a new consent."
        return Check("scopes", ok=False, detail=f"missing: {', '.join(needed)}", to_do=to_do)
    unused = f", without {', '.join(missing)}" if missing else ""
    return Check("scopes", ok=True, detail=f"{len(granted)} granted{unused}")


def _covers(granted: frozenset[str], scope: str) -> bool:
    writing = scope.removesuffix(".read")
    return bool(granted & {scope, writing, *BROADER.get(scope, ())})


async def _organisation(client: XeroClient) -> Check:
    [found, *_] = (await client.get("/Organisation")).get("Organisations") or [{}]
    currency = found.get("BaseCurrency", "")
    detail = f"{found.get('Name', '')}, {found.get('CountryCode', '')} {currency}"
    to_do = "" if currency == "SGD" else "Orders are written in SGD: use an organisation with it."
    return Check("organisation", ok=currency == "SGD", detail=detail, to_do=to_do)


async def _sales_tax(client: XeroClient, percent: Decimal) -> Check:
    rates = (await client.get("/TaxRates")).get("TaxRates", [])
    found = [str(rate.get("TaxType")) for rate in rates if _is_sales_tax(rate, percent)]
    to_do = "" if found else f"Add an active tax rate of {percent}% for revenue in Xero."
    detail = ", ".join(found) or f"no sales tax of {percent}%"
    return Check("sales tax", ok=bool(found), detail=detail, to_do=to_do)


def _is_sales_tax(rate: Mapping[str, Any], percent: Decimal) -> bool:
    is_usable = rate.get("Status") == "ACTIVE" and rate.get("CanApplyToRevenue")
    return bool(is_usable) and Decimal(str(rate.get("EffectiveRate"))) == percent


async def _sales_account(client: XeroClient, code: str) -> Check:
    accounts = (await client.get("/Accounts")).get("Accounts", [])
    found = next((a for a in accounts if a.get("Code") == code), None)
    if found is None or found.get("Status") != "ACTIVE" or found.get("Class") != "REVENUE":
        to_do = "Set XERO_SALES_ACCOUNT to the code of an active revenue account."
        return Check("sales account", ok=False, detail=f"{code} is none", to_do=to_do)
    return Check("sales account", ok=True, detail=f"{code} {found.get('Name', '')}")


async def _items(client: XeroClient) -> Check:
    items = [i for i in (await client.get("/Items")).get("Items", []) if i.get("IsSold", True)]
    bare = [str(i.get("Code")) for i in items if not _is_priced(i)]
    detail = f"{len(items) - len(bare)} of {len(items)} have a sales price"
    to_do = f"Price in Xero: {', '.join(bare[:5])}" if bare else ""
    if not items:
        to_do = "Add the products as items in Xero."
    return Check("items", ok=bool(items) and not bare, detail=detail, to_do=to_do)


def _is_priced(item: Mapping[str, Any]) -> bool:
    return (item.get("SalesDetails") or {}).get("UnitPrice") is not None

"""Which scope opens which operation: the granular ones of 2026 and the broad ones before them."""

from collections.abc import Iterable

from tools.sandbox.xero.wire import Refused, problem

_INVOICES = ("accounting.invoices", "accounting.transactions")
_PAYMENTS = ("accounting.payments", "accounting.transactions")
_SETTINGS = ("accounting.settings",)
_AREAS = {
    "Contacts": ("accounting.contacts",),
    "Invoices": _INVOICES,
    "CreditNotes": _INVOICES,
    "Quotes": _INVOICES,
    "PurchaseOrders": _INVOICES,
    "RepeatingInvoices": _INVOICES,
    "Items": (*_INVOICES, *_SETTINGS),
    "Payments": _PAYMENTS,
    "Overpayments": _PAYMENTS,
    "Prepayments": _PAYMENTS,
    "Organisation": _SETTINGS,
    "TaxRates": _SETTINGS,
    "Accounts": _SETTINGS,
    "BrandingThemes": _SETTINGS,
    "Currencies": _SETTINGS,
    "Reports": ("accounting.reports.aged", "accounting.reports"),
}
_SIGN_IN = frozenset({"offline_access", "openid", "profile", "email"})
_ACCOUNTING = frozenset(scope for scopes in _AREAS.values() for scope in scopes)
KNOWN = _SIGN_IN | _ACCOUNTING | {f"{scope}.read" for scope in _ACCOUNTING}
OFFLINE = "offline_access"


def check_scope(granted: Iterable[str], operation: str) -> None:
    """Raise Refused with a 403 unless one of the scopes opens an operation like `GET /Items`."""
    method, _, path = operation.partition(" /")
    enough = set(_AREAS.get(path.split("/")[0], ()))
    if method == "GET":
        enough |= {f"{scope}.read" for scope in enough}
    if enough and enough.isdisjoint(granted):
        raise _insufficient(sorted(enough))


def _insufficient(enough: list[str]) -> Refused:
    detail = f"insufficient_scope: one of {' '.join(enough)} is needed"
    challenge = f'Bearer error="insufficient_scope", scope="{" ".join(enough)}"'
    return problem(403, "Forbidden", detail, {"WWW-Authenticate": challenge})

"""How a request to Xero is put together: parameters, headers and the name it is logged under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Method = Literal["GET", "PUT", "POST", "DELETE"]

JSON = "application/json"
LONGEST_KEY = 128
MODIFIED_BUFFER = timedelta(minutes=5)  # for clocks that differ and changes that come late
# Prices below a dollar need four decimals. Quotes and purchase orders have no such parameter.
FOUR_DECIMALS: Mapping[str, frozenset[str]] = {
    "GET": frozenset(
        {"/Invoices", "/Invoices/{id}", "/CreditNotes", "/CreditNotes/{id}", "/Items"}
        | {"/Items/{id}", "/Overpayments", "/Prepayments"}
    ),
    "PUT": frozenset({"/Invoices", "/CreditNotes"}),
    "POST": frozenset({"/Invoices", "/Invoices/{id}", "/CreditNotes/{id}"}),
}
# Otherwise a refused document comes back inside a 200.
SUMMARISED: Mapping[str, frozenset[str]] = {
    "PUT": frozenset(
        {"/Contacts", "/CreditNotes", "/CreditNotes/{id}/Allocations", "/Invoices"}
        | {"/Payments", "/PurchaseOrders", "/Quotes"}
    ),
    "POST": frozenset({"/Invoices"}),
}


@dataclass(frozen=True)
class Ask:
    """One request, ready to be sent any number of times."""

    method: Method
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    accept: str = JSON
    largest: int = 20 * 2**20  # bytes of the answer

    @property
    def template(self) -> str:
        return template_of(self.path)


def template_of(path: str) -> str:
    """The path without what identifies a document: `/Invoices/{id}/Email`."""
    parts = path.strip("/").split("/")
    if parts[0] == "Reports":
        return path
    shown = [part if place % 2 == 0 else "{id}" for place, part in enumerate(parts)]
    return "/" + "/".join(shown)


def read_of(
    path: str, params: Mapping[str, str] | None, modified_since: datetime | None = None
) -> Ask:
    """A read, with prices at four decimals where there are any."""
    headers = {}
    if modified_since is not None:
        headers["If-Modified-Since"] = _utc(modified_since - MODIFIED_BUFFER)
    return Ask("GET", path, _parameters("GET", path) | dict(params or {}), headers)


def write_of(method: Method, path: str, body: bytes, key: str | None) -> Ask:
    """A write; the key makes Xero answer a repetition within six minutes like the first time."""
    headers = {"Content-Type": JSON}
    if key is not None:
        if not 0 < len(key) <= LONGEST_KEY:
            raise ValueError(f"an idempotency key has 1 to {LONGEST_KEY} characters")
        headers["Idempotency-Key"] = key
    return Ask(method, path, _parameters(method, path), headers, body)


def _parameters(method: Method, path: str) -> dict[str, str]:
    template = template_of(path)
    found = {}
    if template in FOUR_DECIMALS.get(method, ()):
        found["unitdp"] = "4"
    if template in SUMMARISED.get(method, ()):
        found["summarizeErrors"] = "true"
    return found


def _utc(instant: datetime) -> str:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""The demo company, read from company.toml: its contacts, outlets and the customers who sign in."""

import tomllib
import uuid
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Segment = Literal["new", "established", "vip", "major", "on hold"]
Json = dict[str, Any]

ROLES = ("buyer", "accounts")  # of a customer for whom company.toml names none
_NAMESPACE = uuid.UUID("6f0d0a52-3a0e-4b7e-9d4b-2f1f5f0c7a10")


@dataclass(frozen=True)
class DemoCustomer:
    """A person who can sign in; `contact_ids` are the bill-to contacts in Xero."""

    customer_id: str
    name: str
    company: str
    email: str
    contact_ids: tuple[str, ...]
    roles: tuple[str, ...]
    segment: Segment
    outlets: tuple[Json, ...]


@dataclass(frozen=True)
class DemoStaff:
    """Somebody of the company who can sign in to the console."""

    staff_id: str
    name: str
    level: int
    is_admin: bool


@cache
def company() -> Json:
    """The whole of company.toml."""
    return tomllib.loads(files("tools.sandbox").joinpath("company.toml").read_text("utf-8"))


@cache
def products() -> tuple[Json, ...]:
    """The products of the catalogue."""
    text = files("policies").joinpath("catalogue.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["products"])


def stable_id(kind: str, name: str) -> str:
    """The same UUID for the same thing, in every sandbox."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{name}"))


def contact_id(slug: str) -> str:
    """The id in Xero of a contact of company.toml."""
    return stable_id("contact", slug)


def email_of(slug: str) -> str:
    """Where a contact's invoices go."""
    return f"accounts@{slug}.tria.example"


@cache
def demo_customers() -> list[DemoCustomer]:
    """Everybody who can sign in to the demo, the established customer first."""
    return [_customer(entry) for entry in company()["customers"]]


@cache
def demo_staff() -> list[DemoStaff]:
    """Everybody who can sign in to the demo's console, the lowest level first."""
    return [
        DemoStaff(e["id"], e["name"], e["level"], e.get("is_admin", False))
        for e in company()["staff"]
    ]


def _customer(entry: Json) -> DemoCustomer:
    slugs: list[str] = entry["contacts"]
    first = next(c for c in company()["contacts"] if c["slug"] == slugs[0])
    return DemoCustomer(
        customer_id=entry["id"],
        name=entry.get("person", first["person"]),
        company=entry.get("company", first["name"]),
        email=entry.get("email", email_of(slugs[0])),
        contact_ids=tuple(contact_id(slug) for slug in slugs),
        roles=tuple(entry.get("roles", ROLES)),
        segment=entry["segment"],
        outlets=tuple(_outlet(o) for o in company()["outlets"] if o["contact"] in slugs),
    )


def _outlet(entry: Json) -> Json:
    fields = {k: v for k, v in entry.items() if k not in ("slug", "contact")}
    return {"outlet_id": entry["slug"], "bill_to": contact_id(entry["contact"]), **fields}

"""Sign-in as a demo customer, or as their supplier's staff. Served only with TRIA_DEMO on."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from api.dependencies import ClientsOf
from api.tokens import Staff, issue_staff_token, issue_token
from graph.clients import Clients, now
from graph.studio import demo_caller
from tools.rules import load_rules
from tools.sandbox.company import DemoCustomer, DemoStaff, demo_customers, demo_staff

router = APIRouter(prefix="/demo", tags=["demo"])


class SignIn(BaseModel):
    """Whom to sign in as."""

    customer_id: str


class StaffSignIn(BaseModel):
    """Whom to sign in to the console as."""

    staff_id: str


@router.get("/customers")
async def list_demo_customers() -> list[dict[str, str]]:
    """The customers of the demo company."""
    return [_shown(customer) for customer in demo_customers()]


@router.post("/sign-in")
async def sign_in(body: SignIn, clients: ClientsOf) -> dict[str, Any]:
    """A token for one of them."""
    customer = next((c for c in demo_customers() if c.customer_id == body.customer_id), None)
    if customer is None:
        raise HTTPException(404, "There is no such demo customer; see GET /demo/customers.")
    secret = clients.settings.tria_secret.get_secret_value()
    return {
        "token": issue_token(secret, demo_caller(customer), now()),
        "customer": _shown(customer),
    }


@router.get("/staff")
async def list_demo_staff() -> list[dict[str, Any]]:
    """Who can sign in to the console."""
    return [_staff(each) for each in demo_staff()]


@router.post("/staff-sign-in")
async def sign_in_as_staff(body: StaffSignIn, clients: ClientsOf) -> dict[str, Any]:
    """A token for one of them."""
    return {
        "token": demo_staff_token(body.staff_id, clients),
        "staff": _staff(_colleague(body.staff_id)),
    }


def demo_staff_token(staff_id: str, clients: Clients) -> str:
    """A token for one of the demo company's staff, else 404."""
    found = _colleague(staff_id)
    staff = Staff(found.staff_id, found.name, found.level, found.is_admin)
    return issue_staff_token(clients.settings.tria_secret.get_secret_value(), staff, now())


def _colleague(staff_id: str) -> DemoStaff:
    found = next((s for s in demo_staff() if s.staff_id == staff_id), None)
    if found is None:
        raise HTTPException(404, "There is no such colleague; see GET /demo/staff.")
    return found


def _staff(staff: DemoStaff) -> dict[str, Any]:
    who = load_rules().escalation.levels[staff.level].who
    return asdict(staff) | {"who": who}


def _shown(customer: DemoCustomer) -> dict[str, str]:
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "company": customer.company,
        "segment": customer.segment,
    }

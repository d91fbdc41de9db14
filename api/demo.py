"""Sign-in as a demo customer. Served only with TRIA_DEMO on, as `make run` sets it."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from api.auth import issue_token
from api.dependencies import ClientsOf
from graph.clients import now
from graph.studio import demo_caller
from tools.sandbox.company import DemoCustomer, demo_customers

router = APIRouter(prefix="/demo", tags=["demo"])


class SignIn(BaseModel):
    """Whom to sign in as."""

    customer_id: str


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


def _shown(customer: DemoCustomer) -> dict[str, str]:
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "company": customer.company,
        "segment": customer.segment,
    }

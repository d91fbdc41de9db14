"""A card that is ready to be shown, and how it is kept for the customer's answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from nodes.state import State, facts_of
from tools.actions.store import Kind, Proposal
from tools.context import Context
from tools.xero.writes import Write

CARD_HOURS = 24


@dataclass(frozen=True)
class Draft:
    """What a yes will do. `approval_level` is who must agree after the customer, if anybody.

    `number` is a document number of our own series, also where the action makes no document.
    The card lapses after a day, or at `lapses` where what it says is only true until then.
    """

    kind: Kind
    card: dict[str, Any]
    writes: tuple[Write, ...]
    number: str
    approval_level: int | None = None
    lapses: datetime | None = None


async def keep(draft: Draft, state: State, context: Context) -> dict[str, Any]:
    """Freeze card and bytes. A turn that runs again finds the card it stored before."""
    action_id = uuid5(UUID(state["turn"]["run_id"]), "action")
    caller, day_on = context.caller, context.now() + timedelta(hours=CARD_HOURS)
    await context.actions.propose(
        Proposal(
            action_id=action_id,
            thread_id=UUID(state["turn"]["thread_id"]),
            customer_id=caller.customer_id,
            kind=draft.kind,
            card=draft.card,
            writes=draft.writes,
            document_number=draft.number,
            expires_at=min(day_on, draft.lapses or day_on),
            scope=caller.scope,
            approval_level=draft.approval_level,
        )
    )
    stored = await context.actions.get(action_id, caller.customer_id)
    assert stored is not None  # noqa: S101 (stored just now)
    return shown(stored)


def shown(action: dict[str, Any]) -> dict[str, Any]:
    """A stored action as clients see it; its number only once it is in the books."""
    is_written = action["status"] == "committed"
    return {
        **action["card"],
        "action_id": str(action["action_id"]),
        "hash": action["hash"],
        "status": action["status"],
        "document_number": action["document_number"] if is_written else None,
        "needs_approval": action["approval_level"] is not None and not action["agreed_by"],
    }


def account_of(state: State, context: Context) -> dict[str, str]:
    """Where a sale is booked: the account, and the tax type that this turn read."""
    return {
        "AccountCode": context.sales_account,
        "TaxType": facts_of(state, "sales_tax")[0]["tax_type"],
    }

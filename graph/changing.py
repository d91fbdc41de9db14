"""A card that waits for a person, changed by that person and put to the customer again."""

from datetime import timedelta
from uuid import UUID

from psycopg.rows import DictRow

from graph.clients import Clients
from graph.part_counts import count_ended
from nodes.cards.draft import CARD_HOURS, Draft
from nodes.cards.reworked import reworked
from nodes.cards.wish import Reworked, Wish
from tools.actions.proposing import Proposal
from tools.actions.replacing import Agreed, Replacing, replacement_of
from tools.context import Caller, Context
from tools.database import fetch_one
from tools.errors import OperationRefused
from tools.rules import load_rules


async def preview_change(clients: Clients, action: DictRow, wish: Wish, level: int) -> Draft:
    """What the card would become; raises OperationRefused as the change itself would."""
    return (await _made(clients, action, wish, level)).draft


async def change_card(clients: Clients, action: DictRow, wish: Wish, agreed: Agreed) -> UUID:
    """End the card and prepare the other: its id. The customer hears, and is asked for their yes.

    Safe to press twice: the same person's second change of a card finds what the first made.
    """
    replacing, action_id = Replacing(clients.pool, count_ended), action["action_id"]
    before = await replacing.made_of(action_id)
    if before and before["agreed_by"] == agreed.who:
        return UUID(str(before["action_id"]))
    made = await _made(clients, action, wish, agreed.level)
    day_on = _context(clients, action).now() + timedelta(hours=CARD_HOURS)
    proposal = Proposal(
        action_id=replacement_of(action_id),
        thread_id=action["thread_id"],
        customer_id=action["customer_id"],
        kind=made.draft.kind,
        card=made.draft.card,
        writes=made.draft.writes,
        document_number=made.draft.number,
        expires_at=min(day_on, made.draft.lapses or day_on),
        scope=action["scope"],
        approval_level=made.draft.approval_level,
    )
    told = Agreed(agreed.who, agreed.level, agreed.note, made.order)
    await replacing.replace(action_id, proposal, told)
    await clients.desk.resume_decided()
    return proposal.action_id


async def _made(clients: Clients, action: DictRow, wish: Wish, level: int) -> Reworked:
    if action["status"] != "confirmed" or action["approval_level"] is None:
        raise OperationRefused(f"This card waits for nobody any more: it is {action['status']}.")
    if action["thread_id"] is None:
        raise OperationRefused("The conversation is gone, so nobody can be asked again.")
    _refuse_above(action["approval_level"], level)
    language = await _language(clients, action)
    made = await reworked(action, wish, _context(clients, action), language)
    _refuse_above(made.draft.approval_level or 0, level)
    return made


def _refuse_above(needed: int, level: int) -> None:
    if level < needed:
        who = load_rules().escalation.levels[needed].who
        raise OperationRefused(f"That needs level {needed} ({who}), and you are level {level}.")


def _context(clients: Clients, action: DictRow) -> Context:
    return clients.context_for(Caller.of(action["scope"]))


async def _language(clients: Clients, action: DictRow) -> str:
    """The one in which the customer agreed to the card."""
    row = await fetch_one(
        clients.pool,
        "select focus ->> 'language' as language from runs where run_id = %s",
        [action["run_id"]],
    )
    return (row and row["language"]) or "en"

"""Whose account a message asks about. Only the customer's own is ever read."""

from collections.abc import Sequence

from nodes.state import State
from tools.context import Context
from tools.errors import BackendUnavailable
from tools.understanding.others import Asked, whose_account


async def account_asked(state: State, context: Context) -> Asked:
    """The customer's own account, another's, or both; which others there are is not looked up."""
    text = state["screened"]["text"]
    if whose_account(text, ()) == "own":
        return "own"
    return whose_account(text, await _own_names(context))


async def _own_names(context: Context) -> Sequence[str]:
    """What the customer's own companies, outlets and people are called."""
    caller = context.caller
    outlets = await context.outlets.of_contacts(caller.contact_ids)
    try:
        contacts = [each.name for each in await context.accounts.contacts()]
    except BackendUnavailable:
        contacts = []
    places = [name for o in outlets for name in (o.name, o.area, o.contact_person)]
    return [caller.company, caller.name, *contacts, *places]

"""Whether a card may still be carried out, asked anew right before anything of it is sent."""

from collections.abc import Mapping
from typing import Any

from nodes.cards.credit import still_fits
from tools.actions.commit import Recheck
from tools.context import Context
from tools.ordering.recheck import changed_since


def recheck_with(context: Context) -> Recheck:
    """What has changed since the card was shown, as a code; None when nothing has."""

    async def recheck(action: Mapping[str, Any]) -> str | None:
        if change := await changed_since(action, context.accounts, context.now()):
            return change
        return None if await still_fits(action, context) else "already_credited"

    return recheck

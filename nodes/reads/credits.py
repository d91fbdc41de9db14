"""Credit notes: what is left of them and where the rest went."""

from nodes.reads.asked import LookUps, credit_notes_asked
from nodes.state import Fact, State
from tools.context import Context
from tools.xero.documents import CreditNote
from tools.xero.facts import credit_note_fact

LISTED = 8


async def read_credit_notes(state: State, context: Context) -> list[Fact]:
    """Those that are named; else all, those first of which something is left."""
    look_ups, numbers = LookUps(state, context), credit_notes_asked(state)
    looked_up = [
        await look_ups.find(number, context.accounts.credit_note_by_number) for number in numbers
    ]
    notes = [note for note in looked_up if note]
    if not numbers:
        notes = sorted(await context.accounts.credit_notes(), key=_is_used_up)
    data = {
        "as_of": context.now().date().isoformat(),
        "listed": [credit_note_fact(note) for note in notes[:LISTED]],
        "missing_count": looked_up.count(None),
        "more_count": max(0, len(notes) - LISTED),
    }
    facts = [Fact(kind="credit_notes", source="xero:creditnotes", data=data)]
    return [*facts, *look_ups.facts()]


def _is_used_up(note: CreditNote) -> bool:
    return not note.remaining_credit

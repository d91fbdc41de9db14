"""Credit notes: what is left of them and where the rest went."""

import re

from nodes.reads.asked import LookUps, credit_notes_asked
from nodes.state import Fact, State
from tools.context import Context
from tools.xero.documents import CreditNote
from tools.xero.facts import credit_note_fact

LISTED = 8
# Beside a number: what of all credit is left.
OF_ALL = re.compile(
    r"\b(?:how much|any|all|total|other|more)(?: \w+){0,2} credits?\b"
    r"|\bcredits? (?:do|does) (?:we|i)\b"
    r"|(?:还有|一共|总共|所有)[^。！？]{0,6}(?:贷记|信用额|credit)"
    r"|(?:berapa|semua|jumlah) (?:\w+ )?kredit"
    r"|(?:எல்லா|மொத்த|எவ்வளவு) (?:கிரெடிட்|வரவு)",
    re.IGNORECASE,
)


async def read_credit_notes(state: State, context: Context) -> list[Fact]:
    """Those that are named, and what else is left if that is asked; else all, unused ones first."""
    look_ups, numbers = LookUps(state, context), credit_notes_asked(state)
    looked_up = [
        await look_ups.find(number, context.accounts.credit_note_by_number) for number in numbers
    ]
    notes = [note for note in looked_up if note]
    if not numbers:
        notes = sorted(await context.accounts.credit_notes(), key=_is_used_up)
    elif OF_ALL.search(state["screened"]["text"]):
        others = await context.accounts.credit_notes()
        notes += [n for n in others if n not in notes and not _is_used_up(n)]
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

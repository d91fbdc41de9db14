"""Cards that wrote something stay for the accounts: with their figures, without anybody's words."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from tools.privacy.places import Connection

# What it came to, when it is delivered, and which documents it is about.
FIGURES = (
    *("kind", "currency", "subtotal", "gst", "gst_percent", "total", "new_total", "amount"),
    *("invoice", "quote", "credit_note", "prepay", "unusual"),
)
OF_LINE = ("code", "pieces", "packs", "unit_price", "amount")
OF_FEE = ("amount",)
OF_DELIVERY = ("day", "day_text", "window", "window_text", "asked_for")
NOBODY = {"name": "", "company": "", "contact_ids": [], "roles": [], "channel": ""}

# Something was sent, or may have been: the books have it, or may.
HAS_WRITTEN = (
    "(a.status = 'committed' or a.document_id is not null or exists (select 1 from action_writes w"
    " where w.action_id = a.action_id and w.status <> 'pending'))"
)


def bare(card: Mapping[str, Any], number: str) -> dict[str, Any]:
    """The card as the accounts need it."""
    kept = {name: card[name] for name in FIGURES if name in card}
    kind = str(card.get("kind", "card")).replace("_", " ")
    lines = [_only(line, OF_LINE) | {"name": line.get("code", "")} for line in _rows(card, "lines")]
    return {
        **kept,
        "title": f"{kind} {number}",
        "lines": lines,
        "fees": [_only(fee, OF_FEE) | {"label": "fee"} for fee in _rows(card, "fees")],
        "rows": [],
        "notes": [],
        **_delivery(card),
    }


async def strip_cards(connection: Connection, which: str, values: Mapping[str, Any]) -> int:
    """Strip the cards that `which` selects of the table `actions a`; how many."""
    found = await connection.execute(
        "select a.action_id, a.customer_id, a.card, a.document_number from actions a"
        f" where {which} for update",
        values,
    )
    rows = await found.fetchall()
    for row in rows:
        await connection.execute(
            "update actions set card = %s, scope = %s, error = null, stripped_at = now()"
            " where action_id = %s",
            [
                Jsonb(bare(row["card"], row["document_number"])),
                Jsonb(NOBODY | {"customer_id": row["customer_id"]}),
                row["action_id"],
            ],
        )
        await connection.execute(
            "update action_writes set body = '' where action_id = %s", [row["action_id"]]
        )
    return len(rows)


def _rows(card: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [row for row in card.get(name, []) if isinstance(row, Mapping)]


def _only(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


def _delivery(card: Mapping[str, Any]) -> dict[str, Any]:
    """When, not where: the place keeps its fields, empty, for whoever reads orders."""
    found: dict[str, Any] = {}
    if isinstance(given := card.get("delivery"), Mapping):
        found["delivery"] = _only(given, OF_DELIVERY)
    if isinstance(outlet := card.get("outlet"), Mapping):
        found["outlet"] = dict.fromkeys(map(str, outlet), "")
    return found

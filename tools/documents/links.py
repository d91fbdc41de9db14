"""Links that serve one document, once, for a few minutes.

The table has only a hash of their token. The token itself stands in the reply that tells it, and
so in the stored conversation and its checkpoints: it is worth something once, for five minutes.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_one

MINUTES = 5
KEPT_DAYS = 1
TOKEN_BYTES = 32

LinkKind = Literal[
    "invoice_pdf",
    "invoices_zip",
    "statement_pdf",
    "quote_pdf",
    "credit_note_pdf",
    "delivery_order_pdf",
    "delivery_order_xlsx",
    "pay_link",
]
COLUMNS = "customer_id, thread_id, kind, target, scope, created_at, expires_at, used_at"
OPEN = "token_hash = %s and used_at is null and expires_at > now()"


@dataclass(frozen=True)
class NewLink:
    """Which document, and for whom.

    `target` is {"number": ...}; of a statement {"since": day, "until": day} as ISO dates, with
    {"currency": ...} where it is not the company's; of all open invoices {}. `scope` is the
    caller's, as it is stored with runs.
    """

    kind: LinkKind
    scope: Mapping[str, Any]
    target: Mapping[str, str] = field(default_factory=dict)
    thread_id: UUID | None = None


class Links:
    """The document_links table. Time is the database's, so that all processes agree on it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def issue(self, link: NewLink) -> str:
        """Store a link and return its token. Old rows go with it."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await fetch_one(
            self._pool,
            "with gone as (delete from document_links"
            f" where expires_at < now() - interval '{KEPT_DAYS} days')"
            " insert into document_links"
            " (token_hash, customer_id, thread_id, kind, target, scope, expires_at)"
            f" values (%s, %s, %s, %s, %s, %s, now() + interval '{MINUTES} minutes')"
            " returning created_at",
            [
                *(_hash(token), link.scope["customer_id"], link.thread_id, link.kind),
                *(Jsonb(dict(link.target)), Jsonb(dict(link.scope))),
            ],
        )
        return token

    async def issued_lately(self, customer_id: str, kind: LinkKind) -> int:
        """How many of a kind a customer got in the last hour, followed or not."""
        row = await fetch_one(
            self._pool,
            "select count(*) as n from document_links where customer_id = %s and kind = %s"
            " and created_at > now() - interval '1 hour'",
            [customer_id, kind],
        )
        return int(row["n"]) if row else 0

    async def find(self, token: str) -> DictRow | None:
        """The link while it can be followed; this does not use it up."""
        return await fetch_one(
            self._pool, f"select {COLUMNS} from document_links where {OPEN}", [_hash(token)]
        )

    async def redeem(self, token: str) -> DictRow | None:
        """Use the link up; of those who try at once exactly one gets it, the others None."""
        return await fetch_one(
            self._pool,
            f"update document_links set used_at = now() where {OPEN} returning {COLUMNS}",
            [_hash(token)],
        )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()

"""Where in the database something of a customer stands: by their id, or by what is theirs.

The tables are read from the database itself, so that one which is added is found without being
named here: it has a column that says whose its rows are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import psycopg
from psycopg import sql
from psycopg.rows import DictRow

Connection = psycopg.AsyncConnection[DictRow]

# The first of these columns that a table has says whose its rows are.
OWNED_BY: Mapping[str, str] = {
    "customer_id": "select %(customer)s::text",
    "thread_id": "select thread_id from threads where customer_id = %(customer)s",
    "run_id": "select run_id from runs join threads using (thread_id)"
    " where customer_id = %(customer)s",
    "action_id": "select action_id from actions where customer_id = %(customer)s",
    "ticket_id": "select ticket_id from tickets where customer_id = %(customer)s",
}
GRAPH_THREADS = (
    "thread_id in (select graph_thread from runs join threads using (thread_id)"
    " where customer_id = %(customer)s)"
)
# Whose contacts the books have: as their sign-in named them whenever they wrote.
CONTACTS = """
select distinct contact::uuid from (
  select scope from runs r join threads t using (thread_id) where t.customer_id {which} %(customer)s
  union all select scope from actions where customer_id {which} %(customer)s) scoped,
  jsonb_array_elements_text(scope->'contact_ids') contact
where contact ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'"""
OWN_CONTACTS = CONTACTS.format(which="=")
# Everybody's turns are looked through for these alone.
OTHERS_CONTACTS = (
    CONTACTS.format(which="<>")
    + f" and scope->'contact_ids' ?| array(select o.id::text from ({OWN_CONTACTS}) o(id))"
)
# Tables that are another's, or that say in another way whose a row is.
SPECIAL: Mapping[str, str] = {
    **dict.fromkeys(("checkpoints", "checkpoint_blobs", "checkpoint_writes"), GRAPH_THREADS),
    "store": "prefix = %(root)s or prefix like %(root)s || '.%%'",
    "api_keys": "kind = 'customer' and subject = %(customer)s",
    "idempotency_keys": f"owner = %(principal)s or thread_id in ({OWNED_BY['thread_id']})",
    # One company's outlets may be those of several customers.
    "outlets": f"bill_to in ({OWN_CONTACTS}) and bill_to not in ({OTHERS_CONTACTS})",
    "audit": "actor = %(customer)s or subject = %(customer)s or subject in"
    f" (select id::text from ({OWNED_BY['thread_id']}) o(id)"
    f" union all select id::text from ({OWNED_BY['run_id']}) o(id)"
    f" union all select id::text from ({OWNED_BY['action_id']}) o(id)"
    " union all select key_id from api_keys where kind = 'customer' and subject = %(customer)s"
    f" union all select 'T-' || lpad(id::text, 6, '0') from ({OWNED_BY['ticket_id']}) o(id))",
}
# Nothing in them comes from customers or is about one.
NOBODYS = frozenset(
    (
        *("migrations", "checkpoint_migrations", "store_migrations", "vector_migrations"),
        *("audit_seals", "signing_keys", "xero_tokens", "xero_sign_ins", "xero_events"),
        *("log_level", "synthetic_conversation", "servers"),
    )
)
TITLES: Mapping[str, str] = {
    "threads": "Conversations",
    "messages": "Messages, theirs and ours",
    "runs": "Turns: who asked, what was asked for, what was remembered",
    "actions": "Cards: what was proposed, agreed to and decided",
    "action_writes": "What cards wrote into the books",
    "tickets": "Tickets with what was handed over to people",
    "document_links": "Links to documents that were given out",
    "payment_watches": "Payments they asked to hear of",
    "payments_told": "Payments they were told of",
    "store": "Items that their programs keep here",
    "api_keys": "Their API keys, without the secrets",
    "idempotency_keys": "Answers kept so that a repeated request is done once",
    "outlets": "Their delivery addresses and contact persons",
    "audit": "Who did what with all that",
    "checkpoints": "Working memory of turns: steps",
    "checkpoint_blobs": "Working memory of turns: values",
    "checkpoint_writes": "Working memory of turns: what steps wrote",
    "customers": "Name and company, as their sign-in gave them",
    "feedback": "What they said of our answers",
    "notes": "What colleagues noted about them",
    "trials": "Turns played again to try something out",
    "repairs": "What operators did to turns",
}
# Proofs of a secret: they say nothing to anybody, and would help a thief.
LEFT_OUT = frozenset(("token_hash", "secret_hash", "fingerprint", "holder"))
TABLES = """
select table_name, column_name, data_type from information_schema.columns c
where table_schema = current_schema() and exists (select 1 from information_schema.tables t
  where t.table_schema = c.table_schema and t.table_name = c.table_name
    and t.table_type = 'BASE TABLE')
order by table_name, ordinal_position"""


@dataclass(frozen=True)
class Whose:
    """One customer, in every way in which rows name them."""

    customer_id: str

    @cached_property
    def values(self) -> dict[str, str]:
        """What the conditions on rows are filled with."""
        principal = f"customer:{self.customer_id}"
        root = hashlib.sha256(principal.encode()).hexdigest()  # as tools/store.py names it
        return {"customer": self.customer_id, "principal": principal, "root": root}


@dataclass(frozen=True)
class Place:
    """A table that holds something of customers, and which of its rows are one's."""

    table: str
    columns: tuple[str, ...]
    condition: str

    @property
    def title(self) -> str:
        """What the rows are, for people."""
        return TITLES.get(self.table) or self.table.replace("_", " ").capitalize()

    @property
    def where(self) -> sql.Composed:
        """From the table, the rows of the customer that the values name."""
        condition = sql.SQL(self.condition)
        return sql.SQL("from {} where {}").format(sql.Identifier(self.table), condition)

    @property
    def shown(self) -> sql.Composed:
        """The columns that are the customer's to see."""
        names = [sql.Identifier(name) for name in self.columns if name not in LEFT_OUT]
        return sql.SQL(", ").join(names)


async def places(connection: Connection) -> list[Place]:
    """Every table with something of customers, the ones that people look for first."""
    found: dict[str, list[str]] = {}
    for row in await (await connection.execute(TABLES)).fetchall():
        found.setdefault(row["table_name"], []).append(row["column_name"])
    order = list(TITLES)
    known = [
        Place(table, tuple(columns), condition)
        for table, columns in found.items()
        if (condition := condition_of(table, columns))
    ]
    return sorted(known, key=lambda p: (order.index(p.table) if p.table in order else 99, p.table))


def condition_of(table: str, columns: list[str]) -> str:
    """Which rows of a table are one customer's; empty where none are anybody's."""
    if table in NOBODYS:
        return ""
    if table in SPECIAL:
        return SPECIAL[table]
    owner = next((name for name in OWNED_BY if name in columns), None)
    return f"{owner} in ({OWNED_BY[owner]})" if owner else ""

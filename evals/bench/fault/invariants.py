"""What must hold of money, customers, logs and resources, whatever was struck.

Each finding begins with the invariant that is broken: I1 an order stands in the books once, after
the yes; I5 nobody is told of another customer's documents; I6 nothing is left open; I8 no secret
stands in a log; I9 each write has its trail.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from evals.bench.fault.cluster import Cluster
from evals.bench.fault.load import Conversation
from graph.studio import demo_caller
from tools.sandbox.company import demo_customers

SETTLED_SECONDS = 60.0
NOT_THERE = ("DELETED", "VOIDED")
TRAIL = ["action.confirmed", "action.written", "action.committed"]
UNFINISHED = (
    "select 1 from actions where status = 'approved'"
    " or status = 'confirmed' and approval_level is null limit 1"
)
CARDS = (
    "select kind, status, error, document_number, card->>'total' as total, array(select event"
    "  from audit where subject = action_id::text and event = any(%s) order by audit_id) as trail"
    " from actions"
)
SAID = "select thread_id::text, content from messages where role = 'ai'"
CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database()"
DOCUMENT = re.compile(r"\b(?:INV|TRIA|CN|QU)-\d{4,}\b")
SECRETS = ("TRIA_SECRET", "XERO_CLIENT_SECRET", "DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY")
# What a replica holds at most while nothing is asked of it, and files beside connections.
CONNECTIONS_EACH, FILES_EACH = 24, 160


async def settled(cluster: Cluster) -> bool:
    """Wait until every card that was agreed to has ended; False when that takes too long."""
    end = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < end:
        with psycopg.connect(cluster.database_url) as connection:
            if connection.execute(UNFINISHED).fetchone() is None:
                return True
        await asyncio.sleep(0.2)
    return False


def broken(cluster: Cluster, conversations: Sequence[Conversation]) -> list[str]:
    """All that is wrong after everything has healed and is quiet."""
    documents = httpx.get(f"{cluster.control}/documents", params={"kind": "invoice"}).json()
    with psycopg.connect(cluster.database_url, row_factory=dict_row) as connection:
        cards = connection.execute(CARDS, [TRAIL]).fetchall()
        said = connection.execute(SAID).fetchall()
        open_now = connection.execute(CONNECTIONS).fetchall()[0]["count"]
    return [
        *_money(cards, documents),
        *_foreign(said, documents, conversations),
        *_left_open(cluster, open_now),
        *_logged(cluster),
    ]


def _money(cards: Sequence[dict[str, Any]], documents: Sequence[dict[str, Any]]) -> list[str]:
    found: dict[str, list[Decimal]] = {}
    for each in documents:
        if each["Status"] not in NOT_THERE:
            found.setdefault(each["InvoiceNumber"], []).append(Decimal(str(each["Total"])))
    wrong = []
    for card in cards:
        number, totals = card["document_number"], found.pop(card["document_number"], [])
        wanted = [Decimal(card["total"])] if card["status"] == "committed" else []
        if totals != wanted:
            wrong.append(f"I1 {number} {card['status']} {card['error']}: in the books {totals}")
        if wanted and card["trail"] != TRAIL:
            wrong.append(f"I9 {number}: {card['trail']}")
    return wrong + [f"I1 {number} has no card" for number in found if number.startswith("TRIA-")]


def _foreign(
    said: Sequence[dict[str, Any]],
    documents: Sequence[dict[str, Any]],
    conversations: Sequence[Conversation],
) -> list[str]:
    owners = {each["InvoiceNumber"]: each["Contact"]["ContactID"] for each in documents}
    callers = {c.thread_id: demo_caller(customer_of(c.number)) for c in conversations}
    return [
        f"I5 {callers[row['thread_id']].customer_id} was told of {number}"
        for row in said
        if row["thread_id"] in callers
        for number in DOCUMENT.findall(row["content"])
        if owners.get(number, "") not in ("", *callers[row["thread_id"]].contact_ids)
    ]


def customer_of(number: int) -> Any:
    """Whom the cluster signs in under this number."""
    customers = demo_customers()
    return customers[number % len(customers)]


def _left_open(cluster: Cluster, connections: int) -> list[str]:
    wrong = []
    if connections > CONNECTIONS_EACH * len(cluster.replicas):
        wrong.append(f"I6 {connections} connections to Postgres")
    for replica in cluster.replicas:
        files = len(list(Path(f"/proc/{replica.pid}/fd").iterdir()))
        if files > FILES_EACH:
            wrong.append(f"I6 replica {replica.number} holds {files} files")
    return wrong


def _logged(cluster: Cluster) -> list[str]:
    """Secrets of the settings in what the replicas logged."""
    texts = {log.name: log.read_text(errors="replace") for log in cluster.folder.glob("serv*.log")}
    return [
        f"I8 {file} has {name}"
        for file, text in texts.items()
        for name in SECRETS
        if cluster.variables.get(name, file) in text
    ]

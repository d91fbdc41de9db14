"""Idempotency keys: a write sent again under its key gets the first answer, for six minutes."""

import hashlib
from datetime import timedelta

from tools.sandbox.xero.call import Call
from tools.sandbox.xero.wire import Reply, bad_request

KEPT = timedelta(minutes=6)
LONGEST_KEY = 128
HEADER = "idempotency-key"


def fingerprint(method: str, url: str, body: bytes) -> str:
    """What must be the same under one key."""
    return hashlib.sha256(b"\0".join((method.encode(), url.encode(), body))).hexdigest()


def recall(call: Call, mark: str) -> Reply | None:
    """The answer kept under the call's key; raises Refused if the key was used for another."""
    key = call.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise bad_request(10, "ValidationException", f"Idempotency-Key: 1 to {LONGEST_KEY} signs")
    oldest = (call.books.now - KEPT).timestamp()
    found = call.store.db.execute(
        "select fingerprint, status, body, media_type from idempotency where key = ? and at > ?",
        (key, oldest),
    ).fetchone()
    if found is None:
        return None
    if found[0] != mark:
        message = "The idempotency key was already used for a different request"
        raise bad_request(10, "ValidationException", message)
    return Reply(*found[1:])


def remember(call: Call, mark: str, reply: Reply) -> None:
    """Keep the answer, an error too, under the call's key."""
    if key := call.headers.get(HEADER):
        at = call.books.now.timestamp()
        call.store.db.execute(
            "insert or replace into idempotency values (?, ?, ?, ?, ?, ?)",
            (key, mark, at, reply.status, reply.media_type, reply.body),
        )

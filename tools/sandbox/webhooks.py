"""Tells a listener on this machine what happened in the books, signed the way Xero signs."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import httpx

from tools.sandbox.company import company
from tools.sandbox.store import Event, Json, Store

TARGET = "webhook target"
TIMEOUT_SECONDS = 5
KEPT_DELIVERIES = 1000
PLURALS = {"INVOICE": "Invoices", "CONTACT": "Contacts", "CREDITNOTE": "CreditNotes"}
_CATEGORIES = {"invoice": "INVOICE", "contact": "CONTACT", "credit_note": "CREDITNOTE"}

# `key_decoded` signs with the key read as base64, which is the listener's usual mistake.
Signature = Literal["good", "wrong", "missing", "key_decoded"]


@dataclass(frozen=True)
class Target:
    """Who listens, and the key that the signatures are made with."""

    url: str
    key: str


@dataclass(frozen=True)
class Delivery:
    """One POST and what came back; `status` is None when nothing did, and `error` says why."""

    at: str
    url: str
    signature: Signature
    body: Json
    status: int | None
    seconds: float
    error: str = ""
    answered_with_body: bool = False
    answered_with_cookies: bool = False


class Webhooks:
    """The listener, the deliveries that are under way, and a log of those that ended."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._under_way: set[asyncio.Task[Delivery]] = set()
        self.log: deque[Delivery] = deque(maxlen=KEPT_DELIVERIES)
        self.sequence = 0

    @property
    def target(self) -> Target | None:
        kept = self._store.read_meta(TARGET)
        return Target(**json.loads(kept)) if kept else None

    def register(self, target: Target | None) -> None:
        """Send to that listener from now on; to nobody if it is None."""
        kept = {"url": target.url, "key": target.key} if target else None
        self._store.write_meta(TARGET, json.dumps(kept) if kept else "")

    def publish(self) -> None:
        """Send what happened since the last call, without waiting for the answer."""
        happened = self._store.take_events()
        target = self.target
        if not happened or target is None:
            return
        body = batch([self._described(event) for event in happened], happened[0].sequence)
        self.sequence = happened[-1].sequence
        task = asyncio.create_task(self.deliver(target, body, "good"))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def deliver(self, target: Target, body: Json, signature: Signature) -> Delivery:
        """Send one body and log what came back."""
        sent, begin, at = json.dumps(body).encode(), time.monotonic(), self._now().isoformat()
        headers = {"Content-Type": "application/json"} | _signed(sent, target.key, signature)
        status, error, answer = None, "", None
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
                answer = await http.post(target.url, content=sent, headers=headers)
                status = answer.status_code
        except httpx.HTTPError as failure:
            error = type(failure).__name__
        delivery = Delivery(
            at,
            target.url,
            signature,
            body,
            status,
            round(time.monotonic() - begin, 3),
            error,
            answered_with_body=bool(answer and answer.content),
            answered_with_cookies=bool(answer and "set-cookie" in answer.headers),
        )
        self.log.append(delivery)
        return delivery

    async def settle(self) -> None:
        """Wait for the deliveries that are under way."""
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        """Give up the deliveries that are under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _described(self, event: Event) -> Json:
        category = _CATEGORIES[event.kind]
        found = described(category, event.type, event.id, datetime.fromisoformat(event.at))
        if category == "CREDITNOTE":
            note = self._store.get(event.kind, event.id) or {}
            found["data"] = {name: note.get(name) for name in ("Type", "Status")}
        return found


def is_on_this_machine(url: str) -> bool:
    """Whether the address is http(s) to a loopback host."""
    try:
        found = urlsplit(url)
        host, _port = found.hostname or "", found.port
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
    return found.scheme in ("http", "https") and is_loopback


def described(category: str, kind: str, resource_id: str, at: datetime, tenant: str = "") -> Json:
    """One event as Xero words it."""
    path = f"{PLURALS.get(category, category.title())}/{resource_id}"
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/{path}",
        "resourceId": resource_id,
        "eventDateUtc": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
        "eventType": kind,
        "eventCategory": category,
        "tenantId": tenant or company()["organisation"]["tenant_id"],
        "tenantType": "ORGANISATION",
    }


def batch(events: Sequence[Json], first_sequence: int) -> Json:
    """The body of one POST; without events, as in an intent to receive, both sequences are 0."""
    return {
        "events": list(events),
        "firstEventSequence": first_sequence if events else 0,
        "lastEventSequence": first_sequence + len(events) - 1 if events else 0,
        "entropy": secrets.token_hex(10).upper(),
    }


def _signed(body: bytes, key: str, signature: Signature) -> dict[str, str]:
    if signature == "missing":
        return {}
    used = base64.b64decode(key + "===") if signature == "key_decoded" else key.encode()
    if signature == "wrong":
        used = b"not " + used
    made = hmac.new(used, body, hashlib.sha256).digest()
    return {"x-xero-signature": base64.b64encode(made).decode()}

"""What all parts of one running sandbox share."""

from collections import Counter, deque
from dataclasses import dataclass, field

from tools.sandbox.clock import Clock
from tools.sandbox.company import company
from tools.sandbox.faults import Faults
from tools.sandbox.store import Store
from tools.sandbox.webhooks import Webhooks
from tools.sandbox.xero.limits import Limits

KEPT_CALLS = 5000


@dataclass(frozen=True)
class Connection:
    """An organisation that the app is connected to; only the demo company has books."""

    tenant_id: str
    name: str


@dataclass(frozen=True)
class Answered:
    """A call to the accounting API and its answer; `number` counts them, `ms` is what it took."""

    number: int
    method: str
    path: str
    query: dict[str, str]
    status: int
    ms: float


def demo_connections() -> list[Connection]:
    """The demo company alone."""
    facts = company()["organisation"]
    return [Connection(facts["tenant_id"], facts["name"])]


@dataclass
class Desk:
    """State on disk, clock, limits, ordered faults, webhooks, requests and the latest calls."""

    store: Store
    clock: Clock
    limits: Limits
    webhooks: Webhooks
    faults: Faults = field(default_factory=Faults)
    connections: list[Connection] = field(default_factory=demo_connections)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: deque[Answered] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))
    latency_seconds: float = 0.0

"""What all parts of one running sandbox share."""

from collections import Counter
from dataclasses import dataclass, field

from tools.sandbox.clock import Clock
from tools.sandbox.company import company
from tools.sandbox.faults import Faults
from tools.sandbox.store import Store
from tools.sandbox.webhooks import Webhooks
from tools.sandbox.xero.limits import Limits


@dataclass(frozen=True)
class Connection:
    """An organisation that the app is connected to; only the demo company has books."""

    tenant_id: str
    name: str


def demo_connections() -> list[Connection]:
    """The demo company alone."""
    facts = company()["organisation"]
    return [Connection(facts["tenant_id"], facts["name"])]


@dataclass
class Desk:
    """State on disk, clock, limits, ordered faults, webhooks and the count of requests."""

    store: Store
    clock: Clock
    limits: Limits
    webhooks: Webhooks
    faults: Faults = field(default_factory=Faults)
    connections: list[Connection] = field(default_factory=demo_connections)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    latency_seconds: float = 0.0

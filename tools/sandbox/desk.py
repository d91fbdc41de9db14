"""What all parts of one running sandbox share."""

from collections import Counter
from dataclasses import dataclass, field

from tools.sandbox.clock import Clock
from tools.sandbox.faults import Faults
from tools.sandbox.store import Store
from tools.sandbox.xero.limits import Limits


@dataclass
class Desk:
    """State on disk, clock, limits, ordered faults and the count of requests."""

    store: Store
    clock: Clock
    limits: Limits
    faults: Faults = field(default_factory=Faults)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    latency_seconds: float = 0.0

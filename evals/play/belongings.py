"""What in the books belongs to a customer, and what to others: by number, id, name, address."""

from evals.bench.cross.ledger import Ledger, Values
from evals.lanes.lane import Lane
from tools.sandbox.company import DemoCustomer

_KEPT: dict[tuple[str, str], tuple[list[str], list[str]]] = {}


def belongings(customer: DemoCustomer, lane: Lane) -> tuple[list[str], list[str]]:
    """What is the customer's own, and what gives others away.

    To be asked in a fresh world, which is the same for every case of the same day.
    """
    key = (customer.customer_id, lane.now().date().isoformat())
    if key not in _KEPT:
        ledger, own = Ledger.read(lane.sandbox_url), customer.contact_ids
        _KEPT[key] = (_texts(ledger.of(own)), _texts(ledger.others(own)))
    return _KEPT[key]


def _texts(values: Values) -> list[str]:
    return sorted(values.numbers | values.ids | values.texts)

"""The words that a case may use, taken from the code that they belong to."""

from functools import cache
from typing import get_args

from nodes.call_xero_tools import BY_WANT, PLAN
from nodes.reads.orders import read_relationship
from tools.sandbox.company import demo_customers, demo_staff, products
from tools.sandbox.faults import Mode
from tools.sandbox.xero.operations import OPERATIONS
from tools.search.texts import load_policies
from tools.xero.toolset import TOOLS
from tools.xero.writes import Operation


@cache
def reads() -> frozenset[str]:
    """The reads of all plans, by name."""
    plans = [*PLAN.values(), *BY_WANT.values(), (read_relationship,)]
    return frozenset(read.__name__ for plan in plans for read in plan)


@cache
def writes() -> frozenset[str]:
    """What may be written in Xero."""
    return frozenset(get_args(Operation))


@cache
def tools() -> frozenset[str]:
    """Everything that a case may expect to be called: reads, what models pick, writes."""
    return reads() | writes() | frozenset(TOOLS)


@cache
def sections() -> frozenset[str]:
    """The ids of all policy sections."""
    return frozenset(section.id for section in load_policies())


@cache
def customers() -> frozenset[str]:
    """Who can sign in."""
    return frozenset(customer.customer_id for customer in demo_customers())


@cache
def levels() -> frozenset[int]:
    """The levels of the demo's staff."""
    return frozenset(staff.level for staff in demo_staff())


@cache
def codes() -> frozenset[str]:
    """The codes of all products."""
    return frozenset(product["code"] for product in products())


@cache
def fault_modes() -> frozenset[str]:
    """How the sandbox can fail."""
    return frozenset(get_args(Mode))


@cache
def fault_operations() -> frozenset[str]:
    """Where the sandbox can fail."""
    return frozenset(OPERATIONS) | {"*", "POST /connect/token"}

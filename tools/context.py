"""What a turn may use: who asks and the clients. Never checkpointed, never shown to a model."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tools.actions import Actions
from tools.catalogue import Catalogue
from tools.intents import IntentClassifier
from tools.knowledge import Knowledge
from tools.model import Model
from tools.outlets import Outlets
from tools.tickets import Tickets
from tools.xero.scoped import Accounts


@dataclass(frozen=True)
class Caller:
    """The signed-in customer. Contact ids come from the sign-in and from nowhere else."""

    customer_id: str
    name: str
    company: str
    contact_ids: tuple[str, ...]
    roles: frozenset[str]
    channel: str = "web"


@dataclass(frozen=True)
class Context:
    """`now` is the clock in Singapore time; `model` is None when none is configured."""

    caller: Caller
    accounts: Accounts
    outlets: Outlets
    catalogue: Catalogue
    knowledge: Knowledge
    classifier: IntentClassifier
    actions: Actions
    tickets: Tickets
    model: Model | None
    sales_account: str
    now: Callable[[], datetime]

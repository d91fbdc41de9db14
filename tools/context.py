"""What a turn may use: who asks and the clients. Never checkpointed, never shown to a model.

Two clients take a second each to import, so their modules are imported when they are built.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from tools.actions import Actions
from tools.answers import Answers
from tools.model.usage import Usage
from tools.ordering.catalogue import Catalogue
from tools.outlets import Outlets
from tools.tickets import Tickets
from tools.understanding.intents import IntentClassifier
from tools.xero.scoped import Accounts

OnUsage = Callable[[Usage], None]
Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True)
class Caller:
    """The signed-in customer. Contact ids come from the sign-in and from nowhere else."""

    customer_id: str
    name: str
    company: str
    contact_ids: tuple[str, ...]
    roles: frozenset[str]
    channel: str = "web"


class PolicySearch(Protocol):
    """What a turn asks of the policies: passages, nearest first; raises BackendUnavailable."""

    async def search(
        self, query: str, k: int = 4, language: str = "en"
    ) -> Sequence[Mapping[str, object]]: ...


class LanguageModel(Protocol):
    """What a turn asks of a model."""

    @property
    def name(self) -> str: ...

    def stream(
        self, messages: Sequence[BaseMessage], on_usage: OnUsage | None = None
    ) -> AsyncGenerator[str]: ...

    async def fill(
        self, schema: type[Form], messages: Sequence[BaseMessage], on_usage: OnUsage | None = None
    ) -> Form: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Context:
    """`now` is the clock in Singapore time; `model` is None when none is configured."""

    caller: Caller
    accounts: Accounts
    outlets: Outlets
    catalogue: Catalogue
    knowledge: PolicySearch
    classifier: IntentClassifier
    actions: Actions
    answers: Answers
    tickets: Tickets
    model: LanguageModel | None
    sales_account: str
    now: Callable[[], datetime]

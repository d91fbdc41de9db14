"""What a turn may use: who asks and the clients. Never checkpointed, never shown to a model.

Two clients take a second each to import, so their modules are imported when they are built.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from tools.actions.claims import Claims
from tools.actions.store import Actions
from tools.answers import Answers
from tools.documents.links import Links
from tools.model.usage import Usage
from tools.ordering.catalogue import Catalogue
from tools.outlets import Outlets
from tools.tickets import Tickets
from tools.understanding.intents import IntentClassifier
from tools.watches import Watches
from tools.xero.books import Books
from tools.xero.guesses import Looks
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

    @property
    def scope(self) -> dict[str, Any]:
        """Plain data to be stored, so that any process can go on for the same customer."""
        return {
            "customer_id": self.customer_id,
            "name": self.name,
            "company": self.company,
            "contact_ids": list(self.contact_ids),
            "roles": sorted(self.roles),
            "channel": self.channel,
        }

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Caller":
        """Who it was, from what was stored."""
        return cls(
            customer_id=scope["customer_id"],
            name=scope["name"],
            company=scope["company"],
            contact_ids=tuple(scope["contact_ids"]),
            roles=frozenset(scope["roles"]),
            channel=scope["channel"],
        )


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

    async def pick(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[Mapping[str, Any]],
        most: int = 3,
        on_usage: OnUsage | None = None,
    ) -> list[tuple[str, dict[str, Any]]]: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Context:
    """`now` is the clock in Singapore time; `model` is None when none is configured.

    `public_url` is where customers reach this service: links to documents begin with it.
    """

    caller: Caller
    accounts: Accounts
    books: Books
    guesses: Looks
    outlets: Outlets
    catalogue: Catalogue
    knowledge: PolicySearch
    classifier: IntentClassifier
    actions: Actions
    claims: Claims
    links: Links
    answers: Answers
    tickets: Tickets
    watches: Watches
    model: LanguageModel | None
    sales_account: str
    public_url: str
    now: Callable[[], datetime]

"""Request bodies of the LangGraph Server protocol, as far as they are served here."""

import json
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tools.screening.readable import LONGEST_MESSAGE, is_storable

StreamMode = Literal["values", "messages-tuple", "updates", "custom"]
Item = TypeVar("Item")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError(f"at most {LONGEST_MESSAGE} characters, without NUL or lone surrogates")
    return text


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    # JSON escapes a NUL, which Postgres refuses all the same; NaN is no JSON.
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not is_storable(text) or "\\u0000" in text:
        raise ValueError("too large, or holds what cannot be stored")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]


class Body(BaseModel):
    """Clients send more than they need: what is not known here is not an error."""

    model_config = ConfigDict(extra="ignore")


class TextBlock(Body):
    """A piece of text in a message's content."""

    type: Literal["text"]
    text: Text


class Decision(Body):
    """The customer's answer to a card by its button."""

    action_id: UUID
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    decision: Literal["confirm", "decline"]


class Extras(Body):
    """What the chat page adds to a message."""

    action: Decision | None = None


class InputMessage(Body):
    """One message of the customer, in OpenAI's or LangChain's form."""

    id: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    role: Literal["user", "human"] | None = None
    type: Literal["human", "user"] | None = None
    content: Text | list[TextBlock]
    additional_kwargs: Extras = Extras()

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(block.text for block in self.content)


class RunInput(Body):
    """The input of a turn. Several messages are one turn."""

    messages: Annotated[list[InputMessage], Field(min_length=1, max_length=20)]


class RunCreate(Body):
    """A turn to run."""

    assistant_id: str
    input: RunInput
    metadata: Metadata = {}
    stream_mode: Annotated[list[StreamMode], BeforeValidator(_as_list)] = ["values"]
    stream_resumable: bool = False
    multitask_strategy: Literal["enqueue", "reject"] = "enqueue"
    if_not_exists: Literal["create", "reject"] = "reject"


class ThreadCreate(Body):
    """A conversation to open."""

    thread_id: UUID | None = None
    metadata: Metadata = {}
    if_exists: Literal["raise", "do_nothing"] = "raise"


class ThreadSearch(Body):
    """Which conversations to list."""

    metadata: Metadata = {}
    limit: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0, le=100_000)


class ThreadUpdate(Body):
    """Metadata to merge into a conversation's."""

    metadata: Metadata = {}


class AssistantSearch(Body):
    """Which assistants to list."""

    graph_id: str | None = None
    limit: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0)


class HistorySearch(Body):
    """How many checkpoints to list."""

    limit: int = Field(10, ge=1, le=100)

"""Request bodies of the LangGraph Server protocol, as far as they are served here."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from tools.screening.readable import LONGEST_MESSAGE, is_storable

# fmt: off
StreamMode = Literal[
    "values", "messages", "messages-tuple", "updates", "custom",
    "tasks", "checkpoints", "debug", "events",
]
Role = Literal[
    "user", "human",
    "ai", "assistant", "AIMessageChunk", "tool", "function", "system", "developer",
]
# fmt: on
OTHERS = tuple(role for role in get_args(Role) if role not in ("user", "human"))
MOST_SAID = 20  # messages of one turn
LONGEST_DELAY_SECONDS = 30 * 24 * 3600
Item = TypeVar("Item")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _or_none(value: Any) -> Any:
    """Some clients send an empty object for nothing."""
    return None if value == {} else value


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
Nodes = list[Annotated[str, Field(max_length=100)]]
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
    """One message, in OpenAI's or LangChain's form."""

    id: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    role: Role | None = None
    type: Role | None = None
    content: Text | list[TextBlock]
    additional_kwargs: Extras = Extras()

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(block.text for block in self.content)


def _beginning(speakers: Iterable[tuple[object, object]]) -> int:
    """Behind the last message that is not the customer's; roles and types name who speaks."""
    others = (n for n, (role, type_) in enumerate(speakers, 1) if role in OTHERS or type_ in OTHERS)
    return max(others, default=0)


def _without_history(messages: Any) -> Any:
    """Of what stands before somebody else's words only the speaker is looked at."""
    if not isinstance(messages, list):
        return messages
    known = [each if isinstance(each, dict) else {} for each in messages]
    begin = _beginning((each.get("role"), each.get("type")) for each in known)
    return [_reduced(each) for each in messages[:begin]] + messages[begin:]


def _reduced(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    return {name: message.get(name) for name in ("role", "type")} | {"content": ""}


def _something_said(messages: list[InputMessage]) -> list[InputMessage]:
    said = len(messages) - _beginning((m.role, m.type) for m in messages)
    if not 1 <= said <= MOST_SAID:
        raise ValueError(f"end with what the customer says, in 1 to {MOST_SAID} messages")
    return messages


class RunInput(Body):
    """The input of a turn. What the customer said since anybody else spoke is one turn.

    A graph that has this one as a node sends everything that was said in it.
    """

    messages: Annotated[
        list[InputMessage],
        Field(min_length=1, max_length=1000),
        BeforeValidator(_without_history),
        AfterValidator(_something_said),
    ]

    @property
    def said(self) -> list[InputMessage]:
        """The messages that the turn answers."""
        return self.messages[_beginning((m.role, m.type) for m in self.messages) :]


class Command(Body):
    """What else than input a run may begin with.

    `resume` answers what the thread waits for: a customer's card, or a colleague's decision.
    """

    resume: Any = None
    update: dict[str, Any] | None = None
    goto: str | list[str] | None = None


class Checkpoint(Body):
    """A moment in a conversation's history."""

    checkpoint_id: Annotated[Text, Field(max_length=100)] | None = None


class RunCreate(Body):
    """A turn to run."""

    assistant_id: str
    input: Annotated[RunInput | None, BeforeValidator(_or_none)] = None
    command: Annotated[Command | None, BeforeValidator(_or_none)] = None
    checkpoint: Checkpoint | None = None
    checkpoint_id: Annotated[Text, Field(max_length=100)] | None = None
    metadata: Metadata = {}
    config: Metadata = {}
    context: Metadata = {}
    stream_mode: Annotated[list[StreamMode], BeforeValidator(_as_list), Field(max_length=20)] = [
        "values"
    ]
    stream_subgraphs: bool = False
    stream_resumable: bool = False
    on_disconnect: Literal["cancel", "continue"] = "continue"
    on_completion: Literal["delete", "keep"] = "delete"
    multitask_strategy: Literal["enqueue", "reject", "interrupt", "rollback"] = "enqueue"
    if_not_exists: Literal["create", "reject"] = "reject"
    interrupt_before: Annotated[Nodes, Field(max_length=50)] | Literal["*"] | None = None
    interrupt_after: Annotated[Nodes, Field(max_length=50)] | Literal["*"] | None = None
    after_seconds: Annotated[float, Field(ge=0, le=LONGEST_DELAY_SECONDS)] | None = None
    webhook: Annotated[Text, Field(max_length=500)] | None = None
    durability: Literal["sync", "async", "exit"] = "async"

    @property
    def from_checkpoint(self) -> str | None:
        """The checkpoint to begin at, however it was named."""
        named = self.checkpoint.checkpoint_id if self.checkpoint else None
        return named or self.checkpoint_id


class RunsCancel(Body):
    """Which runs of a thread to end early: those named, or all of a status."""

    thread_id: UUID
    run_ids: Annotated[list[UUID], Field(max_length=100)] | None = None
    status: Literal["pending", "running", "all"] | None = None

    @model_validator(mode="after")
    def _named(self) -> "RunsCancel":
        if (self.run_ids is None) == (self.status is None):
            raise ValueError("name either run_ids or status")
        return self

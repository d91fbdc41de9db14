"""Request bodies about threads, their states and assistants."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from api.schemas import Body, Checkpoint, Metadata, Text

LONGEST_TTL_MINUTES = 10 * 365 * 24 * 60
MOST_STATES = 100  # of one page
Path = Annotated[str, Field(max_length=100)]
Selected = Annotated[list[Path], Field(max_length=20)] | None  # fields of the answer


class Ttl(Body):
    """How long a thread is kept after it was made, or after this was last changed."""

    ttl: Annotated[float, Field(gt=0, le=LONGEST_TTL_MINUTES)]
    strategy: Literal["delete"] = "delete"


def _as_ttl(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"ttl": value} if is_number else value


def _is_nothing(value: Any) -> Any:
    if value:
        raise ValueError("a conversation begins empty: say its messages in runs")
    return value


Ids = Annotated[list[UUID], Field(max_length=100)]


class Kept(Body):
    """A conversation that may go by itself."""

    ttl: Annotated[Ttl | None, BeforeValidator(_as_ttl)] = None

    @property
    def ttl_minutes(self) -> float | None:
        """After how many minutes it goes."""
        return self.ttl.ttl if self.ttl else None


class ThreadCreate(Kept):
    """A conversation to open."""

    thread_id: UUID | None = None
    metadata: Metadata = Field(default_factory=dict)
    if_exists: Literal["raise", "do_nothing"] = "raise"
    supersteps: Annotated[list[Any] | None, AfterValidator(_is_nothing)] = None


def _not_by_values(value: Any) -> Any:
    if value:
        raise ValueError("threads are found by metadata, ids and status, not by values")
    return value


class ThreadCount(Body):
    """Which conversations are looked for."""

    metadata: Metadata | None = None
    values: Annotated[dict[str, Any] | None, AfterValidator(_not_by_values)] = None
    status: Literal["idle", "busy", "interrupted", "error"] | None = None


class ThreadSearch(ThreadCount):
    """Which conversations to list."""

    ids: Ids | None = None
    limit: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0, le=100_000)
    sort_by: (
        Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None
    ) = None
    sort_order: Literal["asc", "desc"] | None = None
    select: Selected = None
    extract: Annotated[dict[str, Path], Field(max_length=10)] | None = None


class ThreadUpdate(Kept):
    """Metadata to merge into a conversation's."""

    metadata: Metadata = Field(default_factory=dict)


class ThreadsPrune(Body):
    """Which conversations go, or keep only their last turn's checkpoints."""

    thread_ids: Ids
    strategy: Literal["delete", "keep_latest"] = "delete"


class AssistantSearch(Body):
    """Which assistants to list."""

    graph_id: str | None = None
    name: str | None = None
    metadata: Metadata | None = None
    limit: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0)


class AssistantCreate(Body):
    """An assistant to make sure of."""

    graph_id: str
    if_exists: Literal["raise", "do_nothing"] = "raise"


class AssistantLatest(Body):
    """Which version of an assistant to use."""

    version: int


class StateAt(Body):
    """A moment of a conversation to look at."""

    checkpoint: Checkpoint = Checkpoint()
    select: Selected = None


class StateUpdate(Body):
    """What to change in a conversation's state, as if a node had returned it."""

    values: dict[str, Any] | None = None
    as_node: Annotated[Text, Field(max_length=100)] | None = None
    checkpoint: Checkpoint | None = None
    checkpoint_id: Annotated[Text, Field(max_length=100)] | None = None

    @property
    def from_checkpoint(self) -> str | None:
        """The checkpoint to change, however it was named."""
        named = self.checkpoint.checkpoint_id if self.checkpoint else None
        return named or self.checkpoint_id


class Before(Body):
    """A checkpoint as graphs name it."""

    configurable: Checkpoint


class HistorySearch(Body):
    """Which checkpoints to list: a page has at most a hundred."""

    limit: Annotated[
        int, Field(ge=1, le=1000), AfterValidator(lambda wanted: min(wanted, MOST_STATES))
    ] = 10
    before: Annotated[Text, Field(max_length=100)] | Before | Checkpoint | None = None
    metadata: Metadata | None = None
    checkpoint: Checkpoint | None = None
    select: Selected = None

    @property
    def earlier_than(self) -> str | None:
        """The checkpoint that the page ends before."""
        if isinstance(self.before, Before):
            return self.before.configurable.checkpoint_id
        return self.before.checkpoint_id if isinstance(self.before, Checkpoint) else self.before

"""The form of an eval case: one conversation, and what must be true of it at each turn and its end.

`evals/datasets/schema.json` says the same to editors; a test keeps the two alike.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from nodes.state import Intent, Situation
from tools.sandbox.openai.settings import ModelSettings
from tools.understanding.wants import Want

SCHEMA_VERSION = 1
Language = Literal["en", "zh", "ms", "ta"]
CardStatus = Literal["proposed", "confirmed", "approved", "committed", "declined", "failed"]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
# Texts of a case may name what the seeded books hold of the customer: `{own}`, `{own.due}`,
# `{credit.left}` and others of evals/cases/books.py.
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class Form(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Form):
    """Where a case comes from, and which role read it and stands for what it expects."""

    kind: Literal["written", "production"] = "written"
    reviewer: Text
    captured_at: AwareDatetime | None = None
    note: str = ""


class Fault(Form):
    """Something that goes wrong in Xero at the next calls of one operation; `*` means any.

    See tools/sandbox/faults.py: the modes are the sandbox's.
    """

    operation: Text = Field(examples=["PUT /Invoices"])
    mode: str
    times: int = Field(1, ge=0, description="0: the one ordered before is over")
    after: int = Field(0, ge=0)
    seconds: float = Field(1.0, ge=0, le=60)
    problem: str = "minute"
    retry_after: int | None = 2


class ToolCall(Form):
    """A call that a turn must make: a read of nodes/call_xero_tools.py or a write to Xero.

    `args` are a subset of the call's; amounts, dates and texts are compared by value. `count` is
    exact where it is given, else the call is made at least once.
    """

    name: Text
    args: dict[str, Any] = {}
    count: int | None = Field(None, ge=0)


class Card(Form):
    """The card that a reply shows. What is not given is not compared."""

    status: CardStatus
    kind: str | None = None
    total: Decimal | None = None
    lines: dict[str, int] | None = Field(None, description="pieces by product code, all of them")
    slot: str | None = Field(None, description="text that the delivery slot contains")


class Handoff(Form):
    """The ticket that a reply tells of. What is not given is not compared."""

    reason: str | None = None
    level: int | None = Field(None, ge=1, le=4)


class Expect(Form):
    """What must be true of the answer to one step. Texts are compared without regard to case.

    Without `card` the answer must show none, without `handoff` it must open no ticket.
    """

    intents: tuple[Intent, ...] = Field((), description="all of these were understood")
    no_intents: tuple[Intent, ...] = Field((), description="none of these were understood")
    wants: tuple[Want, ...] = ()
    language: Language | None = Field(None, description="of the reply")
    situation: Situation | None = None
    tools: tuple[ToolCall, ...] = ()
    tools_forbidden: tuple[str, ...] = ()
    facts: tuple[Text | tuple[Text, ...], ...] = Field(
        (),
        description="amounts, percentages, dates, counts and document numbers that the reply must"
        " state, by value; of a list any one",
    )
    says: tuple[Text | tuple[Text, ...], ...] = Field((), description="texts; of a list any one")
    never_says: tuple[Text, ...] = ()
    cites: tuple[Text, ...] = Field((), description="beginnings of section ids, each cited")
    card: Card | None = None
    handoff: Handoff | None = None
    same_answer_as: Text | None = Field(
        None, description="in a conversation of its own, this must get the same answer to the word"
    )
    refused: int | None = Field(None, description="the HTTP status with which it is refused")
    max_seconds: float | None = Field(None, gt=0, description="to the end of the answer")


class Step(Form):
    """One thing that happens: exactly one of `user`, `button`, `staff`, `payment` or nothing.

    Time passes and faults are ordered before it. A step with nothing but `after_minutes` waits
    for what the service then does of itself.
    """

    user: Text | None = Field(None, description="a message of the customer")
    button: Literal["confirm", "decline"] | None = Field(None, description="of the latest card")
    staff: Literal["approve", "decline"] | None = Field(None, description="a person decides on it")
    payment: Text | None = Field(None, description="the invoice that is paid in full meanwhile")
    level: int = Field(2, ge=1, le=4, description="of the person who decides")
    reason: str = ""
    twice: bool = Field(default=False, description="sent twice at once under one idempotency key")
    by: Id | None = Field(None, description="another customer who sends it into this conversation")
    after_minutes: float = Field(0, ge=0)
    faults: tuple[Fault, ...] = ()
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        given = [n for n in ("user", "button", "staff", "payment") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"a step is one thing, this is {' and '.join(given)}")
        if not given and not self.after_minutes:
            raise ValueError("a step needs user, button, staff, payment or after_minutes")
        return self


class BookChange(Form):
    """Documents that are in the books at the end and were not, or were different, before."""

    kind: Literal["invoice", "quote", "credit_note", "payment", "contact", "history"]
    status: str | None = None
    total: Decimal | None = None
    pieces: dict[str, Decimal] | None = Field(None, description="quantities by product code")
    reference: str | None = Field(None, description="text that the document's reference contains")
    count: int = Field(1, ge=1)


class Ticket(Form):
    """A ticket that is open at the end."""

    reason: str
    level: int | None = None


class End(Form):
    """How the world may stand at the end. What is not listed must not have changed."""

    books: tuple[BookChange, ...] = ()
    letters: int = Field(0, ge=0, description="e-mails that Xero sent")
    tickets: tuple[Ticket, ...] | None = Field((), description="null: any")
    cards: dict[CardStatus, int] | None = Field(None, description="cards by status; null: any")


class Case(Form):
    """One conversation with a fresh copy of the demo company at a given time."""

    schema_version: Literal[1]
    id: Id
    suite: Id
    tags: tuple[Id, ...] = ()
    owner: Id
    origin: Origin
    family: Id | None = Field(None, description="cases that say the same in other words share it")
    customer: Id
    clock: AwareDatetime = Field(description="when it begins; it goes on running from there")
    model: ModelSettings | None = Field(
        None, description="how the stand-in model behaves; played only with it"
    )
    turns: tuple[Step, ...] = Field(min_length=1)
    final: End | tuple[End, ...] = Field(End(), description="of a list any one")

    @property
    def ends(self) -> tuple[End, ...]:
        """The acceptable ends."""
        return self.final if isinstance(self.final, tuple) else (self.final,)

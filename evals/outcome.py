"""What happened when a case was played, as plain data: what scorers judge and reports show."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]


class Record(BaseModel):
    """Outcomes are written to files and read again by the same version's forms."""

    model_config = ConfigDict(extra="ignore")


class NodeRun(Record):
    """One node of the graph in one superstep. Seconds are those of the whole superstep."""

    node: str
    step: int
    started_ms: float  # since the turn's first checkpoint
    ms: float
    wrote: list[str] = []  # keys of the state
    error: str | None = None


class Call(Record):
    """One tool call: a read of the plan, what a model picked, or a write of a card.

    `kind` is read, pick or write; `outcome` ok, missing, unavailable, or a write's status.
    """

    name: str
    kind: str = "read"
    args: Json = {}
    outcome: str = "ok"


class XeroCall(Record):
    """One HTTP request that reached Xero."""

    method: str
    path: str
    query: dict[str, str] = {}
    status: int
    ms: float = 0.0


class Stream(Record):
    """How the answer came. Times in ms since the request; `text` is what the pieces add up to."""

    first_event_ms: float | None = None
    first_text_ms: float | None = None
    total_ms: float = 0.0
    pieces: int = 0
    text: str = ""
    events: list[str] = []  # their kinds in order, repeated kinds once
    ids_ordered: bool = True


class Turn(Record):
    """One step of the case and everything that is known of its answer.

    `reply` is the text that the customer got; `extra` what came with it (citations, card,
    handoff). `told` are further messages that nobody asked for: of a decision, of a payment.
    `state` holds what the graph knew: understanding, facts, passages, tone, verdict, spent.
    """

    said: str = ""
    kind: str = "user"
    run_id: str | None = None
    graph_thread: str | None = None
    status: str = ""
    refused: int | None = None
    error: str | None = None
    reply: str = ""
    extra: Json = {}
    told: list[Json] = []
    state: Json = {}
    nodes: list[NodeRun] = []
    calls: list[Call] = []
    xero: list[XeroCall] = []
    stream: Stream = Stream()
    other_answer: str | None = None  # for `same_answer_as`
    is_twice_same: bool | None = None  # for `twice`: both requests named the same run


class BookDocument(Record):
    """A document of the books that is new or different at the end; `before` is None when new."""

    kind: str
    id: str
    number: str = ""
    before: Json | None = None
    after: Json


class Outcome(Record):
    """A whole conversation and what it changed.

    `actions` are rows of cards with their `writes`; `log` the service's lines meanwhile; `owned`
    and `foreign` name what belongs to the customer and to others (numbers, ids, names, mails).
    """

    thread_id: str = ""
    turns: list[Turn] = []
    books: list[BookDocument] = []
    letters: list[Json] = []
    tickets: list[Json] = []
    actions: list[Json] = []
    log: list[str] = []
    owned: list[str] = []
    foreign: list[str] = []
    seconds: float = 0.0
    crash: str | None = None  # the case could not be played


class Verdict(Record):
    """What one scorer says of one turn, or of the whole conversation (`turn` None)."""

    scorer: str
    passed: bool
    reason: str = ""
    turn: int | None = None  # from 1


class Row(Record):
    """One trial of one case: a line of results.jsonl."""

    case: str
    suite: str
    tags: list[str] = []
    owner: str = ""
    family: str = ""
    trial: int = 1
    passed: bool
    skipped: str | None = None  # why it was not played
    verdicts: list[Verdict] = []
    seconds: float = 0.0
    usd: str = "0"
    tokens: int = 0
    outcome: Outcome = Outcome()


class Versions(Record):
    """What was played: hashes of contents, so that equal hashes mean equal behaviour."""

    code: str = ""  # commit, with + when the tree differed from it
    prompts: dict[str, str] = {}  # by name
    policies: str = ""
    rules: str = ""
    model: str = "none"
    datasets: str = ""


class Run(Record):
    """A whole run: run.json beside results.jsonl."""

    id: str
    started_at: str
    mode: str  # offline, recorded, stand-in or live
    label: str = ""
    selection: Json = {}
    command: str = ""  # the options it was begun with
    trials: int = 1
    versions: Versions = Versions()
    seconds: float = 0.0
    cases: int = 0
    passed: int = 0
    complete: bool = False

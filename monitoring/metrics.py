"""What Prometheus reads. Labels are closed sets; no customer, thread or text is ever one."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from monitoring.shared import Kind, Shared

# When each series began says nothing here, and would nearly double them.
disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 30)
GAPS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5)
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
SURE = (*SHARES[:-1], 0.95, 1)
SIZES = (1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6)

TURNS = Counter("tria_turns_total", "Turns that ended, by outcome.", ["outcome"])
TURN_SECONDS = Histogram("tria_turn_seconds", "From claim to stored answer.", buckets=SECONDS)
FIRST_SENTENCE_SECONDS = Histogram(
    "tria_first_sentence_seconds", "From claim to the first sentence sent.", buckets=SECONDS
)
NODE_SECONDS = Histogram("tria_node_seconds", "Time in each node.", ["node"], buckets=SECONDS)
NODE_ERRORS = Counter("tria_node_errors_total", "Tries of a node that raised.", ["node", "error"])
PIECE_GAP = Histogram(
    "tria_piece_gap_seconds", "Between two pieces of one reply's text.", buckets=GAPS
)
CHECKPOINT_SECONDS = Histogram(
    "tria_checkpoint_seconds", "Until a checkpoint was committed.", buckets=SECONDS
)
CHECKPOINT_BYTES = Histogram(
    "tria_checkpoint_bytes", "One checkpoint with what it stores beside it.", buckets=SIZES
)
RUNS_ACTIVE = Gauge("tria_runs_active", "Turns this process works on now.")
TAKEN_OVER = Counter("tria_runs_taken_over_total", "Turns continued after their worker died.")
STREAMS_ACTIVE = Gauge("tria_streams_active", "Event streams open now.")
PART_UP = Gauge("tria_part_up", "Whether a part answered its last probe.", ["part"])
PART_SECONDS = Histogram(
    "tria_part_seconds", "How long a probe of a part took.", ["part"], buckets=SECONDS
)
BREAKER_STATE = Gauge(
    "tria_breaker_state", "0: calls pass, 1: one may try, 2: the part is left alone.", ["part"]
)
CANARIES = Counter(
    "tria_canary_total", "Synthetic conversations held here, by how they went.", ["outcome"]
)
for _outcome in ("passed", "failed"):
    CANARIES.labels(_outcome)  # so that rates begin at none
CANARY_INTERVAL = Gauge(
    "tria_canary_interval_seconds", "Time between two synthetic conversations; 0: none is held."
)
CANARY_SECONDS = Histogram(
    "tria_canary_seconds", "One synthetic conversation with all its turns.", buckets=SECONDS
)
CANARY_WORKED_AT = Gauge(
    "tria_canary_last_success_timestamp_seconds",
    "When a synthetic conversation went well for the last time, wherever it was held.",
)
REQUEST_SECONDS = Histogram(
    "tria_request_seconds", "HTTP requests.", ["method", "route", "status"], buckets=SECONDS
)
FOREIGN_DOCUMENTS = Counter(
    "tria_foreign_documents_total", "Answers of Xero refused for a document of somebody else."
)
SIGN_IN_REFUSED = Counter(
    "tria_sign_in_refused_total", "Requests whose sign-in opened nothing.", ["reason"]
)
GUESSING = Counter(
    "tria_guessing_total", "Turns that went to a person because document numbers were tried out."
)
CARDS_SWEPT = Counter(
    "tria_cards_swept_total", "Tries to finish a confirmed card that no turn works on.", ["outcome"]
)
REPLIES = Counter("tria_replies_total", "Replies, by who worded them.", ["by"])
CACHE_ASKED = Counter(
    "tria_answer_cache_total", "Questions about the rules alone, by hit or miss.", ["result"]
)
# A prompt is its version, of which a process has as many as files.
MODEL_CALLS = Counter("tria_model_calls_total", "Calls of the model.", ["purpose", "prompt"])
MODEL_TOKENS = Counter(
    "tria_model_tokens_total", "Tokens in and out.", ["purpose", "prompt", "direction"]
)
MODEL_USD = Counter(
    "tria_model_usd_total", "What calls of the model cost, in USD.", ["purpose", "prompt"]
)

# What conversations are about.
INTENTS = Counter("tria_intents_total", "What customers wanted.", ["intent", "by"])
INTENT_CONFIDENCE = Histogram(
    "tria_intent_confidence", "Of the best intent that the classifier found.", buckets=SURE
)
TURN_RESULTS = Counter("tria_turn_results_total", "What turns came to.", ["result"])
HANDOFFS = Counter("tria_handoffs_total", "Conversations handed to a person.", ["reason"])
GATE_VERDICTS = Counter(
    "tria_gate_verdicts_total", "Replies, by how they left the gate.", ["verdict"]
)
GATE_REFUSALS = Counter(
    "tria_gate_refusals_total",
    "What the gate found wrong, in a sentence or a whole reply.",
    ["rule"],
)
RETRIEVALS = Counter("tria_retrieval_total", "Look-ups of the policies.", ["result"])
RETRIEVAL_SCORE = Histogram(
    "tria_retrieval_score", "Score of the best passage of a look-up.", buckets=SHARES
)
FEEDBACK = Counter("tria_feedback_total", "Thumbs that customers gave an answer.", ["rating"])
RESOLUTIONS = Counter(
    "tria_resolutions_total", "Matters that were settled, or came back.", ["resolution"]
)
ACTIONS_ENDED = Counter("tria_actions_ended_total", "Cards that ended.", ["kind", "status"])
WRITES_DOUBLED = Counter(
    "tria_writes_doubled_total", "Look-ups that found more than one document for one write."
)

REQUESTS_REFUSED = Counter("tria_requests_refused_total", "Requests over a limit.", ["limit"])
LIMITS_SHARED = Gauge(
    "tria_limits_shared", "1 while all processes count together, 0 while Redis is away."
)
WEBHOOKS_SENT = Counter("tria_webhooks_sent_total", "Ended runs told to others.", ["outcome"])
LOOP_LAG = Histogram(
    "tria_loop_lag_seconds", "How late a timer of this process fires.", buckets=LAGS
)
SPANS_DROPPED = Counter(
    "tria_spans_dropped_total", "Spans of traces that no collector took.", ["reason"]
)
VERSION_INFO = Gauge("tria_version_info", "1: the version that runs.", ["version"])
XERO_CALL_SECONDS = Histogram(
    "tria_xero_call_seconds",
    "Calls of Xero, those that our own limits refused included.",
    ["method", "path", "outcome"],
    buckets=SECONDS,
)
XERO_CACHE = Counter("tria_xero_cache_total", "Reads of Xero that may be kept.", ["result"])
DB_POOL_SIZE = Gauge("tria_db_pool_size", "Connections that this process holds.")
DB_POOL_IN_USE = Gauge("tria_db_pool_in_use", "Those in use.")
DB_POOL_WAITING = Gauge("tria_db_pool_waiting", "Requests that wait for one.")

# Every process says the same of these: take their maximum, never their sum.
SHARED = Shared(
    {
        "tria_runs": Kind("Runs now.", "status"),
        "tria_queue_oldest_seconds": Kind("Age of the oldest run that is due and not begun."),
        "tria_runs_stuck": Kind("Runs due for long that neither ended nor wait for a person."),
        "tria_actions": Kind("Open cards.", "status"),
        "tria_actions_oldest_seconds": Kind("Age of the oldest one in that state.", "status"),
        "tria_writes_unknown": Kind("Writes that were sent and whose answer is not known."),
        "tria_writes_unknown_oldest_seconds": Kind("Age of the oldest one."),
        "tria_approvals": Kind("Cards that wait for a person; late: those too late.", "state"),
        "tria_tickets": Kind("Open tickets; late: those past their deadline.", "state"),
        "tria_xero_events": Kind("Events of Xero that are not worked on yet.", "status"),
        "tria_xero_connected": Kind("1: signed in to Xero."),
        "tria_xero_token_age_seconds": Kind("Since the refresh token was last renewed."),
        "tria_xero_day_left": Kind("Calls that Xero allows today, as last heard."),
        "tria_xero_minute_left": Kind("Calls that Xero allows in this minute, as last heard."),
        "tria_xero_day_limit": Kind("Calls allowed in a day."),
        "tria_model_budget_usd": Kind("What the model may cost in a day."),
        "tria_model_budget_left_usd": Kind("What it may still cost today."),
    }
)

ONE_OF: tuple[tuple[Counter, tuple[str, ...]], ...] = (
    (TURNS, ("succeeded", "interrupted", "failed", "cancelled")),
    (REPLIES, ("model", "templates", "both", "cache")),
    (CACHE_ASKED, ("hit", "miss")),
    (TURN_RESULTS, ("answered", "asked_back", "card", "handed_off", "unavailable")),
    (GATE_VERDICTS, ("passed", "rewritten", "templates", "fixed")),
    (RETRIEVALS, ("found", "nothing", "unavailable")),
    (FEEDBACK, ("up", "down")),
    (RESOLUTIONS, ("confirmed", "assumed", "reopened")),
    (XERO_CACHE, ("hit", "miss")),
    (WEBHOOKS_SENT, ("taken", "refused")),
    (
        CARDS_SWEPT,
        ("committed", "failed", "outdated", "ended", "held", "unavailable", "unknown"),
    ),
    (SPANS_DROPPED, ("full", "failed", "closed")),
)


def begin(counter: Counter, *closed: Iterable[str]) -> None:
    """Have a series for every combination of labels, so that rates begin at none."""
    for labels in product(*closed):
        counter.labels(*labels)


for _counter, _values in ONE_OF:
    begin(_counter, _values)

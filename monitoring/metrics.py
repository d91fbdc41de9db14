"""What Prometheus reads. Labels are closed sets; no customer, thread or text is ever one."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 30)

TURNS = Counter("tria_turns_total", "Turns that ended, by outcome.", ["outcome"])
TURN_SECONDS = Histogram("tria_turn_seconds", "From claim to stored answer.", buckets=SECONDS)
FIRST_SENTENCE_SECONDS = Histogram(
    "tria_first_sentence_seconds", "From claim to the first sentence sent.", buckets=SECONDS
)
NODE_SECONDS = Histogram("tria_node_seconds", "Time in each node.", ["node"], buckets=SECONDS)
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

REQUESTS_REFUSED = Counter("tria_requests_refused_total", "Requests over a limit.", ["limit"])
LIMITS_SHARED = Gauge(
    "tria_limits_shared", "1 while all processes count together, 0 while Redis is away."
)
WEBHOOKS_SENT = Counter("tria_webhooks_sent_total", "Ended runs told to others.", ["outcome"])

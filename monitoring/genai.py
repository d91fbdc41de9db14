"""Metrics of model and tools, by OpenTelemetry's names for generative AI: dots are underscores."""

from prometheus_client import Histogram

SECONDS = tuple(0.01 * 2**step for step in range(14))
CHUNKS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
TOKENS = tuple(4**step for step in range(12))
CALL = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
ERRORS = ("", "timeout", "rate_limit", "server", "broken", "refused", "other")

DURATION = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "One call of the model with all its tries.",
    (*CALL, "error_type"),
    buckets=SECONDS,
)
TOKEN_USAGE = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of a call.",
    ("gen_ai_token_type", *CALL),
    buckets=TOKENS,
)
FIRST_CHUNK = Histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Until the first piece of a streamed answer, further tries included.",
    CALL,
    buckets=SECONDS,
)
PER_CHUNK = Histogram(
    "gen_ai_client_operation_time_per_output_chunk_seconds",
    "Until each further piece of it.",
    CALL,
    buckets=CHUNKS,
)
TOOL_DURATION = Histogram(
    "gen_ai_execute_tool_duration_seconds",
    "One use of a tool by a turn.",
    ("gen_ai_tool_name", "error_type"),
    buckets=SECONDS,
)

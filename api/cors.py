"""Pages of other sites may ask us only where a setting names their origin, letter by letter."""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

# What clients of the protocol send, and what they read from answers.
ASKED = (
    *("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"),
    *("Prefer", "Traceparent", "X-Api-Key", "X-Auth-Scheme"),
)
SHOWN = (
    *("Content-Location", "Location", "Retry-After", "WWW-Authenticate", "X-Pagination-Total"),
    *("RateLimit", "RateLimit-Policy", "Idempotent-Replayed", "X-Trace-Id"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
KEPT_SECONDS = 600


def add_cors(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins ask. No cookies: who asks is told by the credential alone."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=list(METHODS),
        allow_headers=list(ASKED),
        expose_headers=list(SHOWN),
        allow_credentials=False,
        max_age=KEPT_SECONDS,
    )

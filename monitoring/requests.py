"""Which trace the request that is answered here belongs to."""

from contextvars import ContextVar
from typing import NamedTuple


class Origin(NamedTuple):
    """The request's trace, and the span of the caller who brought it, or ""."""

    trace_id: str
    parent: str = ""


request_trace: ContextVar[Origin | None] = ContextVar("request_trace", default=None)

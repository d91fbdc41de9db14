"""What can go wrong with a call of the model, and when it is worth another try."""

import httpx
import openai
from pydantic import ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from tools.breaker import NotThePartsFault
from tools.errors import BackendUnavailable

TRIES = 3
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 2.0
# Too much asked of the service, for now; anything from 500 on is its own trouble.
BUSY = frozenset({408, 409, 429})
NO_MONEY = "insufficient_quota"
# What the SDK lets through when an answer is cut off, garbled or refused.
FAILURES = (
    openai.OpenAIError,
    httpx.HTTPError,
    TimeoutError,
    ValueError,
    ValidationError,
    AttributeError,  # anyio's, on uvloop, of a connection that is reset as it is made
)

_backoff = wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)


class Passing(BackendUnavailable):
    """A failure that another try may not meet. `retry_after` is what the service asked for."""

    retry_after: float | None = None


def failure_of(error: Exception) -> BackendUnavailable:
    """Our own error for one of the SDK's."""
    if isinstance(error, openai.APIStatusError):
        return _refusal(error)
    if isinstance(error, openai.LengthFinishReasonError | openai.ContentFilterFinishReasonError):
        return NotThePartsFault("the model's answer was cut short")
    if isinstance(error, openai.OpenAIError) and not isinstance(error, openai.APIError):
        return BackendUnavailable("the model cannot be asked")
    return Passing("the model failed")


def trying(seconds: float) -> AsyncRetrying:
    """Another try for what may pass, with jitter, as long as it begins within these seconds."""
    return AsyncRetrying(
        retry=retry_if_exception_type(Passing),
        wait=_wait,
        stop=stop_after_attempt(TRIES) | stop_before_delay(seconds),
        reraise=True,
    )


def _refusal(error: openai.APIStatusError) -> BackendUnavailable:
    if error.status_code >= 500 or (error.status_code in BUSY and error.code != NO_MONEY):
        failure = Passing(f"the model answered {error.status_code}")
        failure.retry_after = _seconds(error.response.headers.get("Retry-After"))
        return failure
    is_ours = error.status_code in (400, 413, 422)
    kind = NotThePartsFault if is_ours else BackendUnavailable
    return kind(f"the model refused with {error.status_code}")


def _seconds(header: str | None) -> float | None:
    """Seconds of a Retry-After header; its form with a date is not used by these services."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    jitter = _backoff(state)
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Passing) else None
    return jitter if asked is None else asked + jitter / 10

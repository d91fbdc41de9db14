"""What may be known of a call of the model from outside: times, tokens and how it went."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import httpx
import openai

from tools.errors import BackendUnavailable
from tools.model.usage import Usage

Failure = Literal["", "timeout", "rate_limit", "server", "broken", "refused", "other"]
IN_TIME = (TimeoutError, openai.APITimeoutError, httpx.TimeoutException)
CUT_SHORT = (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError, ValueError)
SERVER_FAULT = 500


@dataclass
class ModelCall:
    """One call with all its tries. `first` and `further` are the times of a stream's pieces.

    `failure` is "" where it went well, None where whoever asked left before the end.
    """

    model: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0
    first: float | None = None
    further: list[float] = field(default_factory=list)
    failure: Failure | None = ""
    started: float = field(default_factory=time.monotonic)

    def began(self) -> None:
        """The first piece is here."""
        self.first = time.monotonic() - self.started


OnCall = Callable[[ModelCall], None]


def nobody(_: ModelCall) -> None:
    """Calls that are told to nobody."""


@contextmanager
def telling(model: str, tell: OnCall, used: Callable[[], Usage]) -> Iterator[ModelCall]:
    """Around one call: tell of it however it ends."""
    call = ModelCall(model)
    try:
        yield call
    except Exception as error:
        call.failure = failure_kind(error)
        raise
    except BaseException:
        call.failure = None
        raise
    finally:
        call.seconds, call.usage = time.monotonic() - call.started, used()
        tell(call)


def failure_kind(error: Exception) -> Failure:
    """Why a call failed, in one of a few words."""
    cause = error.__cause__ or error
    if isinstance(cause, IN_TIME):
        return "timeout"
    if isinstance(cause, openai.APIStatusError):
        return _refusal(cause.status_code)
    if isinstance(cause, openai.APIConnectionError | httpx.HTTPError):
        return "server"
    is_broken = isinstance(cause, (*CUT_SHORT, BackendUnavailable))
    return "broken" if is_broken else "other"


def _refusal(status: int) -> Failure:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return "rate_limit"
    return "server" if status >= SERVER_FAULT else "refused"

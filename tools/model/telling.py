"""Tells of each call of the model how it went. Only who calls one imports its service's library."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import openai

from tools.errors import BackendUnavailable
from tools.model.calls import Failure, ModelCall, OnCall
from tools.model.usage import Usage

IN_TIME = (TimeoutError, openai.APITimeoutError, httpx.TimeoutException)
CUT_SHORT = (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError, ValueError)
SERVER_FAULT = 500


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

"""The one table from errors to HTTP answers, in the shape the protocol's clients read."""

from typing import cast

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from monitoring.logging import origin
from tools.errors import TriaError
from tools.runs import MessageRepeated, ThreadBusy, ThreadMissing

log = structlog.get_logger()

ANSWERS: dict[type[Exception], tuple[int, str]] = {
    ThreadMissing: (404, "Thread or assistant not found."),
    ThreadBusy: (409, "Thread is already running a task. Wait for it, or choose enqueue."),
    MessageRepeated: (409, "A message with this id is already part of the thread."),
    OperationalError: (503, "The service cannot store anything right now. Try again shortly."),
    PoolTimeout: (503, "The service cannot store anything right now. Try again shortly."),
}


def not_found(what: str, identity: object) -> HTTPException:
    """Missing and foreign things get the same answer."""
    return HTTPException(404, f"{what} with ID {identity} not found")


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error as JSON with a `detail` that says what to do."""
    for error in ANSWERS:
        app.add_exception_handler(error, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(TriaError, _ours)


async def _known(request: Request, error: Exception) -> JSONResponse:
    status, detail = next(a for e, a in ANSWERS.items() if isinstance(error, e))
    headers = {"Retry-After": "2"} if status == 503 else {}
    return JSONResponse({"detail": detail}, status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Name the field and the fault, never the value: it may hold what JSON cannot."""
    error = cast(RequestValidationError, error)
    faults = [
        {"loc": [str(part) for part in e["loc"]], "msg": e["msg"], "type": e["type"]}
        for e in error.errors()
    ]
    where = "; ".join(f"{'.'.join(f['loc'][1:]) or 'body'}: {f['msg']}" for f in faults)
    return JSONResponse({"detail": where, "errors": faults}, 422)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    error = cast(TriaError, error)
    log.error("request failed", code=error.code, **origin(error))
    return JSONResponse({"detail": "Something failed on our side.", "code": error.code}, 503)

"""What every call to the accounting API passes: access, limits, ordered faults, idempotency."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from tools.sandbox.desk import Answered, Desk
from tools.sandbox.faults import Fault
from tools.sandbox.xero.auth import check_bearer, check_tenant
from tools.sandbox.xero.call import Books, Call
from tools.sandbox.xero.idempotency import fingerprint, recall, remember
from tools.sandbox.xero.listing import Action
from tools.sandbox.xero.operations import OPERATIONS
from tools.sandbox.xero.responses import delivered, failure, respond
from tools.sandbox.xero.scopes import check_scope
from tools.sandbox.xero.spoil import spoiled
from tools.sandbox.xero.wire import Refused, Reply, not_found

PREFIX = "/xero/api.xro/2.0"
FILTERS = (
    *("where", "IDs", "InvoiceNumbers", "ContactIDs", "Statuses", "searchTerm"),
    *("ContactID", "Status", "QuoteNumber", "References"),
)
# Xero's quotes and purchase orders know no `unitdp`.
TWO_PLACES = ("/Quotes", "/PurchaseOrders")

Endpoint = Callable[[Request], Awaitable[Response]]


def make_routes(desk: Desk) -> APIRouter:
    """One route for each operation, and a 404 for the rest."""
    router = APIRouter(prefix=PREFIX)
    for operation, action in OPERATIONS.items():
        method, _, path = operation.partition(" ")
        router.add_api_route(path, _endpoint(desk, operation, action), methods=[method])
    methods = ["GET", "PUT", "POST", "DELETE"]
    router.add_api_route("/{rest:path}", _endpoint(desk, "other", _nothing), methods=methods)
    return router


def _nothing(_call: Call) -> Reply:
    raise not_found()


def _endpoint(desk: Desk, operation: str, action: Action) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        started = time.monotonic()
        response = await answer(request)
        _note(desk, request, response.status_code, started)
        return response

    async def answer(request: Request) -> Response:
        desk.requests[request.method, request.url.path.removeprefix(PREFIX)] += 1
        now = desk.clock.now()
        try:
            granted = check_bearer(desk, request.headers.get("authorization", ""))
            check_tenant(desk, request.headers.get("xero-tenant-id"))
            check_scope(granted, operation)
            with desk.limits.slot(now):
                response = await _perform(desk, request, operation, action)
        except Refused as refused:
            response = respond(refused.reply)
        for name, left in desk.limits.headers(now).items():
            response.headers.setdefault(name, left)
        return response

    return endpoint


def _note(desk: Desk, request: Request, status: int, started: float) -> None:
    number = desk.calls[-1].number + 1 if desk.calls else 1
    path = request.url.path.removeprefix(PREFIX)
    took = round((time.monotonic() - started) * 1000, 1)
    desk.calls.append(
        Answered(number, request.method, path, dict(request.query_params), status, took)
    )


async def _perform(desk: Desk, request: Request, operation: str, action: Action) -> Response:
    body = await request.body()
    await asyncio.sleep(desk.latency_seconds)
    fault = desk.faults.take(operation)
    if failed := await failure(request, fault):
        return failed
    reply = _commit(request, _call(desk, request, body, fault), action, fault)
    desk.webhooks.publish()
    return delivered(reply, fault)


def _call(desk: Desk, request: Request, body: bytes, fault: Fault | None) -> Call:
    hidden = FILTERS if fault and fault.mode == "ignore_filters" else ()
    query = {name: v for name, v in request.query_params.items() if name not in hidden}
    has_four = not any(path in request.url.path for path in TWO_PLACES)
    places = 4 if query.get("unitdp") == "4" and has_four else 2
    return Call(
        books=Books(desk.store, desk.clock.now(), desk.clock.today(), places),
        path=request.path_params,
        query=query,
        headers=request.headers,
        body=body,
    )


def _commit(request: Request, call: Call, action: Action, fault: Fault | None) -> Reply:
    # Nothing awaits in here: a write, its answer and its key are stored together or not at all.
    if request.method == "GET":
        return _attempt(action, call, fault)
    url = f"{request.url.path}?{request.url.query}"
    mark = fingerprint(request.method, url, call.body)
    with call.store.transaction():
        if earlier := recall(call, mark):
            return earlier
        reply = _attempt(action, call, fault)
        remember(call, mark, reply)
    return reply


def _attempt(action: Action, call: Call, fault: Fault | None) -> Reply:
    try:
        with call.store.undone_if(Refused):
            return spoiled(action(call), fault, call)
    except Refused as refused:
        return refused.reply

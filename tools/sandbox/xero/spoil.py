"""Answers that arrive whole and are wrong all the same."""

import json
from collections.abc import Callable
from decimal import Decimal

from tools.sandbox.faults import Fault
from tools.sandbox.store import Json
from tools.sandbox.xero.balances import money
from tools.sandbox.xero.call import Call
from tools.sandbox.xero.kinds import KINDS, row_of
from tools.sandbox.xero.wire import Refused, Reply, as_json

UNKNOWN_STATUS = "UNDERREVIEW"
EXTRA = {"SurpriseField": {"Nested": [1, "two", None]}}
SERVER_ERROR = Reply(500, b'{"Title":"An error occurred","Status":500}')
_CENT = Decimal("0.01")
_AMOUNTS = ("Total", "AmountDue", "AmountPaid", "SubTotal", "TotalTax", "RemainingCredit", "Amount")


def spoiled(reply: Reply, fault: Fault | None, call: Call) -> Reply:
    """The answer after the fault, if it has one; raises Refused when nothing is to be stored."""
    match fault.mode if fault else None:
        case "error_after_commit":
            return SERVER_ERROR
        case "extra_field":
            return _changed(reply, lambda document: document | EXTRA)
        case "new_status":
            return _changed(reply, lambda document: document | _of_unknown_status(document))
        case "string_money":
            return _changed(reply, lambda document: document | _as_strings(document))
        case "has_errors":
            raise Refused(_changed(reply, lambda document: document | _errors()))
        case "wrong_total":
            return _changed(reply, lambda document: _a_cent_more(document, call))
        case _:
            return reply


def _changed(reply: Reply, change: Callable[[Json], Json]) -> Reply:
    if reply.media_type != "application/json":
        return reply
    body = json.loads(reply.body, parse_float=Decimal)
    for name, value in body.items():
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            body[name] = [change(document) for document in value]
    return as_json(reply.status, body)


def _of_unknown_status(document: Json) -> Json:
    return {"Status": UNKNOWN_STATUS} if "Status" in document else {}


def _as_strings(document: Json) -> Json:
    return {name: str(document[name]) for name in _AMOUNTS if name in document}


def _errors() -> Json:
    message = {"Message": "A validation exception occurred"}
    return {
        "HasErrors": True,
        "StatusAttributeString": "ERROR",
        "ValidationErrors": [message],
    }


def _a_cent_more(document: Json, call: Call) -> Json:
    """The document with a total that is off, and kept so in the books if it was just written."""
    more = {n: money(document[n]) + _CENT for n in ("Total", "AmountDue") if n in document}
    kind = next((k for k in KINDS.values() if k.id_field in document), None)
    stored = call.store.get(kind.table, document[kind.id_field]) if kind else None
    if kind and stored and call.body:
        call.store.save(row_of(kind, stored | more, call.books.now.isoformat()))
    return document | more

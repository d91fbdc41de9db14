"""Creating and updating documents: single or in bulk, summarised errors or errors in place."""

from collections.abc import Callable, Sequence, Set
from functools import partial

from tools.sandbox.store import Json
from tools.sandbox.xero.call import Call
from tools.sandbox.xero.documents import find_document, write_document
from tools.sandbox.xero.kinds import Kind, row_of
from tools.sandbox.xero.listing import Action, shape
from tools.sandbox.xero.wire import (
    Invalid,
    Reply,
    envelope,
    is_plain,
    not_found,
    validation_error,
)

Attempt = tuple[Json, bool]  # the document, or the refused one with its errors; whether it is good


def creator(kind: Kind) -> Action:
    """PUT: always documents that did not exist."""

    def create(call: Call) -> Reply:
        return _write_all(kind, call, [(sent, None) for sent in call.documents(kind.plural)])

    return create


def upserter(kind: Kind) -> Action:
    """POST without an id in the path: updates what exists by id or number, creates the rest."""

    def upsert(call: Call) -> Reply:
        pairs = [(sent, _existing(kind, sent, call)) for sent in call.documents(kind.plural)]
        return _write_all(kind, call, pairs)

    return upsert


def updater(kind: Kind) -> Action:
    """POST to one document."""

    def update(call: Call) -> Reply:
        earlier = find_document(kind, call.path[kind.id_field], call.books)
        if earlier is None:
            raise not_found()
        return _write_all(kind, call, [(call.documents(kind.plural)[0], earlier)])

    return update


def attempt(sent: Json, fields: Set[str], write: Callable[[], Json]) -> Attempt:
    """What `write` made of what was sent, or what was sent with the rules that it breaks.

    Of a refused document only plain values of the `fields` that may be set come back.
    """
    try:
        return write(), True
    except Invalid as invalid:
        errors = [{"Message": message} for message in invalid.messages]
        marks = {"HasErrors": True, "StatusAttributeString": "ERROR", "ValidationErrors": errors}
        shown = {n: v for n, v in sent.items() if n in fields and is_plain(n, v)}
        return {**shown, **marks}, False


def answer(plural: str, attempts: Sequence[Attempt], call: Call) -> Reply:
    """Every document; raises Refused if one is not good, unless errors are to stay in place."""
    summarised = call.query.get("summarizeErrors", "true").lower() != "false"
    if summarised and not all(is_good for _, is_good in attempts):
        raise validation_error([document for document, is_good in attempts if not is_good])
    shown = [shape(document, call.query) if good else document for document, good in attempts]
    return envelope(plural, shown, call.books.now)


def _existing(kind: Kind, sent: Json, call: Call) -> Json | None:
    document_id, number = sent.get(kind.id_field), sent.get(kind.number_field)
    found = find_document(kind, str(document_id or number or ""), call.books)
    if document_id and found is None:
        raise not_found()
    return found


def _write_all(kind: Kind, call: Call, pairs: list[tuple[Json, Json | None]]) -> Reply:
    attempts = [
        attempt(sent, kind.writable, partial(_write, kind, call, sent, old)) for sent, old in pairs
    ]
    return answer(kind.plural, attempts, call)


def _write(kind: Kind, call: Call, sent: Json, earlier: Json | None) -> Json:
    document = write_document(kind, sent, earlier, call.books)
    call.store.save(row_of(kind, document, call.books.now.isoformat()))
    return document

"""The history of a document or contact: notes that apps add, and what Xero itself writes down."""

from collections.abc import Callable

from tools.sandbox.store import Json, Row, Search
from tools.sandbox.xero.call import Books, Call
from tools.sandbox.xero.listing import Action
from tools.sandbox.xero.wire import Reply, bad_request, envelope, ms_instant

LONGEST_NOTE = 2500


def reader(find: Callable[[Call], Json], id_field: str) -> Action:
    """GET the history of what `find` finds."""

    def read(call: Call) -> Reply:
        notes = Search("parent_id = ?", (find(call)[id_field],), "created, id")
        return envelope("HistoryRecords", call.store.find("history", notes), call.books.now)

    return read


def writer(find: Callable[[Call], Json], id_field: str) -> Action:
    """PUT notes into the history of what `find` finds."""

    def write(call: Call) -> Reply:
        document = find(call)
        sent = call.documents("HistoryRecords")
        if not all(_is_note(record.get("Details")) for record in sent):
            raise bad_request(10, "ValidationException", "Details is required, and a text")
        contact = document.get("Contact", document)["ContactID"]
        parent = (document[id_field], contact)
        records = [add_record(parent, "Note", note["Details"], call.books) for note in sent]
        return envelope("HistoryRecords", records, call.books.now)

    return write


def add_record(parent: tuple[str, str], changes: str, details: str, books: Books) -> Json:
    """Write down what happened to a document; `parent` is its id and its contact's."""
    document_id, contact_id = parent
    at = books.now
    body = {
        "Changes": changes,
        "Details": details,
        "User": "System Generated",
        "DateUTCString": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "DateUTC": ms_instant(at),
    }
    number = books.store.count("history", Search("parent_id = ?", (document_id,)))
    row_id = f"{document_id}:{number:06}"
    books.store.save(
        Row("history", row_id, body, at.isoformat(), contact_id=contact_id, parent_id=document_id)
    )
    return body


def _is_note(details: object) -> bool:
    return isinstance(details, str) and 0 < len(details.strip()) <= LONGEST_NOTE

"""What an operation is given: one request, and the books it acts on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn

from tools.sandbox.store import Json, Store
from tools.sandbox.xero.wire import bad_request


@dataclass(frozen=True)
class Books:
    """The organisation's documents at an instant; unit prices have `places` decimals."""

    store: Store
    now: datetime
    today: date
    places: int = 2


@dataclass(frozen=True)
class Call:
    """One request that passed the gate; header names are in lower case."""

    books: Books
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def store(self) -> Store:
        return self.books.store

    @property
    def wants_pdf(self) -> bool:
        return "application/pdf" in self.headers.get("accept", "")

    def documents(self, plural: str) -> list[Json]:
        """The documents of a body like `{"Invoices": [...]}` or of a single document."""
        body = self.parsed()
        sent = body.get(plural, [body]) if isinstance(body, dict) else body
        if not isinstance(sent, list) or not sent or not all(isinstance(d, dict) for d in sent):
            raise bad_request(14, "PostDataInvalidException", f"No {plural} were found in the body")
        return sent

    def parsed(self) -> object:
        """The body as JSON; raises Refused with a 400."""
        try:
            parsed: object = json.loads(self.body, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            message = "The body is not valid JSON"
            raise bad_request(14, "PostDataInvalidException", message) from error
        return parsed


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

"""How written orders are read: exact lines, outlet, day, window and goods, or the right question.

The orders were written without a look at the code that reads them. Of every nine the first four
were then used to improve it; the figures are about the other five, and beside them about all.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools.ordering.catalogue import load_catalogue
from tools.ordering.orders import parse_order
from tools.ordering.pricing import AccountStanding, price_order
from tools.ordering.records import split
from tools.ordering.types import OrderRequest, Outlet
from tools.sandbox.company import company, contact_id
from tools.screening.screen import screen

DATA = Path(__file__).parent / "data" / "orders.jsonl"
PERIOD, SEEN = 9, 4
ESTABLISHED = AccountStanding("established", Decimal(1000), 12, on_hold=False)
Read = tuple[str, tuple[tuple[str, int], ...], str | None, str | None, str]


def main() -> None:
    """Print what was read otherwise, by language, and one JSON line about the unseen orders."""
    lines = DATA.read_text("utf-8").splitlines() if len(sys.argv) < 2 else _given()
    rows = [json.loads(line) for line in lines]
    verdicts = [_verdict(row) for row in rows]
    for language in ("en", "zh", "ms", "ta"):
        own = [v for row, v in zip(rows, verdicts, strict=True) if row["language"] == language]
        print(f"{language}: {own.count('exact')} of {len(own)} exact")
    unseen = [v for n, v in enumerate(verdicts) if n % PERIOD >= SEEN]
    print(json.dumps(_figures(unseen) | {f"all_{k}": v for k, v in _figures(verdicts).items()}))


def _given() -> list[str]:
    return Path(sys.argv[1]).read_text("utf-8").splitlines()


def _figures(verdicts: Sequence[str]) -> dict[str, float]:
    exact = verdicts.count("exact") / len(verdicts)
    return {
        "n": len(verdicts),
        "exact": round(exact, 4),
        "wrong_without_question": verdicts.count("WRONG"),
    }


def _verdict(row: Mapping[str, Any]) -> str:
    """Exact, asked where nothing had to be asked, or WRONG: another order without a question."""
    read, wanted = _read(row), _wanted(row["expect"])
    verdict = "exact" if read == wanted else "asked" if read is None else "WRONG"
    if verdict != "exact":
        print(f"{verdict} {row['id']}: {row['text']!r}\n   wanted {wanted}\n   read   {read}")
    return verdict


def _read(row: Mapping[str, Any]) -> list[Read] | None:
    """The orders as they were read, in order of outlet and day; None when something is asked."""
    received = datetime.fromisoformat(row["received"])
    outlets = _outlets(row["customer"])
    text = screen(row["text"]).text
    parts = split(parse_order(text, load_catalogue(), outlets, received))
    if any(_asks(part) for part in parts):
        return None
    return sorted(
        (_one(part, part.outlet, received.date()) for part in parts if part.outlet), key=str
    )


def _outlets(slug: str) -> list[Outlet]:
    """The outlets that a contact of the demo company pays for."""
    known = [f.name for f in fields(Outlet)]
    rows = (o for o in company()["outlets"] if o["contact"] == slug)
    return [
        Outlet(
            **{k: v for k, v in row.items() if k in known},
            outlet_id=row["slug"],
            bill_to=contact_id(slug),
        )
        for row in rows
    ]


def _asks(request: OrderRequest) -> bool:
    return not request.lines or request.outlet is None or any(x.problem for x in request.lines)


def _one(request: OrderRequest, outlet: Outlet, on: date) -> Read:
    lines = Counter[str]()
    for line in request.lines:
        lines[str(line.code)] += line.pieces
    prices = {p.code: Decimal(p.list_price) for p in load_catalogue().products}
    priced = price_order(request.lines, prices, on, ESTABLISHED)
    day = request.wanted_day.isoformat() if request.wanted_day else None
    found = tuple(sorted(lines.items()))
    return (outlet.name, found, day, request.wanted_window, f"{priced.subtotal:.2f}")


def _wanted(expect: Mapping[str, Any]) -> list[Read] | None:
    if expect.get("question"):
        return None
    orders = (
        (o["outlet"], tuple(sorted(o["lines"].items())), o["day"], o["window"], o["subtotal"])
        for o in expect["orders"]
    )
    return sorted(orders, key=str)


if __name__ == "__main__":
    main()

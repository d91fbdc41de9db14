"""Tables in pasted orders (tabs, bars, commas or semicolons), row by row as lines of text."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from tools.order_text import in_english, plain

BREAKS = ("\t", "|", ";", ",")
RULE = re.compile(r"[\s|:+=-]*")
# What a column holds, by its heading in English words.
HEADINGS = {
    "count": r"(?:order )?(?:qty|quantity|quantities|amount ordered|pcs|pieces|units|no of .*"
    r"|how many)\W*(?:pcs|pieces)?\W*",
    "packs": r"(?:bundles?|cartons?|packs?|ctns?|bdls?)\W*(?:qty|quantity)?",
    "unit": r"unit|uom|unit of measure|pack(?:ing|aging)?",
    "item": r".*(?:item|product|description|goods|article|box|name).*",
    "code": r".*(?:code|sku|item no).*",
    "place": r".*(?:outlet|branch|deliver to|location|store|shop).*",
    "day": r".*(?:date|day|delivery|when).*",
}
FEWEST_ROWS = 2


def without_tables(text: str) -> str:
    """The text with each table that has a heading written out: "item code: count unit"."""
    rows = text.splitlines()
    runs = groupby(rows, _break_of)
    return "\n".join(row for mark, run in runs for row in _rewritten(list(run), mark))


def _break_of(row: str) -> str | None:
    """What parts the cells of a row; None for a row of words."""
    return next((b for b in BREAKS if row.strip(f"{b} ").count(b) >= 1), None)


def _rewritten(rows: Sequence[str], mark: str | None) -> Iterator[str]:
    cells = [_cells(row, mark) for row in rows if mark and not RULE.fullmatch(row)]
    columns = _columns(cells[0]) if len(cells) >= FEWEST_ROWS else {}
    if not {"count", "packs"} & columns.keys() or not {"item", "code"} & columns.keys():
        yield from rows
        return
    for row in cells[1:]:
        yield _sentence({kind: row[i] for kind, i in columns.items() if i < len(row)})


def _cells(row: str, mark: str) -> list[str]:
    inner = row.strip().strip("|") if mark == "|" else row
    if mark == ",":
        return [c.strip() for c in next(csv.reader([inner], skipinitialspace=True))]
    return [c.strip() for c in inner.split(mark)]


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """Which column holds what; the first of its kind counts."""
    columns: dict[str, int] = {}
    for i, cell in enumerate(heading):
        words = " ".join(in_english(plain(cell)).text.lower().replace(".", "").split())
        kind = next((k for k, form in HEADINGS.items() if re.fullmatch(form, words)), None)
        if kind and not re.search("price|amount$|total|cost", words):
            columns.setdefault(kind, i)
    if "unit" not in columns and "packs" in columns and "count" in columns:
        columns.pop("packs")
    return columns


def _sentence(row: dict[str, str]) -> str:
    """One row as a line of text; a row without a count stays a product without one."""
    goods = " ".join(row[k].replace(",", " ") for k in ("code", "item") if row.get(k))
    count = row.get("count") or (f"{row['packs']} packs" if row.get("packs") else "")
    unit = row.get("unit", "") if count.replace(",", "").isdigit() else ""
    place = f", for {row['place']}" if row.get("place") else ""
    day = f", on {row['day']}" if row.get("day") else ""
    return f"{goods}: {count or 0} {unit}{place}{day}"

"""Tables in pasted orders (tabs, bars, commas or wide gaps), row by row as lines of text."""

import csv
import re
from collections.abc import Iterator, Sequence, Set
from itertools import groupby

from tools.ordering.catalogue import load_catalogue
from tools.ordering.data import without_data
from tools.ordering.days import DAY_PATTERN
from tools.ordering.text import in_english, plain
from tools.ordering.words import AREAS

BREAKS = ("\t", "|", ";", " / ", ",")
GAP = re.compile(r"[ \xa0]{2,}")
RULE = re.compile(r"[\s|:+=_-]*")
# What a column holds, by its heading in English words.
HEADINGS = {
    "count": r"(?:(?:to )?(?:re)?order )?(?:qty|quantity|quantities|amount ordered|pcs|pieces|units"
    r"|no of .*|how many)\W*(?:pcs|pieces|ordered|required|needed|req)?\W*|(?:to )?(?:re)?order(?:ed)?"  # noqa: E501
    r"|required|needed|requested|we need|to order",
    "packs": r"(?:bundles?|cartons?|packs?|ctns?|bdls?|boxes ordered)\W*(?:qty|quantity)?"
    r"|(?:qty|quantity|no of)\W*(?:in )?(?:bundles?|cartons?|packs?|ctns?|bdls?)\W*",
    "unit": r"unit|uom|u/m|unit of measure|pack(?:ing|aging)?",
    "place": r".*(?:outlet|branch|deliver to|location|store|shop).*",
    "code": r".*(?:code|sku|item no).*",
    "item": r".*(?:item|product|description|desc|goods|article|box|name|size).*",
    "day": r".*(?:date|day|delivery|when).*",
}
NO_COLUMN = re.compile(
    r"price|amount$|total|cost|stock|par\b|on hand|balance|remark|note|pack size|min\b|last|s/?n"
)
TOTAL = re.compile(r"\W*(?:sub|grand)?\W*totals?\b|\W*sum\b", re.IGNORECASE)
FIGURES = re.compile(r"[0-9,.\s_-]*(?:pcs|pieces|nil|x)?", re.IGNORECASE)
FEWEST_ROWS, FEWEST_PLACES = 2, 2


def without_tables(text: str, places: Set[str] = frozenset()) -> str:
    """The text with each table that has a heading written out: "item code: count unit".

    `places` are lower-case words of the customer's outlets, which may head columns.
    """
    rows = without_data(text).splitlines()
    runs = groupby(rows, _break_of)
    return "\n".join(row for mark, run in runs for row in _rewritten(list(run), mark, places))


def _break_of(row: str) -> str | None:
    """What parts the cells of a row; None for a row of words."""
    marks = (b for b in BREAKS if row.strip(f"{b} ").count(b) >= 1)
    return next(marks, "  " if GAP.search(row.strip()) else None)


def _rewritten(rows: Sequence[str], mark: str | None, places: Set[str]) -> Iterator[str]:
    if mark is None:
        yield from rows
        return
    cells = [_cells(row, mark) for row in rows]
    for i, heading in enumerate(cells[: 1 - FEWEST_ROWS]):
        body = [c for c, row in zip(cells[i + 1 :], rows[i + 1 :], strict=True) if _is_row(row, c)]
        if lines := _lines(heading, body, places):
            yield from rows[:i]
            yield from lines
            return
    yield from rows


def _is_row(row: str, cells: Sequence[str]) -> bool:
    return not RULE.fullmatch(row) and not TOTAL.match(next(filter(None, cells), ""))


def _lines(heading: Sequence[str], body: Sequence[Sequence[str]], places: Set[str]) -> list[str]:
    """The rows as lines of text; none where the heading is not one."""
    columns = _columns(heading)
    if {"count", "packs"} & columns.keys() and {"item", "code"} & columns.keys():
        return [_sentence({k: row[i] for k, i in columns.items() if i < len(row)}) for row in body]
    return _crossed(heading, body, places)


def _crossed(heading: Sequence[str], body: Sequence[Sequence[str]], places: Set[str]) -> list[str]:
    """A table with an outlet or a day over each column, or goods over each and outlets aside."""
    names = [_english(cell).lower() for cell in heading]
    heads = [i for i, name in enumerate(names) if i and _is_place(name, places)]
    goods = [i for i, name in enumerate(names) if i and _is_goods(name)]
    over, word = (heads, "for") if len(heads) >= FEWEST_PLACES else (goods, "")
    is_beside = word or any(_is_place(_english(row[0]).lower(), places) for row in body)
    cells = [row[i] for row in body for i in over if i < len(row)]
    if not over or not is_beside or not all(FIGURES.fullmatch(c) for c in cells):
        return []
    return [
        f"{row[0]}: {row[i]}, for {heading[i]}" if word else f"{heading[i]}: {row[i]}, for {row[0]}"
        for i in over
        for row in body
        if i < len(row) and any(c in "123456789" for c in row[i])
    ]


def _is_place(name: str, places: Set[str]) -> bool:
    words = set(re.findall(r"[^\W\d_]+", name))
    is_known = bool(words & places) or any(area in name for area in AREAS)
    return is_known or DAY_PATTERN.fullmatch(name) is not None


def _is_goods(name: str) -> bool:
    return load_catalogue().find(name).product is not None and not NO_COLUMN.search(name)


def _cells(row: str, mark: str) -> list[str]:
    inner = row.strip().strip("|") if mark == "|" else row
    if mark == ",":
        return [c.strip() for c in next(csv.reader([inner], skipinitialspace=True))]
    parts = GAP.split(inner.strip()) if not mark.strip(" ") else inner.split(mark)
    return [c.strip() for c in parts]


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """Which column holds what; the first of its kind counts."""
    columns: dict[str, int] = {}
    for i, cell in enumerate(heading):
        words = " ".join(_english(cell).lower().replace(".", "").split())
        kind = next((k for k, form in HEADINGS.items() if re.fullmatch(form, words)), None)
        if kind and not NO_COLUMN.search(words):
            columns.setdefault(kind, i)
    if "unit" not in columns and "packs" in columns and "count" in columns:
        columns.pop("packs")
    return columns


def _english(cell: str) -> str:
    return in_english(plain(cell)).text


def _sentence(row: dict[str, str]) -> str:
    """One row as a line of text; a row without a count stays a product without one."""
    goods = " ".join(row[k].replace(",", " ") for k in ("code", "item") if row.get(k))
    count = row.get("count") or ""
    if row.get("packs"):
        count = f"{row['packs']} packs" if FIGURES.fullmatch(row["packs"]) else row["packs"]
    unit = row.get("unit", "") if count.replace(",", "").isdigit() else ""
    place = f", for {row['place']}" if row.get("place") else ""
    day = f", on {row['day']}" if row.get("day") else ""
    return f"{goods}: {count or 0} {unit}{place}{day}"

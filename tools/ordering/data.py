"""Orders pasted as JSON, written out as labels and lines of text."""

import json
from collections.abc import Iterator

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
COUNTS = frozenset({"qty", "quantity", "count", "pieces", "pcs", "amount", "units", "number"})
PACKS = frozenset({"bundles", "cartons", "packs", "ctn", "ctns", "bdl"})
UNITS = frozenset({"unit", "uom", "units of measure", "pack"})
GOODS = frozenset(
    {"code", "sku", "item", "product", "name", "description", "product code", "item code"}
)
HEADS = frozenset({"items", "lines", "order", "products", "order lines", "orders", "goods"})


def without_data(text: str) -> str:
    """The text with the JSON in it, if there is any, as an order in words."""
    start = min((i for c in "{[" if (i := text.find(c)) >= 0), default=-1)
    end = max(text.rfind("}"), text.rfind("]"))
    if start < 0 or end < start:
        return text
    try:
        data: Json = json.loads(text[start : end + 1])
    except ValueError:
        return text
    if not isinstance(data, dict | list):
        return text
    return "\n".join([text[:start], *_lines(data), text[end + 1 :]])


def _lines(data: Json, key: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        named = {k.replace("_", " ").lower(): v for k, v in data.items()}
        if line := _line_of(named):
            yield line
            return
        for name, value in named.items():
            yield from _lines(value, name)
    elif isinstance(data, list):
        for row in data:
            yield from _lines(row)
    elif key not in HEADS and data is not None:
        yield f"{key}: {data}"


def _line_of(row: dict[str, Json]) -> str:
    """One of the goods with its count; empty where the row is something else."""
    goods = " ".join(str(row[k]) for k in row if k in GOODS)
    count = next((row[k] for k in row if k in COUNTS), None)
    packs = next((k for k in row if k in PACKS), None)
    unit = next((str(row[k]) for k in row if k in UNITS and isinstance(row[k], str)), "")
    if not goods or (count is None and packs is None):
        return ""
    rest = "".join(f", {k} {v}" for k, v in row.items() if k in {"outlet", "branch", "date", "day"})
    number = f"{row[packs]} packs" if packs and count is None else f"{count} {unit}"
    return f"{goods}: {number}{rest}"

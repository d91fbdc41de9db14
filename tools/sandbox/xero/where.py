"""The part of Xero's `where` language that the sandbox understands: comparisons, AND, OR."""

import re
from collections.abc import Mapping
from datetime import date

from tools.sandbox.xero.wire import Refused, bad_request

_COMPARISON = re.compile(
    r"""\s*(?P<field>[A-Za-z][\w.]*)\s*(?P<operator>==|!=|>=|<=|>|<)\s*
    (?:"(?P<text>[^"]*)"
      |guid\("(?P<guid>[0-9a-fA-F-]{36})"\)
      |(?P<number>-?\d{1,15}(?:\.\d{1,6})?)
      |(?P<flag>true|false)\b
      |DateTime\(\s*(?P<year>\d{4})\s*,\s*(?P<month>\d{1,2})\s*,\s*(?P<day>\d{1,2})\s*\))
    \s*(?P<join>AND\b|OR\b|&&|\|\||$)""",
    re.VERBOSE | re.IGNORECASE,
)
_JOINS = {"AND": " and ", "&&": " and ", "OR": " or ", "||": " or ", "": ""}
_OPERATORS = {"==": "=", "!=": "<>", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}


def parse_where(where: str, columns: Mapping[str, str]) -> tuple[str, tuple[str | float, ...]]:
    """An SQL condition and its values; raises Refused for what it does not understand."""
    condition, position, join = "", 0, "AND"
    values: list[str | float] = []
    while join:
        found = _COMPARISON.match(where, position)
        column = columns.get(found["field"]) if found else None
        if found is None or column is None:
            raise not_understood(where)
        join = found["join"]
        condition += f"{column} {_OPERATORS[found['operator']]} ?{_JOINS[join.upper()]}"
        values.append(_value(found))
        position = found.end()
    return condition, tuple(values)


def parse_order(order: str, columns: Mapping[str, str]) -> str:
    """An SQL ordering out of `Date DESC, InvoiceNumber`; raises Refused."""
    parts = []
    for part in order.split(","):
        field, _, direction = part.strip().partition(" ")
        if field not in columns or direction.strip().upper() not in ("", "ASC", "DESC"):
            raise not_understood(order)
        parts.append(f"{columns[field]} {direction.strip().lower() or 'asc'}")
    return ", ".join([*parts, "id"])


def not_understood(text: str) -> Refused:
    """Xero's answer to a filter that it cannot parse."""
    return bad_request(16, "QueryParseException", f"Cannot parse the expression {text[:200]}")


def _value(found: re.Match[str]) -> str | float:
    if found["text"] is not None:
        return found["text"]
    if found["guid"] is not None:
        return found["guid"].lower()
    if found["number"] is not None:
        return float(found["number"])
    if found["flag"] is not None:
        return float(found["flag"].lower() == "true")
    return _day(found)


def _day(found: re.Match[str]) -> str:
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
    except ValueError as error:
        raise not_understood(found.string) from error

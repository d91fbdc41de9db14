"""What of an outcome is the same at every play: names and times that are drawn anew left out."""

import re
from typing import Any

LEFT_OUT = "…"
# Their words stand for what is new at each play, whatever the service does.
DRAWN = re.compile(
    r"""(?x)
      [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}   # row and Xero ids
    | (?<=/documents/)[\w-]+                                           # links that work once
    | (?<=//127\.0\.0\.1:)\d+ | (?<=//localhost:)\d+                   # the lane's port
    | \b[0-9a-f]{16,}\b                                                # hashes
    | (?<=\bT-)\d{6,} | (?<=\bTRIA-)\d{6,}                             # numbers in sequence
    | (?<=\d{4}-\d\d-\d\d[T ])\d\d:\d\d:(?!00(?![.\d]))\d\d(\.\d+)?    # moments; whole ones stay
    """
)
DRAWN_KEYS = re.compile(r"(UTC|_at|_ms|[Ss]econds)$")


def steady(value: Any) -> Any:
    """The same with what is drawn anew at each play left out."""
    match value:
        case str():
            return DRAWN.sub(LEFT_OUT, value)
        case dict():
            return {k: steady(v) for k, v in value.items() if not DRAWN_KEYS.search(str(k))}
        case list() | tuple():
            return [steady(item) for item in value]
        case _:
            return value


def line(value: Any) -> str:
    """A value in one line, mappings as `key value`, empty ones left out."""
    match value:
        case dict():
            return ", ".join(f"{k} {line(v)}" for k, v in value.items() if v not in (None, "", []))
        case list() | tuple():
            return "[" + "; ".join(map(line, value)) + "]"
        case _:
            return str(value)

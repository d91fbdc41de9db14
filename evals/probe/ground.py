"""The output gate over loose facts: which words of a reply have no source."""

from collections.abc import Mapping
from typing import Any

from graph.clients import now
from tools.grounding.loose import check


def ground(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"reply", "facts": [{"kind", "value"}], "customer_text"}` to `{"supported", "unsupported"}`."""  # noqa: E501
    found = check(row["reply"], row.get("facts", []), row.get("customer_text") or "", now())
    return {"supported": not found, "unsupported": [claim.written for claim in found]}

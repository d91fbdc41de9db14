"""The gate for a caller outside of the service, whose facts are loose values without records."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from tools.grounding.claim import Claim
from tools.grounding.claims import FROM_CUSTOMERS
from tools.grounding.evidence import Evidence, gather
from tools.grounding.gate import unsupported
from tools.grounding.numbers import shortest

NUMBER = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?")
OF_PERCENT = re.compile(r"percent|rate|discount|share|%", re.IGNORECASE)
OF_MONEY = re.compile(
    r"money|amount|price|total|balance|due|fee|cost|sum|paid|owed|outstanding|gst|tax",
    re.IGNORECASE,
)
OF_TIME = re.compile(r"days?|hours?|minutes?|months?|weeks?|years?", re.IGNORECASE)


def check(
    reply: str,
    facts: Sequence[Mapping[str, object]],
    customer_text: str = "",
    now: datetime | None = None,
) -> list[Claim]:
    """The claims of a reply that no fact `{"kind", "value"}` and no word of the customer holds.

    Kinds may have any name: a value is read by its form, and a plain number also by its kind.
    Longer texts are passages.
    """
    return unsupported(reply, loose_evidence(facts, customer_text, now))


def loose_evidence(
    facts: Sequence[Mapping[str, object]], customer_text: str, now: datetime | None
) -> Evidence:
    """What loose facts let a reply say."""
    evidence = gather([], [], now)
    evidence.is_loose = True
    for fact in facts:
        _add(evidence, str(fact.get("kind", "")), str(fact.get("value", "")))
    if customer_text:
        evidence.add_text(customer_text, FROM_CUSTOMERS)
    return evidence


def _add(evidence: Evidence, kind: str, value: str) -> None:
    evidence.add_text(value)
    evidence.kinds.add(kind.lower())
    evidence.keys.add(kind.lower())
    if not NUMBER.fullmatch(value.strip()):
        return
    plain = shortest(abs(Decimal(value.strip().replace(",", ""))))
    evidence.every.add("number", plain)
    if OF_PERCENT.search(kind):
        evidence.every.add("percent", plain)
    if OF_MONEY.search(kind) or not (OF_PERCENT.search(kind) or OF_TIME.search(kind)):
        evidence.every.add("money", plain)

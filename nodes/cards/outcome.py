"""What an action came to, as facts that a reply may tell."""

from typing import Any

from nodes.state import Fact

# What of a card a reply may repeat once it is done.
TOLD = ("total", "delivery", "invoice", "quote", "amount", "address_masked", "refund_days", "fee")


def committed(action: dict[str, Any]) -> Fact:
    """It is done: what was written, and where goods go."""
    card = action["card"]
    data = {key: card[key] for key in TOLD if card.get(key) is not None}
    if outlet := card.get("outlet"):
        data["outlet"] = outlet["name"]
    number = {"kind": action["kind"], "number": action["document_number"]}
    return Fact(kind="committed", source="actions", data=number | data)


def ended(action: dict[str, Any]) -> list[Fact]:
    """How a card ended; the same whoever tells it, and however late."""
    about = {"kind": action["kind"], "title": action["card"]["title"]}
    match action["status"]:
        case "committed":
            return [committed(action), *_left_to_people(action)]
        case "declined":
            return [_fact("not_approved", about | {"by_customer": False})]
        case "expired":
            return [_fact("lapsed", about)]
        case "failed":
            reason = (action["error"] or "").partition(":")[0]
            return [
                _fact("failed_action", about | {"reason": reason}),
                _fact("needs_person", {"reason": reason}),
            ]
        case _:
            return []


def _left_to_people(action: dict[str, Any]) -> list[Fact]:
    """A payment that a customer reports is matched by a person."""
    if action["kind"] != "payment_report":
        return []
    return [_fact("needs_person", {"reason": "payment_reported"})]


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="actions", data=data)

"""Why a card needs a person, by which rule with which figure, and where that rule is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.rules import load_rules, rules_values


@dataclass(frozen=True)
class Reason:
    """`rules` are names in policies/rules.toml, `section` the policy section that says it."""

    why: str
    rules: tuple[str, ...]
    section: str

    @property
    def figures(self) -> dict[str, str]:
        """The rules with the numbers that are in force."""
        return {name: rules_values().get(name, "no limit") for name in self.rules}


def reason_of(action: Mapping[str, Any]) -> Reason:
    """The rule that asks for a person's agreement to this card."""
    card, level = action["card"], action["approval_level"] or 0
    match action["kind"]:
        case "order" | "order_change":
            return _unusual(card)
        case "order_cancel":
            return _cancelled(card)
        case "credit":
            return _credit(card, level)
        case "allocation":
            why = "A credit is set against an invoice: money moves, and a person agrees to it."
            return Reason(why, (), "payment#invoices-statements-and-credit-notes")
        case _:
            return Reason(
                f"Level {level} must agree.", (), "escalation#when-the-assistant-hands-over"
            )


def _unusual(card: Mapping[str, Any]) -> Reason:
    """The first of the limits of O8 that its goods are over."""
    ordering = load_rules().ordering
    goods = sum((Decimal(line["amount"]) for line in card["lines"]), Decimal(0))
    if goods > ordering.unusual_any:
        rule, why = "unusual_any", f"goods for more than SGD {ordering.unusual_any}"
    elif card.get("prepay"):
        limit = ordering.unusual_new_customer
        rule, why = "unusual_new_customer", f"more than SGD {limit} for a new customer"
    else:
        percent = ordering.unusual_percent
        rule, why = "unusual_percent", f"more than {percent}% of what this customer usually buys"
    section = "ordering#unusually-large-orders"
    return Reason(f"An unusual order: {why}.", (f"ordering.{rule}",), section)


def _cancelled(card: Mapping[str, Any]) -> Reason:
    if card.get("fee"):
        rules = ("cancellation.late_percent", "cancellation.last_percent")
        section = "cancellation#cancel-an-order-and-the-cancellation-fee"
        return Reason("A cancellation with a fee: nobody is charged by a machine.", rules, section)
    rules = ("cancellation.refund_days_min", "cancellation.refund_days_max")
    section = "cancellation#refund-after-a-cancellation"
    return Reason("The order is paid: somebody has to pay it back.", rules, section)


def _credit(card: Mapping[str, Any], level: int) -> Reason:
    rules = load_rules()
    pieces = sum(line["pieces"] for line in card["lines"])
    most = rules.quality.level3_damaged_pieces
    if pieces > most and _is_within(Decimal(card["total"]), level - 1):
        why = f"More than {most} damaged pieces: {pieces}."
        return Reason(
            why, ("quality.level3_damaged_pieces",), "quality#large-amount-of-damaged-goods"
        )
    below = f"escalation.levels.{level - 1}.credit"
    own = f"escalation.levels.{level}.credit"
    over = "A credit costs money, so a person grants it."
    if level > 2:
        limit = rules.escalation.levels[level - 1].credit
        over = f"A credit of more than SGD {limit}, which level {level - 1} may grant at most."
    named = (below, own) if level > 2 else (own,)
    return Reason(over, named, "escalation#who-can-approve-a-discount-or-credit")


def _is_within(amount: Decimal, level: int) -> bool:
    row = load_rules().escalation.levels.get(level)
    return row is not None and (row.credit is None or amount <= row.credit)

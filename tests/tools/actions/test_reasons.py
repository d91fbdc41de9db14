"""Why a card needs a person: by the rules' own numbers, and the sections that state them."""

from decimal import Decimal
from typing import Any

import pytest

from tools.actions.reasons import reason_of
from tools.escalation import level_for_credit
from tools.rules import rules_values
from tools.search.texts import load_policies


def a_card(kind: str, amount: str = "0", pieces: int = 1, **card: Any) -> dict[str, Any]:
    """A card that waits; a credit's level is the one that its amount needs."""
    level = level_for_credit(Decimal(amount), pieces) if kind == "credit" else 2
    lines = [{"amount": amount, "pieces": pieces}]
    shown = {"lines": lines, "total": amount, **card}
    return {"kind": kind, "approval_level": level, "card": shown}


@pytest.mark.parametrize(
    ("action", "rules"),
    [
        (a_card("order", "5000.01"), ["ordering.unusual_any"]),
        (a_card("order", "1000.01", prepay=True), ["ordering.unusual_new_customer"]),
        (a_card("order_change", "900.00"), ["ordering.unusual_percent"]),
        (a_card("credit", "14.17"), ["escalation.levels.2.credit"]),
        (
            a_card("credit", "600.00"),
            ["escalation.levels.2.credit", "escalation.levels.3.credit"],
        ),
        (
            a_card("credit", "2500.00"),
            ["escalation.levels.3.credit", "escalation.levels.4.credit"],
        ),
        (a_card("credit", "90.00", 101), ["quality.level3_damaged_pieces"]),
        (
            a_card("order_cancel", fee="40.00"),
            ["cancellation.late_percent", "cancellation.last_percent"],
        ),
        (
            a_card("order_cancel"),
            ["cancellation.refund_days_min", "cancellation.refund_days_max"],
        ),
        (a_card("allocation"), []),
        (a_card("email"), []),
    ],
)
def test_each_card_names_its_rule_with_the_figure_and_where_it_is_written(
    action: dict[str, Any], rules: list[str]
) -> None:
    reason = reason_of(action)
    assert list(reason.figures) == rules
    for name, figure in reason.figures.items():
        assert figure == rules_values().get(name, "no limit")
    assert reason.section in {section.id for section in load_policies()}
    assert reason.why.endswith(".")

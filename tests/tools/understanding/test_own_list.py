from decimal import Decimal

import pytest

from tools.understanding.own_list import listed_in


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("INV-1001 806.60", {"INV-1001": "806.60"}),
        ("INV-1001: $806.60\nINV-1002: $1,204.00", {"INV-1001": "806.60", "INV-1002": "1204.00"}),
        ("inv 1001 | 3 Oct 2026 | SGD 806.60", {"INV-1001": "806.60"}),
        ("INV-1001, 2026-10-03, 806.60", {"INV-1001": "806.60"}),
        ("INV-1001 03/10/2026 500", {"INV-1001": "500"}),
        ("INV-1001 3.10.2026 1.23", {"INV-1001": "1.23"}),
        ("INV-1001 10月3日 806.60", {"INV-1001": "806.60"}),
        ("CN-1001 -54.50", {"CN-1001": "54.50"}),
        (
            "we have INV-1001 at 806.60 and INV-1002 at 740",
            {"INV-1001": "806.60", "INV-1002": "740"},
        ),
        ("INV-1001 and INV-1002 are missing", {}),
        ("your statement is wrong", {}),
        ("", {}),
    ],
)
def test_each_number_with_its_amount(text: str, listed: dict[str, str]) -> None:
    assert listed_in(text) == [(number, Decimal(amount)) for number, amount in listed.items()]

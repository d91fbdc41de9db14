from decimal import Decimal

import pytest

from tools.escalation import EVERYBODY, damaged_pieces, level_for_credit, levels_for, triggers_of


@pytest.mark.parametrize(
    ("text", "triggers"),
    [
        ("get me your manager", {"manager"}),
        ("I will see my lawyer and tell the newspapers", {"legal", "media"}),
        ("we hold you liable", {"liability"}),
        ("我要找经理", {"manager"}),
        ("nanti saya viralkan", {"media"}),
        ("the boxes were crushed, no issue", set()),
        ("please pursue this", set()),
    ],
)
def test_words_that_send_a_conversation_up(text: str, triggers: set[str]) -> None:
    assert triggers_of(text) == triggers


@pytest.mark.parametrize(
    ("reason", "more", "levels"),
    [
        ("complaint", {}, (2,)),
        ("complaint", {"triggers": {"manager"}}, (3,)),
        ("complaint", {"triggers": {"manager", "media"}}, (4,)),
        ("refund", {"amounts": [Decimal(500)]}, (2,)),
        ("refund", {"amounts": [Decimal("500.01")]}, (3,)),
        ("refund", {"amounts": [Decimal("2000.01")]}, (4,)),
        ("damage", {"pieces": 100}, (2,)),
        ("damage", {"pieces": 101}, (3,)),
        ("damage", {"segment": "major"}, (4,)),
        ("order_cancel", {"segment": "major"}, (2,)),
        ("food_safety", {}, EVERYBODY),
    ],
)
def test_the_level_follows_from_what_is_at_stake(
    reason: str, more: dict[str, object], levels: tuple[int, ...]
) -> None:
    assert levels_for(reason, **more) == levels  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("about 150 boxes crushed", 150), ("1,200 pcs wet", 1200), ("some boxes", 0), ("INV-2042", 0)],
)
def test_the_damage_is_counted(text: str, pieces: int) -> None:
    assert damaged_pieces(text) == pieces


@pytest.mark.parametrize(
    ("amount", "pieces", "level"),
    [
        ("0.01", 1, 2),
        ("500.00", 100, 2),
        ("500.01", 100, 3),
        ("500.00", 101, 3),
        ("2000.00", 101, 3),
        ("2000.01", 1, 4),
        ("99999.00", 50000, 4),
    ],
)
def test_a_credit_is_for_who_may_grant_it(amount: str, pieces: int, level: int) -> None:
    assert level_for_credit(Decimal(amount), pieces) == level

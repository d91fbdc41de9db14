from datetime import datetime
from decimal import Decimal

import pytest

from tools.escalation import (
    EVERYBODY,
    damaged_pieces,
    level_for_credit,
    levels_for,
    threatens,
    triggers_of,
)
from tools.ordering.catalogue import load_catalogue

RECEIVED = datetime.fromisoformat("2026-11-23T10:30:00+08:00")


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
        ("உங்கள் மேலாளரிடம் பேச வேண்டும்", {"manager"}),
        ("வழக்கமான ஆர்டர் வேண்டும்", set()),
        ("200 boxes to our food court outlet, attn Mei", set()),
        ("third late delivery in two months", {"incidents"}),
        ("三个月内第三次送错", {"incidents"}),
        ("the third one this year", set()),
    ],
)
def test_words_that_send_a_conversation_up(text: str, triggers: set[str]) -> None:
    assert triggers_of(text) == triggers


@pytest.mark.parametrize(
    ("text", "threat"),
    [
        ("fix it or you hear from my lawyer", True),
        ("再送错货我就找律师告你们", True),
        ("saya akan jumpa peguam", True),
        ("we hold you liable for this", True),
        ("I will post this on Facebook", True),
        ("can I print our instagram name on the bag", False),
        ("is there a limit to your liability?", False),
        ("பழைய வழக்கம் போல் அனுப்புங்கள்", False),
    ],
)
def test_a_threat_says_enough_by_itself(text: str, threat: bool) -> None:  # noqa: FBT001
    assert threatens(text) == threat


@pytest.mark.parametrize(
    ("reason", "more", "levels"),
    [
        ("complaint", {}, (2,)),
        ("complaint", {"triggers": {"manager"}}, (3,)),
        ("complaint", {"triggers": {"manager", "media"}}, (4,)),
        ("complaint", {"triggers": {"incidents"}}, (3,)),
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
    [
        ("about 150 boxes crushed", 150),
        ("1,200 pcs wet", 1200),
        ("some boxes", 0),
        ("INV-2042", 0),
        ("3 bundles of the 12 inch boxes came soaked", 300),
        ("3 bundles all wet", 150),
        ("9000 of the 10 inch boxes on INV-1 were crushed", 9000),
        ("500 boxes came, 30 crushed", 30),
        ("2 bundles of 10 inch and 80 XL boxes crushed", 280),
        ("the boxes were crushed, about 150 of them", 150),
        ("今天早上送来的14寸披萨盒有150个被压扁了", 150),
        ("三箱餐盒坏了", 300),
        ("120 keping dulang rosak", 120),
        ("இன்று வந்த 40 தட்டுகள் உடைந்து இருந்தன", 40),
    ],
)
def test_the_damage_is_counted(text: str, pieces: int) -> None:
    assert damaged_pieces(text, load_catalogue(), RECEIVED) == pieces


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

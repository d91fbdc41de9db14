import pytest

from nodes.state import Situation
from tools.tone import breaches, directions_for, speaks

PLAIN = {"lines": 3, "emoji": 0, "language": "en"}


def test_every_situation_channel_segment_and_feeling_has_a_row() -> None:
    for situation in ("routine", "question", "complaint", "urgent", "bad_news"):
        for channel in ("web", "whatsapp", "mail", "portal", "api"):
            for segment in ("new", "established", "vip", "major", "on hold"):
                for sentiment in ("angry", "unhappy", "neutral", "happy"):
                    row = directions_for(situation, channel, segment, sentiment, of_money=False)
                    assert row.text
                    assert row.lines >= 5


@pytest.mark.parametrize(
    ("situation", "channel", "of_money", "emoji"),
    [
        ("routine", "whatsapp", False, 3),
        ("routine", "whatsapp", True, 0),
        ("complaint", "whatsapp", False, 0),
        ("routine", "mail", False, 0),
        ("routine", "web", False, 0),
    ],
)
def test_emoji_only_where_they_do_no_harm(
    situation: Situation, channel: str, *, of_money: bool, emoji: int
) -> None:
    row = directions_for(situation, channel, "established", "neutral", of_money=of_money)
    assert row.emoji == emoji


@pytest.mark.parametrize(
    ("text", "breach"),
    [
        ("One.\nTwo.\nThree.\nFour.", "too many lines"),
        ("Done 🎉", "too many emoji"),
        ("The SKU is out of stock.", "a banned word"),
        ("Sorry about this. We apologise.", "more than one apology"),
        (
            "我们会在星期四上午把您的货送到淡滨尼的店里请放心请放心请放心请放心请放心请放心",
            "another language",
        ),
    ],
)
def test_what_a_tone_forbids_is_found(text: str, breach: str) -> None:
    assert breaches(text, **PLAIN) == [breach]  # type: ignore[arg-type]


def test_lists_do_not_count_as_lines() -> None:
    assert breaches("Here:\n- a\n- b\n- c\n- d", **PLAIN) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Your order arrives on Thursday morning at your outlet in Tampines.", "en"),
        ("您的订单星期四上午送到淡滨尼分店。" * 3, "zh"),
        ("Pesanan anda akan dihantar pada hari Khamis pagi untuk kedai itu.", "ms"),
        ("உங்கள் ஆர்டர் வியாழக்கிழமை காலை வந்து சேரும் என்று உறுதி செய்கிறோம்.", "ta"),
    ],
)
def test_a_reply_speaks_one_language(text: str, language: str) -> None:
    for other in ("en", "zh", "ms", "ta"):
        assert speaks(text, other) == (other == language)

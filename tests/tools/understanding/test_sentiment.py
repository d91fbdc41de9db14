import pytest

from tools.understanding.sentiment import phrases, sentiment_of


@pytest.mark.parametrize(
    ("text", "feeling"),
    [
        ("200 boxes please", "neutral"),
        ("thanks a lot!", "happy"),
        ("the boxes came damaged", "unhappy"),
        ("THE BOXES CAME DAMAGED AGAIN TODAY", "angry"),
        ("damaged again!!", "angry"),
        ("this is unacceptable, thanks", "angry"),
        ("太差了", "angry"),
        ("送错了", "unhappy"),
        ("terima kasih", "happy"),
        ("teruk betul", "angry"),
        ("நன்றி", "happy"),
    ],
)
def test_a_feeling_is_read_in_four_languages(text: str, feeling: str) -> None:
    assert sentiment_of(text) == feeling


@pytest.mark.parametrize("text", ["smart order", "a bloodyminded", "unjokes"])
def test_a_word_inside_another_shows_nothing(text: str) -> None:
    assert sentiment_of(text) == "neutral"


def test_a_star_stands_for_any_ending() -> None:
    pattern = phrases("cheat*, fed up")
    assert pattern.search("cheating")
    assert pattern.search("I am fed up with it")
    assert not pattern.search("fed upwards")

import pytest

from tools.search.spelling import Spelling, our_spelling

KNOWN = Spelling(
    ["the oven of a pizza box", "pizza oven", "an order, an odder order", "cancel, cancel"]
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PIZA in the OVAN", "pizza in the oven"),
        ("cancle 13 hours", "cancel 13 hours"),
        ("an oder", "an order"),
        ("box of xyzzy", "box of xyzzy"),
        ("披萨 ovne", "披萨 oven"),
        ("SGD 806.60", "sgd 806.60"),
    ],
)
def test_a_word_in_no_text_becomes_the_likeliest_one(written: str, meant: str) -> None:
    assert KNOWN.corrected(written) == meant


def test_short_words_and_known_ones_stay() -> None:
    text = "teh van is on my side, can or not"
    assert our_spelling().corrected(text) == text

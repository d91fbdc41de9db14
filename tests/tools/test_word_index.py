import pytest

from tools.word_index import WordIndex, stems


@pytest.mark.parametrize(
    "words",
    [
        "cancel cancels cancelled cancelling cancellation",
        "delivery deliveries delivered deliver",
        "payment pay pays paying payments",
        "invoice invoices invoiced invoicing",
        "box boxes",
    ],
)
def test_forms_of_a_word_have_one_stem(words: str) -> None:
    assert len(set(stems(words))) == 1


def test_short_words_keep_their_endings() -> None:
    assert stems("gas bus day XL 2") == ["gas", "bus", "day", "xl", "2"]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    index = WordIndex({"a": "order a rush van", "b": "order a box", "c": "order a lid"})
    scores = index.scores("rush order")
    assert scores["a"] > scores["b"] > 0


def test_a_long_text_does_not_win_by_its_length() -> None:
    index = WordIndex({"short": "rush fee", "long": "rush fee " + "and other words " * 20})
    scores = index.scores("rush fee")
    assert scores["short"] > scores["long"]


def test_no_shared_word_scores_nothing() -> None:
    assert WordIndex({"a": "boxes"}).scores("weather") == {"a": 0}
    assert WordIndex({}).scores("boxes") == {}

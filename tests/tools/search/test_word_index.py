import pytest

from tools.search.word_index import WordIndex, characters, letters, stems


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
    index = WordIndex({"a": "order a rush van", "b": "order a box", "c": "order a lid"}, stems)
    scores = index.scores("rush order")
    assert scores["a"] > scores["b"] > 0


def test_a_long_text_does_not_win_by_its_length() -> None:
    index = WordIndex({"short": "rush fee", "long": "rush fee " + "and other words " * 20}, stems)
    scores = index.scores("rush fee")
    assert scores["short"] > scores["long"]


def test_no_shared_word_scores_nothing() -> None:
    assert WordIndex({"a": "boxes"}, stems).scores("weather") == {"a": 0}
    assert WordIndex({}, stems).scores("boxes") == {}


def test_the_share_is_of_all_the_words_that_were_asked_for() -> None:
    index = WordIndex({"a": "rush fee", "b": "order lid"}, stems)
    assert 0 < index.shares("rush fee for the moon")["a"] < index.shares("rush fee")["a"] <= 1
    assert index.shares("") == {"a": 0, "b": 0}


def test_words_that_say_nothing_do_not_count() -> None:
    assert stems("what is the fee, please") == ["fee"]


def test_chinese_is_compared_by_characters_and_their_pairs() -> None:
    assert characters("取消单 PDF 费") == ["取", "消", "单", "取消", "消单", "pdf", "费"]
    texts = {"cancel": "取消订单的费用", "pay": "付款方式", "mixed": "消费前取货"}
    scores = WordIndex(texts, characters).scores("我要取消")
    assert scores["cancel"] > scores["mixed"] > scores["pay"] == 0


def test_forms_and_misspellings_of_a_word_share_groups_of_letters() -> None:
    assert letters("Beli 2") == ["^be", "bel", "eli", "li$", "^bel", "beli", "eli$", "^2$"]
    index = WordIndex({"cancel": "pembatalan pesanan", "other": "harga kotak"}, letters)
    assert index.scores("nak batalkan")["cancel"] > 0
    tamil = WordIndex({"order": "ஆர்டரை மாற்ற", "other": "விலை"}, letters)
    assert tamil.scores("ஆர்டர்")["order"] > tamil.scores("ஆர்டர்")["other"]
    english = WordIndex({"cancel": "cancellation policy", "other": "delivery policy"}, letters)
    scores = english.scores("cancelation polcy")
    assert scores["cancel"] > scores["other"] > 0

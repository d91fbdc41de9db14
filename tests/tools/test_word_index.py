import pytest

from tools.word_index import WordIndex, bigrams, prefixes, stems


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


def test_the_share_is_of_all_the_words_that_were_asked_for() -> None:
    index = WordIndex({"a": "rush fee", "b": "order lid"})
    assert 0 < index.shares("rush fee for the moon")["a"] < index.shares("rush fee")["a"] <= 1
    assert index.shares("") == {"a": 0, "b": 0}


def test_words_that_say_nothing_do_not_count() -> None:
    assert stems("what is the fee, please") == ["fee"]


def test_chinese_is_compared_by_pairs_of_characters() -> None:
    assert bigrams("取消订单 PDF 费") == ["取消", "消订", "订单", "pdf", "费"]
    index = WordIndex({"cancel": "取消订单的费用", "pay": "付款方式"}, bigrams)
    scores = index.scores("我要取消")
    assert scores["cancel"] > scores["pay"] == 0


def test_forms_of_a_malay_or_tamil_word_share_their_first_letters() -> None:
    assert set(prefixes("batalkan")) == {"batalkan", "batal"}
    index = WordIndex({"cancel": "pembatalan pesanan", "other": "harga kotak"}, prefixes)
    assert index.scores("pembatal")["cancel"] > 0
    tamil = WordIndex({"order": "ஆர்டரை மாற்ற", "other": "விலை"}, prefixes)
    assert tamil.scores("ஆர்டர்")["order"] > 0

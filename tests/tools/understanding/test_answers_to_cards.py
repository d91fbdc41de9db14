import pytest

from tools.understanding.answers_to_cards import says_no, says_yes


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes please!", "ok", "ok go ahead", "yes, thanks", "sure lah", "confirm"),
        *("好的", "可以", "是", "没问题,谢谢", "boleh", "ya, teruskan", "ஆம்", "சரி"),
    ],
)
def test_nothing_but_a_yes(text: str) -> None:
    assert says_yes(text)
    assert not says_no(text)


@pytest.mark.parametrize(
    "text",
    ["no", "no, not now", "tidak", "不要", "不用了", "never mind", "tak jadi", "வேண்டாம்", "算了"],
)
def test_nothing_but_a_no(text: str) -> None:
    assert says_no(text)
    assert not says_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("yes but make it 300", "ok, how much is delivery?", "yes?", "ok never mind"),
        *("ok thanks", "ok, thank you", "好的，但是改周六", "yes cancel it", "boleh tukar?", ""),
    ],
)
def test_whatever_says_more_is_no_yes(text: str) -> None:
    assert not says_yes(text)

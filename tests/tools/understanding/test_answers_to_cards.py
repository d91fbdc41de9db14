import pytest

from tools.understanding.answers_to_cards import refuses, says_no, says_yes


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes please!", "ok", "ok go ahead", "yes, thanks", "sure lah", "confirm"),
        *("fine, yes please", "alright, go ahead", "great, that's right"),
        *("好的", "可以", "是", "没问题,谢谢", "boleh", "ya, teruskan", "ஆம்", "சரி"),
    ],
)
def test_nothing_but_a_yes(text: str) -> None:
    assert says_yes(text)
    assert not says_no(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "no",
            "no, not now",
            "tidak",
            "不要",
            "不用了",
            "never mind",
            "tak jadi",
            "வேண்டாம்",
            "算了",
        ),
        *("ok never mind", "no need already, cancel it", "sorry, no"),
    ],
)
def test_nothing_but_a_no(text: str) -> None:
    assert says_no(text)
    assert not says_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("yes but make it 300", "ok, how much is delivery?", "yes?", "ok never mind"),
        *("ok thanks", "ok, thank you", "好的，但是改周六", "yes cancel it", "boleh tukar?", ""),
        *("fine", "that's fine", "it's ok", "yes no", "sorry yes", "no problem"),
    ],
)
def test_whatever_says_more_is_no_yes(text: str) -> None:
    assert not says_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("no thanks, too late for us", "ok never mind", "don't need it anymore"),
        *("never mind, the boss said no", "算了，太晚了"),
    ],
)
def test_a_no_with_its_reason(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        *("no, 100 is enough", "no thanks, make it 300", "never mind the lids", "not yet"),
        *("no need to worry, go ahead", "no thanks, thursday instead", "no need for now?", "yes"),
    ],
)
def test_a_no_that_wants_something_else_refuses_nothing(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    "text",
    ["no wait wrong, my wife not yet transfer. cancel", "等等，还没转，取消", "eh salah, batal"],
)
def test_what_is_called_off_at_its_end_is_refused(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text", ["no wait, 300 not 200", "no, cancel the lids only", "wait, can cancel?", "cancel it?"]
)
def test_what_is_put_right_is_not_refused(text: str) -> None:
    assert not refuses(text)

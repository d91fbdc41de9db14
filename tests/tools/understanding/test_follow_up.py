from datetime import date

import pytest

from tools.understanding.follow_up import is_follow_up, pointed_at, says_nothing_new

LISTED = ["INV-1", "INV-2", "INV-3"]


@pytest.mark.parametrize(
    "text",
    ["and the other one?", "what about lids?", "how much is it", "那另外一张呢", "yang lain pula"],
)
def test_a_message_that_leans_on_the_one_before(text: str) -> None:
    assert is_follow_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "what do I owe",
        "200 boxes please",
        "and I would like to know all about your rules for cancelling an order on a public holiday",
    ],
)
def test_a_message_that_stands_alone(text: str) -> None:
    assert not is_follow_up(text)


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("and the other ones?", ["INV-2", "INV-3"]),
        ("show me the second one", ["INV-2"]),
        ("the last one", ["INV-3"]),
        ("when is it due", ["INV-1"]),
        ("第二张呢", ["INV-2"]),
        ("yang kedua pula", ["INV-2"]),
        ("இரண்டாவது?", ["INV-2"]),
        ("and its PDF?", ["INV-1"]),
        ("send me that invoice", ["INV-1"]),
        ("invois itu dalam PDF", ["INV-1"]),
        ("它的PDF呢", ["INV-1"]),
        ("அந்த இன்வாய்ஸ் PDF", ["INV-1"]),
        ("statement of the first quarter", []),
        ("statement of last month", []),
        ("第一季度的对账单", []),
        ("penyata suku pertama", []),
        ("hello", []),
    ],
)
def test_what_is_pointed_at(text: str, documents: list[str]) -> None:
    assert pointed_at(text, ["INV-1"], LISTED) == documents


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("pay link for all three", ["INV-1", "INV-2", "INV-3"]),
        ("both of them", []),
        ("the second one is also ours", ["INV-2"]),
        ("the third one", ["INV-3"]),
    ],
)
def test_all_of_a_list_are_pointed_at(text: str, documents: list[str]) -> None:
    assert pointed_at(text, [], LISTED) == documents


def test_a_place_beyond_the_list_is_that_of_what_was_named() -> None:
    assert pointed_at("the second one too", ["INV-1", "INV-9"], ["INV-1"]) == ["INV-9"]
    assert pointed_at("the third one too", ["INV-1", "INV-9"], ["INV-1"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "and august?",
        "and the other two",
        "八月呢？",
        "and after 9 days?",
        "then ours",
        "dan yang lain",
    ],
)
def test_a_message_that_only_names_a_time_or_points(text: str) -> None:
    assert says_nothing_new(text, date(2026, 9, 8))


@pytest.mark.parametrize(
    "text",
    ["and 12 inch lids?", "how much is it", "and my refund?", "what about sundays", "august"],
)
def test_a_message_that_says_something_of_its_own(text: str) -> None:
    assert not says_nothing_new(text, date(2026, 9, 8))

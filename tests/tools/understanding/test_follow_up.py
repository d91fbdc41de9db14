import pytest

from tools.understanding.follow_up import is_follow_up, pointed_at

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

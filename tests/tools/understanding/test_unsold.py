import pytest

from tools.understanding.unsold import Size, unsold_sizes


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("how much are your 16 inch pizza boxes?", "en"),
        ('got 16" pizza box or not', "en"),
        ("16寸披萨盒多少钱", "zh"),
        ("berapa harga kotak piza 16 inci", "ms"),
        ("16 அங்குல பீட்சா பெட்டி விலை என்ன", "ta"),
    ],
)
def test_a_size_that_is_not_sold(text: str, language: str) -> None:
    assert unsold_sizes(text, language) == [Size(number="16", unit="inch")]


@pytest.mark.parametrize(
    "text",
    [
        "how much is a 12 inch box",
        "9 inch bagasse plate?",
        "price of the 750 ml tray",
        "does a 13 inch pizza fit your XL box",
        "how much are pizza boxes",
        "is a 16 inch screen on sale",
        "16 bundles of 12 inch boxes",
    ],
)
def test_what_is_sold_or_no_size_of_ours(text: str) -> None:
    assert unsold_sizes(text, "en") == []

import pytest

from tools.understanding.grievances import complains, is_repeated


@pytest.mark.parametrize(
    "text",
    [
        "the lids from monday do not fit the trays, very unhappy",
        "your van came four hours late, terrible",
        "今天的货迟到了三个小时，太差劲了！",
        "Penghantaran pagi tadi lewat dua jam, pelanggan kami marah!",
        "டெலிவரி மறுபடியும் தாமதம், ரொம்ப மோசம்",
    ],
)
def test_an_unhappy_word_about_a_delivery_complains(text: str) -> None:
    assert complains(text)


@pytest.mark.parametrize(
    "text",
    [
        "do the lids fit the trays?",
        "what if the delivery comes late and I am unhappy",
        "I am unhappy with the late payment fee",
        "货迟到怎么算，会很麻烦",
        "the delivery was on time, thanks",
    ],
)
def test_a_question_or_a_calm_word_does_not(text: str) -> None:
    assert not complains(text)


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("this is the third time in two months", True),
        ("3rd time in a row", True),
        ("两个月内第三次", True),
        ("kali ketiga bulan ini", True),
        ("மூன்றாவது முறை இந்த மாதம்", True),
        ("third time in six months", False),
        ("second time this month", False),
        ("third reminder: the lids", False),
    ],
)
def test_the_third_incident_within_the_days_of_a_review(text: str, repeated: bool) -> None:  # noqa: FBT001
    assert is_repeated(text) == repeated

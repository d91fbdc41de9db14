import json

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from tools.documents.letters import font_folders, printable, readable

SOURCE = b"""#set document(title: "all")
#set text(font: ("Noto Sans", "Noto Sans CJK SC"))
#json(bytes(sys.inputs.text))"""
FONTS = typst.Fonts(
    include_system_fonts=False, include_embedded_fonts=False, font_paths=list(font_folders())
)


def set_strictly(text: str) -> None:
    """PDF/A forbids a character without a glyph, so typesetting it raises."""
    typst.compile(
        SOURCE,
        font_paths=FONTS,
        ignore_system_fonts=True,
        sys_inputs={"text": json.dumps(text)},
        pdf_standards="a-2b",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Café Łódź – “señor” € ₫",
        "柔佛披萨店 繁體龍龜 かな 한국",
        "தமிழ் உணவகம் ஸ்ரீ க்ஷ",
        "हिन्दी ไทย العربية עברית မြန်မာ",
        "🍕 🙏🏽 👩‍🍳",
    ],
)
def test_the_languages_of_customers_are_printed_as_they_are(text: str) -> None:
    assert printable(text) == text
    set_strictly(text)


def test_what_no_font_has_is_spelled_out() -> None:
    assert printable("a\U000f0000b \u0378") == "a[U+F0000]b [U+0378]"


def test_what_nobody_can_see_goes_away() -> None:
    assert readable("abc\u202e 123\u200b\x00\r\n\ttwo  lines\ufeff ") == "abc 123 two lines"


def test_letters_and_their_marks_become_one() -> None:
    assert readable("Cafe\u0301") == "Café"


@given(st.text(max_size=60))
def test_every_text_can_be_set(text: str) -> None:
    set_strictly(printable(text))

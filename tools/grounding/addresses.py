"""Links, mail addresses, phone numbers, document numbers, and markup that no reply may hold."""

import re

from tools.grounding.numbers import NUMBER, data, either, read_number

_WORDS = data("links")
_TLD = either(_WORDS["tlds"])
_PATH = r"(?:[/?#:][^\s\"'<>\u3000-\u9fff\u0b80-\u0bff]*)?"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


MARKUP = _compiled(
    r"!?\[[^\]\n]*\]\s?\([^)\n]*\)?|\[[^\]\n]+\]:\s*\S+|</?[a-z!][^>\n]*>?|&(?:lt|gt|#\d+|#x\w+);"
    r"|(?:javascript|data|vbscript|file):\S+"
)
MAIL = _compiled(
    r"[A-Za-z0-9_.+-]+\s?(?:@|\(at\)|\[at\])\s?[A-Za-z0-9-]+(?:\s?(?:\.|\(dot\)|\[dot\])\s?[A-Za-z0-9-]+)+"
    rf"|[a-z0-9.+-]+ at [a-z0-9-]+ dot {_TLD}(?![a-z])"
)
LINK = _compiled(
    r"[a-z][a-z0-9+.-]{1,9}://[^\s\"'<>\u3000-\u9fff\u0b80-\u0bff]+|(?<![a-z])www\.[a-z0-9.-]+"
    + _PATH
    + rf"|(?<![a-z0-9@.-])(?:[a-z0-9-]+\.)+(?:xn--[a-z0-9-]+|{_TLD})(?![a-z0-9-]){_PATH}"
    rf"|(?<![a-z0-9])[a-z0-9-]+(?:\s?[(\[]\s?dot\s?[)\]]\s?|\s+dot\s+|\s?[(\[]\.[)\]]\s?){_TLD}(?![a-z]){_PATH}"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
    + _PATH
    + r"|(?<![a-z0-9@.-])(?:[a-z0-9-]+\.)+[a-z]{2,}/[a-z0-9][^\s\"'<>]*"
)
PHONE = _compiled(
    r"(?<![A-Za-z0-9_.,-])\+\d[\d ().-]{5,}\d(?!\d)"
    r"|(?<![A-Za-z0-9_.,$+-])(?:65[ -]?)?[3689]\d{3}[ -]?\d{4}(?![A-Za-z0-9_-]|\.\d|,\d)"
    r"|(?<![A-Za-z0-9_.,-])1[- ]?800[- ]?\d{3}[- ]?\d{4}(?!\d)"
)
_ONE_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
SPOKEN_PHONE = _compiled(rf"(?<![a-z]){_ONE_DIGIT}(?:[\s,-]+(?:double\s+)?{_ONE_DIGIT}){{6,}}")
_EDGE, _END = "(?<![A-Za-z0-9])", "(?![A-Za-z0-9])"
ID = _compiled(
    rf"{_EDGE}(?!(?:FSC|ISO|HACCP|COVID)-)[a-z]{{1,5}}-(?:[a-z0-9]+-)*[a-z]*\d[a-z0-9]*(?:-[a-z0-9]+)*{_END}"
    rf"|{_EDGE}(?!iso|dpi|sgd|usd|myr|eur|gst)[a-z]{{2,5}}\d{{3,}}{_END}"
    rf"|{_EDGE}(?-i:INV|[Ii]nv|TRIA|Tria|CN|QU|QUO|PO|SO|TKT)[ #-]{{1,2}}\d{{2,}}{_END}"
    rf"|{_EDGE}[STFGM]\d{{7}}[A-Z]{_END}|{_EDGE}\d{{8,10}}[A-Z]{_END}"
)
_NOUN = (
    r"(?:invoice|order|ticket|quote|credit note|receipt|document|invois|pesanan|tiket|dokumen|po)s?"
)
NUMBERED = _compiled(
    rf"(?:(?<![a-z]){_NOUN}\s+(?:(?:no|num|number|nombor)\b\.?\s*:?\s*)?#?\s?|#\s?|(?:发票|订单|工单|单)号?码?(?:是|为)?[:#]?\s?#?)"
    r"(?P<number>\d{3,}(?![\d.,:/]\d|\s?[A-Za-z%]))"
)
NUMBERED_WORDS = _compiled(
    rf"(?<![a-z]){_NOUN}\s+(?:no\.?|number|nombor)\s+(?P<number>{NUMBER})(?!\s?[A-Za-z%])"
)
LEAK = _compiled("|".join(f"(?:{p})" for p in _WORDS["leaks"]["patterns"]))
# One word of Latin and look-alike letters together.
DISGUISE = re.compile(
    r"[A-Za-z]+[\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff]+[A-Za-z]"
)


def link(match: re.Match[str]) -> str:
    """Host and path in small letters, without scheme and closing marks."""
    text = re.sub(r"\s?[(\[]?\s?(?:dot|\.)\s?[)\]]\s?|\s+dot\s+", ".", match[0].lower())
    return re.sub(r"^[a-z+.-]+://", "", text).rstrip(".,;:!?)]}'\"/")


def mail(match: re.Match[str]) -> str:
    """The address in small letters."""
    text = re.sub(r"\s?[(\[]at[)\]]\s?|\s+at\s+|\s?@\s?", "@", match[0].lower())
    return re.sub(r"\s?[(\[]dot[)\]]\s?|\s+dot\s+", ".", text).rstrip(".")


def phone(match: re.Match[str]) -> str:
    """The digits, without Singapore's country code."""
    digits = re.sub(r"\D", "", match[0])
    return digits[2:] if len(digits) == 10 and digits.startswith("65") else digits


def spoken_phone(match: re.Match[str]) -> str:
    """As written: a number that is read out is never one of ours."""
    return match[0].lower()


def document(match: re.Match[str]) -> str:
    """A document number without hyphens and spaces: "INV 1003" is INV-1003."""
    return re.sub(r"[\s#-]", "", match[0]).lower()


def numbered(match: re.Match[str]) -> str | None:
    """The digits of "invoice 1003"."""
    number = read_number(match["number"])
    return None if number is None else f"#{int(number)}"


def as_written(match: re.Match[str]) -> str:
    """The text itself."""
    return match[0].lower()

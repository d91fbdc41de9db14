"""Numbers in Chinese, Malay and Tamil words."""

from collections.abc import Sequence
from decimal import Decimal

from tools.ordering.words import NUMERALS

ONE, TEN, HUNDRED, THOUSAND = Decimal(1), 10, 100, 1000
SCALES = frozenset("十百千万萬") | {
    *("puluh", "ratus", "ribu", "sepuluh", "seratus", "seribu", "ஆயிரம்", "ஆயிரத்து")
}
TEEN = "belas"


def value_of(words: Sequence[str]) -> Decimal:
    """The value of 两百五, "dua ratus lima puluh" or ஆயிரத்து இருநூறு; the first may be a figure."""
    if len(words) > 1 and all(w in NUMERALS and NUMERALS[w] < TEN for w in words):
        return Decimal("".join(str(NUMERALS[w]) for w in words))
    whole = section = digit = Decimal(0)
    for word in words:
        scale = NUMERALS.get(word, 0)
        if word == TEEN:
            section, digit = section + TEN + digit, Decimal(0)
        elif word not in SCALES:
            digit += NUMERALS[word] if word in NUMERALS else Decimal(word.replace(",", ""))
        elif scale < THOUSAND:
            section, digit = section + (digit or ONE) * scale, Decimal(0)
        else:
            whole, section, digit = whole + (section + digit or ONE) * scale, Decimal(0), Decimal(0)
    return whole + section + digit * _left_out(words)


def _left_out(words: Sequence[str]) -> int:
    """What a last digit counts: 两百五 is 250, 两百零五 is 205."""
    if len(words) < len("两百五") - 1 or words[-1] in SCALES or words[-2] not in "百千万萬":
        return 1
    return NUMERALS[words[-2]] // TEN

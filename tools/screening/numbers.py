"""The check digits of identity and card numbers."""

NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
NRIC_LETTERS = {"ST": "JZIHGFEDCBA", "FG": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
NRIC_OFFSETS = {"T": 4, "G": 4, "M": 3}
# Validators disagree on the letters of M numbers; whichever was used, it is personal data.
OTHER_M_LETTERS = "KLJNPQRTUWX"
CARD_LENGTHS = range(13, 20)


def is_nric(prefix: str, digits: str, letter: str) -> bool:
    """Whether a Singapore NRIC or FIN number has the right check letter."""
    first = prefix.upper()
    total = sum(w * int(d) for w, d in zip(NRIC_WEIGHTS, digits, strict=True))
    rest = (total + NRIC_OFFSETS.get(first, 0)) % 11
    letters = next(table for prefixes, table in NRIC_LETTERS.items() if first in prefixes)
    accepted = {letters[rest]} | ({OTHER_M_LETTERS[rest]} if first == "M" else set())
    return letter.upper() in accepted


def is_card(number: str) -> bool:
    """Whether the digits pass the Luhn check of payment cards."""
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    is_real = len(digits) in CARD_LENGTHS and len(set(digits)) > 1
    return is_real and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0

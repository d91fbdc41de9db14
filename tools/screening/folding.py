"""One plain sign for every variant of it, character by character, so that places stay the same."""

import unicodedata

_SIGNS = {
    "-": "‐‑‒–—―−－﹣",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u2800\t",  # noqa: E501
    "'": "‘’‛′＇",
    '"': "“”„‟″＂",
    ".": "．",
    "(": "（",
    ")": "）",
    ":": "：",
    ",": "，",
    "+": "＋",
    "#": "＃",
    "@": "＠",
    "/": "／",
    "!": "！",
    "?": "？",
    ";": "；",
}
_FOLDED = {ord(variant): sign for sign, variants in _SIGNS.items() for variant in variants}


def fold_signs(text: str) -> str:
    """Dashes, spaces, quotes, wide punctuation and foreign digits as their plain form."""
    if text.isascii():
        return text.replace("\t", " ")
    folded = text.translate(_FOLDED)
    if folded.isascii():
        return folded
    return "".join(c if c.isascii() or not c.isdecimal() else _digit(c) for c in folded)


def _digit(character: str) -> str:
    return str(unicodedata.decimal(character))

"""The words of a text as the concepts they stand for, in four languages."""

import re
from collections.abc import Iterator

from tools.screening.wordlists import load

TAMIL = "\u0b80-\u0bff"
HAN = "\u3400-\u9fff"
PARTS = re.compile(
    f"[a-z]+(?:[-'_][a-z]+)*|\\d+(?:\\.\\d+)?|%|[{HAN}]+|[{TAMIL}]+|[.!?;:\\n。！？；：]|[^\\W\\d_]+"
)
INNER = re.compile("[-'_]")
SENTENCE_ENDS = frozenset(".!?;\n。！？；")
BREAK = 2
CONCEPTS: dict[str, str] = load("injection.toml")["concepts"]
BITS = {name: 1 << n for n, name in enumerate(CONCEPTS)}


def _bits_of_words() -> dict[str, int]:
    found: dict[str, int] = {}
    for name, listed in CONCEPTS.items():
        for word in listed.split():
            found[word.rstrip(",")] = found.get(word.rstrip(","), 0) | BITS[name]
    return found


WORDS = _bits_of_words()
_STEMS = {word: bits for word, bits in WORDS.items() if re.match(f"[{TAMIL}]", word)}
_LONGEST_STEM = max(map(len, _STEMS))
_HAN_WORDS = {word: bits for word, bits in WORDS.items() if re.match(f"[{HAN}]", word)}
_LONGEST_HAN = max(map(len, _HAN_WORDS))
Token = tuple[str, int]


def tokens_of(text: str) -> list[Token]:
    """Each word with the bits of its concepts; the end of a sentence counts as two words."""
    found: list[Token] = []
    for part in PARTS.findall(text):
        if bits := WORDS.get(part):
            found.append((part, bits))
        elif part in SENTENCE_ENDS:
            found += [("", 0)] * BREAK
        elif part[0] >= "\u0b80":
            found += _foreign(part)
        else:
            found += [(word, WORDS.get(word, 0)) for word in INNER.split(part)]
    return found


def _foreign(part: str) -> Iterator[Token]:
    if part[0] <= "\u0bff":
        yield part, _stem_bits(part)
    elif "\u3400" <= part[0] <= "\u9fff":
        yield from _han(part)
    else:
        yield part, 0


def _stem_bits(word: str) -> int:
    for length in range(min(len(word), _LONGEST_STEM), 1, -1):
        if bits := _STEMS.get(word[:length]):
            return bits
    return 0


def _han(part: str) -> Iterator[Token]:
    """The longest known words of a run of Chinese; two other characters count as one word."""
    place, unknown = 0, 0
    while place < len(part):
        for length in range(_LONGEST_HAN, 0, -1):
            if bits := _HAN_WORDS.get(part[place : place + length]):
                yield part[place : place + length], bits
                place += length
                break
        else:
            unknown += 1
            if unknown % 2 == 0:
                yield "", 0
            place += 1

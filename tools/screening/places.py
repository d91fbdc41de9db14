"""Finding words near a place of a text: what stands before a number decides what it is."""

import re
from typing import NamedTuple

# Tamil vowel signs are no letters to `\w`.
WORD = re.compile(r"[^\W\d_](?:[\w\u0b80-\u0bff'/-]*[\w\u0b80-\u0bff])?|#")
FAR = 1000
SENTENCE_END = re.compile(
    r"[!?;\n。！？；]|(?<!no)(?<!acct)(?<!tel)(?<!attn)(?<!ref)\.(?=\s)", re.IGNORECASE
)
SCRIPTS = re.compile("[\u0b80-\u0bff\u3400-\u9fff]")
REACH = 48


class Found(NamedTuple):
    """Something personal, and where it stands."""

    kind: str
    start: int
    end: int


def before(text: str, place: int, reach: int = REACH) -> str:
    """What stands before a place in the same sentence, in small letters."""
    window = text[max(place - reach, 0) : place]
    return SENTENCE_END.split(window)[-1].lower()


def distance(text: str, cues: frozenset[str]) -> int:
    """Characters from the last of the cues to the end of the text; `FAR` if there is none."""
    ends = [m.end() for m in WORD.finditer(text) if m[0] in cues]
    if SCRIPTS.search(text):
        ends += [text.rfind(c) + len(c) for c in cues if SCRIPTS.match(c) and c in text]
    return len(text) - max(ends) if ends else FAR


def has_cue(text: str, cues: frozenset[str]) -> bool:
    """Whether one of the cues stands in the text."""
    return distance(text, cues) < FAR


def last_words(text: str) -> list[str]:
    """The words of a text, the last one first."""
    return [m[0] for m in WORD.finditer(text)][::-1]


def word_after(text: str, place: int) -> str:
    """The word that follows a place directly."""
    match = WORD.match(text, place + (text[place : place + 1] == " "))
    return match[0].lower() if match else ""


def overlaps(one: Found, others: list[Found]) -> bool:
    """Whether something was already found there."""
    return any(one.start < other.end and other.start < one.end for other in others)

"""What the linear model sees of a text: rules that hold, pairs of concepts, groups of letters."""

import re

import numpy as np
from numpy.typing import NDArray

from tools.screening.ngrams import SIZE as GROUPS
from tools.screening.ngrams import groups
from tools.screening.rules import NAMES, hits
from tools.screening.tokens import Token, tokens_of
from tools.screening.wordlists import load

PAIRS = 1 << 12
SIZE = GROUPS + PAIRS
NEAR = 3
# How much a pair of concepts counts beside the letter groups, which share a length of 1.
PAIR = 0.3
RULES = {name: n for n, name in enumerate(NAMES)}
PACKED = 80
LONGEST_SENTENCE = 240
INNOCENT = re.compile("|".join(load("injection.toml")["innocent"]))
SENTENCES = re.compile(r"[^.!?\n。！？]*[.!?\n。！？]*")


def features_of(text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The features of a short text in small letters, and their values."""
    text = INNOCENT.sub("", text)
    tokens = tokens_of(text)
    ruled = np.array([RULES[name] for name in hits(tokens, text)], np.int64)
    paired = np.array(sorted(pairs_of(tokens)), np.int64)
    found = groups(text)
    grouped = np.concatenate(found).astype(np.int64) if found else np.zeros(0, np.int64)
    share = np.full(len(grouped), 1 / np.sqrt(max(len(grouped), 1)), np.float32)
    values = (np.ones(len(ruled)), np.full(len(paired), PAIR), share)
    base = len(NAMES)
    places = np.concatenate((ruled, base + GROUPS + paired, base + grouped))
    return places, np.concatenate(values).astype(np.float32)


def pairs_of(tokens: list[Token]) -> set[int]:
    """Concepts that stand near each other, in their order; and each by itself."""
    known = [(n, _names(bits)) for n, (_, bits) in enumerate(tokens) if bits]
    found: set[int] = set()
    for m, (place, names) in enumerate(known):
        found.update(PAIRS - 1 - name for name in names)
        for other, following in known[m + 1 : m + 1 + NEAR]:
            if other - place > NEAR + 1:
                break
            found.update((a * 61 + b) % (PAIRS - 64) for a in names for b in following)
    return found


def _names(bits: int) -> list[int]:
    return [n for n in range(bits.bit_length()) if bits >> n & 1]


def chunks(text: str) -> list[str]:
    """A long text sentence by sentence, short ones together: beside others an attack would fade."""
    parts: list[str] = []
    current = ""
    for piece in [p for sentence in SENTENCES.findall(text) for p in _pieces(sentence)]:
        if current.strip() and len(current) + len(piece) > PACKED:
            parts.append(current)
            current = ""
        current += piece
    return [*parts, current]


def _pieces(sentence: str) -> list[str]:
    return [sentence[n : n + LONGEST_SENTENCE] for n in range(0, len(sentence), LONGEST_SENTENCE)]

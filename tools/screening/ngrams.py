"""Letter groups of a text as hashed features: what a linear model learns beside the rules."""

import re

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 13
LENGTHS = (2, 3, 4, 5)
FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1], np.uint32)
NOISE = re.compile(r"[\s\-_*~|\"'`,.]+")
FIGURES = re.compile(r"\d")


def plain(text: str) -> str:
    """Small letters, one space between words, every figure a 0."""
    return f" {FIGURES.sub('0', NOISE.sub(' ', text)).strip()} "


def groups(text: str) -> list[NDArray[np.uint32]]:
    """The hashed groups of each length, by place."""
    codes = np.frombuffer(plain(text).encode("utf-32-le", "ignore"), np.uint32)
    return [_hashed(codes, length) for length in LENGTHS if len(codes) >= length]


def _hashed(codes: NDArray[np.uint32], length: int) -> NDArray[np.uint32]:
    count = len(codes) - length + 1
    mixed = np.full(count, length, np.uint32)
    for n in range(length):
        mixed = (mixed ^ codes[n : n + count]) * FACTORS[n]
        mixed ^= mixed >> np.uint32(15)
    return mixed & np.uint32(SIZE - 1)

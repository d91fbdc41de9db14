"""Letter groups of a text as hashed features: what a linear model learns beside the rules."""

import re

import numpy as np
from numpy.typing import NDArray

SIZE = 1 << 14
LENGTHS = (2, 3, 4, 5)
WINDOW = 160
STEP = 40
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


def counts(text: str) -> NDArray[np.float32]:
    """How often each group stands in a text, scaled so that short and long ones compare."""
    found = [group for group in groups(text) if len(group)]
    if not found:
        return np.zeros(SIZE, np.float32)
    listed = np.concatenate(found)
    counted = np.bincount(listed, minlength=SIZE).astype(np.float32)
    return counted / np.float32(np.sqrt(len(listed)))


def strongest(text: str, weights: NDArray[np.float32]) -> float:
    """The sum of weights in the window of the text where it is greatest."""
    found = groups(text)
    if not found:
        return 0.0
    by_place = np.zeros(len(found[0]) + 1, np.float64)
    for group in found:
        by_place[: len(group)] += weights[group]
    total = np.concatenate(([0.0], np.cumsum(by_place)))
    length = len(by_place)
    starts = np.arange(0, max(length - WINDOW, 0) + 1, STEP)
    if length > WINDOW:
        starts = np.append(starts, length - WINDOW)
    ends = np.minimum(starts + WINDOW, length)
    size = np.sqrt((ends - starts) * len(LENGTHS))
    return float(((total[ends] - total[starts]) / size).max())

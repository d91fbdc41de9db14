"""The benchmark of the gate: its honest replies are many, and its lies are lies."""

import random
import re
from collections import Counter
from decimal import Decimal

import pytest

from evals.bench.lies import DATASET, Situation, load, told_lies, told_truths
from tools.sandbox.openai.lies import KINDS, language_of
from tools.sandbox.openai.sources import NUMBER, Sources

SHARES = {"en": 0.6, "zh": 0.2, "ms": 0.12, "ta": 0.08}


@pytest.fixture(scope="module")
def situations() -> list[Situation]:
    return list(load(DATASET))


def a_seed(number: int) -> random.Random:
    return random.Random(number)  # noqa: S311


def test_there_are_enough_honest_replies(situations: list[Situation]) -> None:
    replies = [reply for s in situations for reply in s.replies]
    assert len({s.id for s in situations}) == len(situations) >= 250
    assert len(set(replies)) >= 1000
    assert all(len(s.replies) >= 4 for s in situations)


def test_the_languages_have_their_shares(situations: list[Situation]) -> None:
    counts = Counter(s.language for s in situations for _ in s.replies)
    for language, share in SHARES.items():
        assert counts[language] / counts.total() == pytest.approx(share, abs=0.02)


def test_every_reply_is_in_the_language_of_its_situation(situations: list[Situation]) -> None:
    assert [(s.id, r) for s in situations for r in s.replies if language_of(r) != s.language] == []


def test_no_placeholder_is_left(situations: list[Situation]) -> None:
    assert not any(re.search(r"[{}]|\\n", r) for s in situations for r in s.replies)


def test_honest_amounts_stand_in_the_sources(situations: list[Situation]) -> None:
    for situation in situations:
        known = Sources(tuple(situation.sources), "").numbers
        for reply in situation.replies:
            cents = {Decimal(n.replace(",", "")) for n in NUMBER.findall(reply) if "." in n}
            assert {n for n in cents - known if n != Decimal("1.2")} == set()  # 1.2 kg are 1,200 g


def test_lies_come_in_equal_numbers_of_each_kind(situations: list[Situation]) -> None:
    kinds = Counter(told.kind for told in told_lies(situations, 100, a_seed(0)))
    assert kinds == dict.fromkeys(KINDS, 10)


def test_the_same_seed_tells_the_same(situations: list[Situation]) -> None:
    for tell in (told_lies, told_truths):
        assert list(tell(situations, 50, a_seed(1))) == list(tell(situations, 50, a_seed(1)))
        assert list(tell(situations, 50, a_seed(1))) != list(tell(situations, 50, a_seed(2)))


def test_every_lie_differs_from_every_honest_reply(situations: list[Situation]) -> None:
    honest = {reply for s in situations for reply in s.replies}
    assert not any(told.text in honest for told in told_lies(situations, 1000, a_seed(3)))


def test_false_amounts_in_figures_are_in_no_source(situations: list[Situation]) -> None:
    lies = [told for told in told_lies(situations, 2000, a_seed(4)) if told.kind == "amount"]
    in_figures = 0
    for told in lies:
        known = Sources(tuple(told.about.sources), "\n".join(told.about.replies)).numbers
        figures = {Decimal(n.replace(",", "")) for n in NUMBER.findall(told.text)}
        in_figures += bool(figures - known)
    assert in_figures > len(lies) * 0.7  # the others are in words

"""Rules for attacks over concepts, and the written forms of attacks."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tools.screening.tokens import BITS, Token
from tools.screening.wordlists import load

GAP = 3
AFTER = 2
MOST_PLACES = 2000
MANY_SHOTS = 4
SHOT = re.compile(
    r"(?:^|\n)\s{0,4}(?:user|human|customer|q|question|client|me|pelanggan|客户|用户)\s?[:：]",
    re.IGNORECASE,
)
Step = tuple[str, int]


@dataclass(frozen=True)
class Rule:
    """Concepts that follow each other; each step has the most words before the next one."""

    name: str
    steps: tuple[Step, ...]
    excluded: int


def _parsed(family: str, number: int, written: str) -> list[Rule]:
    parts = written.lstrip("~").split()
    names = [p for p in parts if p[0] not in "<!"]
    gaps = {i: int(p[1:]) for i, p in enumerate(parts) if p[0] == "<"}
    places = [i for i, p in enumerate(parts) if p[0] not in "<!"]
    steps = tuple((n, gaps.get(i + 1, GAP)) for n, i in zip(names, places, strict=True))
    excluded = sum({BITS[p[1:]] for p in parts if p[0] == "!" and p[1] != "="})
    rules = [Rule(f"{family}{number}", steps, excluded)]
    if written.startswith("~"):
        rules.append(Rule(f"{family}{number}", _reversed(steps), excluded))
    return rules


def _reversed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    names = [name for name, _ in steps][::-1]
    gaps = [*[gap for _, gap in steps[:-1]][::-1], GAP]
    return tuple(zip(names, gaps, strict=True))


_DATA = load("rules.toml")
RULES = [
    rule
    for family, listed in _DATA["rules"].items()
    for number, written in enumerate(listed)
    for rule in _parsed(family, number, written)
]
FORMS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _DATA["forms"].items()}
NAMES = tuple(dict.fromkeys([*(r.name for r in RULES), *FORMS, "many_shots"]))


def hits(tokens: Sequence[Token], text: str) -> list[str]:
    """The names of the rules and forms that hold for a text and its words."""
    places = _Places(tokens)
    found = {rule.name for rule in RULES if _holds(rule, places)}
    found |= {name for name, pattern in FORMS.items() if pattern.search(text)}
    if len(SHOT.findall(text)) >= MANY_SHOTS:
        found.add("many_shots")
    return sorted(found)


class _Places:
    """Where each concept and word stands."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.bits = [bits for _, bits in tokens]
        self._words = [word for word, _ in tokens]
        self._known: dict[str, list[int]] = {}

    def of(self, name: str) -> list[int]:
        if name not in self._known:
            self._known[name] = self._found(name)[:MOST_PLACES]
        return self._known[name]

    def _found(self, name: str) -> list[int]:
        if name.startswith("="):
            return [n for n, word in enumerate(self._words) if word == name[1:]]
        bit = BITS[name]
        return [n for n, bits in enumerate(self.bits) if bits & bit]


def _holds(rule: Rule, places: _Places) -> bool:
    """Whether the steps follow each other somewhere, without an excluded concept among them."""
    if not all(places.of(name) for name, _ in rule.steps):
        return False
    reached = {(n, n) for n in places.of(rule.steps[0][0])}
    for (_, gap), (name, _) in zip(rule.steps, rule.steps[1:], strict=False):
        found = places.of(name)
        reached = {(start, end) for start, at in reached for end in _within(found, at, gap)}
    return any(not _excludes(rule, places, *span) for span in reached)


def _within(places: list[int], start: int, gap: int) -> list[int]:
    return places[bisect_right(places, start) : bisect_right(places, start + gap + 1)]


def _excludes(rule: Rule, places: _Places, start: int, end: int) -> bool:
    return any(bits & rule.excluded for bits in places.bits[start : end + AFTER + 1])

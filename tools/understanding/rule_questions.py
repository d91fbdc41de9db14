"""Whether a message only asks how things are done, and tells or wants nothing of its own."""

import re
import tomllib
from functools import cache
from importlib import resources

from tools.grounding.numbers import plain
from tools.understanding.entities import documents_in
from tools.understanding.wants import any_of

SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
CLAUSES = re.compile(r"[,;，；:]\s*")
ASKING = re.compile(
    r"[?？吗呢]|什么|怎么|多少|几|谁|哪|எ(?:ன்ன|ப்ப|வ்வ|த்தனை|ந்த)|(?:ா|மா)\s*$"
    r"|\b(?:how|what|when|which|who|why|can i|can we|must|do (?:i|we|you)|does|is (?:it|there)"
    r"|are there|(?:will|would|should) (?:i|we|you)|any|or not|anot"
    r"|apa|berapa|siapa|bila|adakah|bolehkah|boleh|kena|perlu(?:kah)?|macam mana|bagaimana)\b",
    re.IGNORECASE,
)
# "Hello Tria," says nothing either way.
MOST_OF_A_GREETING = 3


def asks_for_rules(text: str) -> bool:
    """Whether every sentence that says something asks for a rule.

    "What happens if a box comes crushed?" does; "our boxes came crushed, what now?" does not.
    """
    sentences = [s for s in SENTENCES.split(plain(text)) if _says_something(s)]
    return bool(sentences) and not documents_in(text) and all(map(_asks, sentences))


def tells_of_own(text: str) -> bool:
    """Whether a clause that supposes nothing tells what happened, or any wants something done."""
    return any(map(_is_own, CLAUSES.split(plain(text))))


def _is_own(clause: str) -> bool:
    """Of a clause that supposes something what comes before counts: "can you cancel it if"."""
    supposed = _phrases("supposes").search(clause)
    if supposed:
        return bool(_phrases("bids").search(clause[: supposed.start()]))
    return bool(_phrases("tells").search(clause) or _phrases("bids").search(clause))


def is_question(text: str) -> bool:
    """Whether a message asks something at all."""
    return bool(ASKING.search(text))


def _asks(sentence: str) -> bool:
    if tells_of_own(sentence):
        return False
    rest, supposed = _phrases("supposes").subn(" ", sentence)
    is_supposed = supposed and is_question(rest)
    return bool(is_supposed or _phrases("asks").search(sentence))


def _says_something(sentence: str) -> bool:
    """Chinese has no spaces between its words: any of its sentences says something."""
    is_long = len(sentence.split()) > MOST_OF_A_GREETING
    return bool(sentence.strip()) and (is_long or is_question(sentence))


@cache
def _phrases(kind: str) -> re.Pattern[str]:
    text = (resources.files("tools.understanding") / "rule_questions.toml").read_text("utf-8")
    return any_of(tomllib.loads(text)[kind])

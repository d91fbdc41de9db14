"""Whether a message answers what we asked back, and is to be read together with the question's."""

import re
from collections.abc import Sequence, Set

from tools.understanding.answers_to_cards import says_no, says_yes
from tools.understanding.entities import DOCUMENT, documents_in
from tools.understanding.intents import SURE, Scored

LONGEST_ANSWER = 200
LONGEST_TOGETHER = 2000
# What a bare outlet, number or product is easily taken for.
OPEN_TO_DOUBT = frozenset(
    {"out_of_scope", "small_talk", "order", "reorder", "invoice", "order_status", "delivery"}
    | {"product", "price", "stock"}
)


def answers(text: str, scored: Sequence[Scored], *, names_something: bool) -> bool:
    """A short message that names something, and clearly asks for nothing else."""
    if len(text) > LONGEST_ANSWER or not names_something or says_yes(text) or says_no(text):
        return False
    asks_else = bool(scored) and _is_sure_of_other(scored[0], OPEN_TO_DOUBT)
    return not asks_else and not text.rstrip().endswith(("?", "？"))


def together(asked: str, text: str) -> str:
    """The message we asked back about and its answer, as one text.

    A document that the answer names stands for all those of its sort: "INV-1 and 2", "INV-1".
    """
    named = documents_in(text)
    sorts = {_is_credit(number) for number in named}

    def kept(found: re.Match[str]) -> str:
        [number] = documents_in(found[0])
        return found[0] if number in named or _is_credit(number) not in sorts else ""

    return f"{DOCUMENT.sub(kept, asked)}\n{text}"[-LONGEST_TOGETHER:]


def _is_credit(number: str) -> bool:
    """A credit never stands for the invoice that it is set against, nor the other way round."""
    return number.startswith("CN-")


def _is_sure_of_other(best: Scored, open_to_doubt: Set[str]) -> bool:
    return best.confidence >= SURE and best.intent not in open_to_doubt

"""Whether a message answers what we asked back, and is to be read together with the question's."""

from collections.abc import Sequence, Set

from tools.understanding.answers_to_cards import says_no, says_yes
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
    """The message we asked back about and its answer, as one text."""
    return f"{asked}\n{text}"[-LONGEST_TOGETHER:]


def _is_sure_of_other(best: Scored, open_to_doubt: Set[str]) -> bool:
    return best.confidence >= SURE and best.intent not in open_to_doubt

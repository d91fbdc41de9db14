"""Whether answers cite what they must, and only passages that were found and that they speak of."""

from collections.abc import Iterator
from itertools import pairwise

from evals.cases.schema import Case
from evals.outcome import Json, Outcome, Turn, Verdict
from evals.scorers.reading import Answer, answers, check, cited, folded, steps, words

SHORTEST_WORD = 4
COMMON = {"with", "from", "your", "that", "this", "have", "when", "what", "will", "they", "them"}


def citations(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each expected citation, and one for those that an answer has."""
    for number, step, turn in steps(case, outcome):
        found = [str(c["id"]) for answer in answers(turn) for c in cited(answer)]
        for beginning in step.expect.cites:
            is_cited = any(section.startswith(beginning) for section in found)
            faults = [] if is_cited else [f"expected a citation of {beginning}, found {found}"]
            yield check("citations", faults=faults, good=f"cites {found}", turn=number)
        if found:
            faults = [fault for answer in answers(turn) for fault in _faults(answer, turn)]
            yield check("citations", faults=faults, good=f"all of {found} stand", turn=number)


def _faults(answer: Answer, turn: Turn) -> Iterator[str]:
    passages = {str(p["id"]): p for p in turn.state.get("passages") or []}
    computed = _computed_from(turn)
    for citation in cited(answer):
        passage = passages.get(str(citation["id"]))
        if passage is None and citation["id"] in computed:
            continue
        if passage is None:
            yield f"{citation['id']} is cited and was not found"
        elif folded(str(citation.get("text", ""))) != folded(str(passage.get("text", ""))):
            yield f"{citation['id']} is not cited as it stands"
        elif citation["id"] not in computed and not _speaks_of(answer.text, passage):
            yield f"{citation['id']} shares no words with the reply"


def _computed_from(turn: Turn) -> set[str]:
    """The sections whose rules were computed: the reply has their results, not their words."""
    facts = turn.state.get("facts") or []
    return {str(f["data"]["section_id"]) for f in facts if f["kind"] == "computed"}


def _speaks_of(reply: str, passage: Json) -> bool:
    """Whether a content word is shared, or a figure."""
    own, other = _content(reply), _content(f"{passage.get('section', '')} {passage['text']}")
    return bool(own & other)


def _content(text: str) -> set[str]:
    """Words that carry a meaning; of Chinese pairs of characters."""
    found = words(text)
    pairs = {a + b for a, b in pairwise(found) if _is_han(a) and _is_han(b)}
    long = {word for word in found if len(word) >= SHORTEST_WORD or word.isdigit()}
    return pairs | (long - COMMON)


def _is_han(word: str) -> bool:
    return len(word) == 1 and "\u3400" <= word <= "\u9fff"

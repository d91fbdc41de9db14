"""All scorers, and what they say together of one conversation."""

from collections.abc import Callable, Iterator

from evals.cases.schema import Case
from evals.outcome import Outcome, Verdict
from evals.scorers.books import books
from evals.scorers.budget import budget
from evals.scorers.cards import cards
from evals.scorers.citations import citations
from evals.scorers.confirmation import confirmation
from evals.scorers.facts import facts
from evals.scorers.grounding import grounding
from evals.scorers.handoff import handoff
from evals.scorers.injection import injection
from evals.scorers.intents import intents
from evals.scorers.once import once
from evals.scorers.played import played
from evals.scorers.privacy import privacy
from evals.scorers.promises import promises
from evals.scorers.says import says
from evals.scorers.secrecy import secrecy
from evals.scorers.stream import stream
from evals.scorers.tone import tone
from evals.scorers.tools import tools

Scorer = Callable[[Case, Outcome], Iterator[Verdict]]
SCORERS: dict[str, Scorer] = {
    scorer.__name__: scorer
    for scorer in (
        *(played, intents, tools, cards, books, facts, says, citations, handoff, tone, budget),
        *(grounding, promises, confirmation, once, privacy, secrecy, injection, stream),
    )
}


def verdicts(case: Case, outcome: Outcome) -> list[Verdict]:
    """What every scorer says; of a case that crashed only that it did."""
    if outcome.crash:
        return list(played(case, outcome))
    return [verdict for scorer in SCORERS.values() for verdict in scorer(case, outcome)]

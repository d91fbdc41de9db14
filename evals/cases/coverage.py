"""What the datasets touch: intents by language, tools, policy sections, cards, tickets, faults."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from evals.cases import known
from evals.cases.schema import Case, Expect, Language, Step
from nodes.state import INTENTS
from tools.screening.language import language_of
from tools.understanding.wants import WANTS

LANGUAGES: tuple[Language, ...] = get_args(Language)
Pair = tuple[str, str]


@dataclass
class Coverage:
    """How many turns expect each thing."""

    conversations: int = 0
    turns: int = 0
    intents: Counter[Pair] = field(default_factory=Counter)  # intent and language
    languages: Counter[str] = field(default_factory=Counter)
    wants: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    sections: Counter[str] = field(default_factory=Counter)
    pairs: Counter[Pair] = field(default_factory=Counter)  # intent and tool
    tickets: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)

    def missing(self) -> dict[str, list[str]]:
        """What nothing touches, by kind."""
        touched = {intent for intent, _ in self.intents}
        return {
            "intents": [intent for intent in INTENTS if intent not in touched],
            "intents not in every language": [
                f"{intent} ({', '.join(lacking)})"
                for intent in INTENTS
                if intent in touched
                and (lacking := [one for one in LANGUAGES if not self.intents[intent, one]])
            ],
            "wants": [want for want in WANTS if not self.wants[want]],
            "tools": sorted((known.reads() | known.writes()) - self.tools.keys()),
            "policy sections": sorted(known.sections() - self.sections.keys()),
        }

    def counts(self) -> dict[str, int]:
        """How much of each kind is touched."""
        lacking = self.missing()
        return {
            "cases": self.conversations,
            "turns": self.turns,
            "intents": len(INTENTS) - len(lacking["intents"]),
            "intents_in_languages": len(self.intents),
            "wants": len(WANTS) - len(lacking["wants"]),
            "tools": len(known.reads() | known.writes()) - len(lacking["tools"]),
            "sections": len(known.sections()) - len(lacking["policy sections"]),
        }

    def text(self) -> str:
        """A table of intents by language, the other counts, and what is missing."""
        head = f"{'intent':16}" + "".join(f"{language:>6}" for language in LANGUAGES)
        lines = [f"{self.conversations} conversations, {self.turns} turns", "", head]
        for intent in INTENTS:
            cells = (self.intents[intent, language] or "." for language in LANGUAGES)
            lines.append(f"{intent:16}" + "".join(f"{cell:>6}" for cell in cells))
        for title, counter in self._counters():
            told = ", ".join(f"{name} {count}" for name, count in counter.most_common())
            lines += ["", f"{title}: {told or 'none'}"]
        for title, names in self.missing().items():
            lines += ["", f"not touched, {title}: {', '.join(names) or 'nothing'}"]
        return "\n".join(lines)

    def _counters(self) -> list[tuple[str, Counter[str]]]:
        pairs = Counter({f"{intent} > {tool}": n for (intent, tool), n in self.pairs.items()})
        return [
            *(("turns by language", self.languages), ("tools", self.tools)),
            *(("intents with tools", pairs), ("wants", self.wants)),
            *(("policy sections", self.sections), ("tickets", self.tickets)),
            *(("faults", self.faults), ("tags", self.tags)),
        ]


def coverage(cases: Sequence[Case]) -> Coverage:
    """Count what every turn of every case expects."""
    found = Coverage(conversations=len(cases))
    for case in cases:
        found.tags.update(case.tags)
        language = "en"
        for step in case.turns:
            found.turns += 1
            language = step.expect.language or language_of(step.user or "") or language
            _count(found, step, language)
        for end in case.ends:
            found.tickets.update(ticket.reason for ticket in end.tickets or ())
    return found


def _count(found: Coverage, step: Step, language: str) -> None:
    expect = step.expect
    called = {call.name for call in expect.tools}
    found.languages[language] += bool(step.user)
    found.wants.update(expect.wants)
    found.tools.update(called)
    found.sections.update(_sections(expect))
    found.faults.update(fault.mode for fault in step.faults)
    if expect.handoff and expect.handoff.reason:
        found.tickets[expect.handoff.reason] += 1
    for intent in expect.intents:
        found.intents[intent, language] += 1
        for tool in called:
            found.pairs[intent, tool] += 1


def _sections(expect: Expect) -> set[str]:
    """The sections that are named for sure: a beginning that several share names none."""
    found: set[str] = set()
    for cited in expect.cites:
        meant = {section for section in known.sections() if section.startswith(cited)}
        found |= meant if len(meant) == 1 else meant & {cited}
    return found

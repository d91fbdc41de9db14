"""`make bench-mistakes`: plants one mistake at a time into the service; do the evals say so?

Each mistake is a change of a line in a tree of its own. The cases that are played are those it
touches; they are played before and after it, and what is new in the gate or in the comparison is
shown with the line that says it.
"""

import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from evals.cases.loading import load_cases
from evals.comparing.compare import compare
from evals.comparing.gates import judge_run
from evals.comparing.limits import load_thresholds
from evals.comparing.text import text_of
from evals.lanes.tree import ROOT, Wanted
from evals.models.choice import Mode
from evals.running.selection import Selection
from evals.running.session import Plan, Played, play

TODAY = date(2026, 9, 2)
MONEY = ("order-form", "yes-but-saturday", "answer-lost-after-writing", "lost-twice")
SERVICE = ("owes", "owes-and-credit", "cancellation-fee", "books-away-foreign-back")
TIMED = (*SERVICE, *MONEY, "due-en", "pdf-en", "stock", "price-with-pack", "statement-en")


@dataclass(frozen=True)
class Mistake:
    """A piece of a file and what it becomes, the cases that are played, and who must say so."""

    name: str
    file: str
    piece: str
    becomes: str
    cases: tuple[str, ...]
    caught_by: str
    mode: Mode = "offline"


MISTAKES = (
    Mistake(
        "a wrong rule",
        "policies/rules.toml",
        "late_percent = 25",
        "late_percent = 30",
        SERVICE,
        "says",
    ),
    Mistake(
        "a wrong prompt",
        "nodes/prompts/compose_reply.md",
        "${passages}",
        "Think of the passages that you know.",
        SERVICE,
        "cancellation-fee",
        "stand-in",
    ),
    Mistake(
        "a leaking tool",
        "tools/xero/scope.py",
        "if document.contact.contact_id not in self.scope.contact_ids:",
        "if document is None:",
        SERVICE,
        "privacy",
    ),
    Mistake(
        "a missing confirmation",
        "tools/understanding/answers_to_cards.py",
        "    return _says_only(text, YES) and (",
        "    return _has(text, YES) and (",
        MONEY,
        "confirmation",
    ),
    Mistake(
        "a lost answer that is not looked up",
        "tools/actions/commit.py",
        "        return await books.find(stored.write)",
        "        return None",
        MONEY,
        "once",
    ),
    Mistake(
        "a customer's words in the log",
        "graph/worker.py",
        'by=state["reply"]["by"],',
        'by=state["reply"]["by"], said=state["turn"]["text"],',
        SERVICE,
        "secrecy",
    ),
    Mistake(
        "a slower node",
        "nodes/adapt_tone.py",
        "    situation = _situation(state)\n",
        "    __import__('time').sleep(0.2)\n    situation = _situation(state)\n",
        TIMED,
        "adapt_tone",
    ),
)


def main() -> None:
    """Plant each, and end with one JSON object."""
    wanted = " ".join(sys.argv[1:])
    chosen = [mistake for mistake in MISTAKES if wanted in mistake.name]
    missed = []
    with tempfile.TemporaryDirectory(prefix="tria-mistakes-") as folder:
        runs = Path(folder)
        modes = {mistake.mode for mistake in chosen}
        before = {mode: _play(_cases_of(chosen, mode), mode, Wanted(), runs) for mode in modes}
        for mistake in chosen:
            lines = _said_of(mistake, before[mistake.mode], runs)
            telling = re.compile(rf"(?:^|, |now: ){mistake.caught_by}\b")
            told = [line for line in lines if telling.search(line)]
            missed += [] if told else [mistake.name]
            print(f"\n{'caught' if told else 'MISSED'}: {mistake.name} ({mistake.file})")
            print(*(f"    {line}" for line in (told or lines)[:3]), sep="\n")
    print(json.dumps({"mistakes": len(chosen), "caught": len(chosen) - len(missed)}))
    sys.exit(1 if missed else 0)


def _cases_of(mistakes: Sequence[Mistake], mode: Mode) -> tuple[str, ...]:
    named = (case for mistake in mistakes if mistake.mode == mode for case in mistake.cases)
    return tuple(dict.fromkeys(named))


def _said_of(mistake: Mistake, before: Played, runs: Path) -> list[str]:
    """What is new in the gate and in the comparison once the mistake is there."""
    changed = runs / "changed"
    text = (ROOT / mistake.file).read_text(encoding="utf-8")
    if mistake.piece not in text:
        sys.exit(f"{mistake.name}: its place in {mistake.file} is not there any more")
    changed.write_text(text.replace(mistake.piece, mistake.becomes), encoding="utf-8")
    wanted = Wanted(replaced={mistake.file: changed})
    after = _play(mistake.cases, mistake.mode, wanted, runs)
    passing = frozenset(row.case for row in before.rows if row.passed)
    gate = judge_run(after.rows, passing, load_thresholds(), [], TODAY)
    rows = [row for row in before.rows if row.case in mistake.cases]
    compared = text_of(compare((before.run, rows), (after.run, after.rows)))
    return [*gate.breaches, *(line.strip() for line in compared.splitlines() if "!" in line)]


def _play(cases: Sequence[str], mode: Mode, wanted: Wanted, runs: Path) -> Played:
    plan = Plan(selection=Selection(cases=tuple(cases)), mode=mode, wanted=wanted)
    return play(plan, load_cases(), runs)


if __name__ == "__main__":
    main()

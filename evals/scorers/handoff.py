"""Whether a ticket was opened where one must be, and every ticket that is told of exists."""

import re
from collections.abc import Iterator

from evals.cases.schema import Case, Handoff
from evals.outcome import Json, Outcome, Turn, Verdict
from evals.scorers.reading import answers, came_with, check, plain, spoken, steps

NUMBER = re.compile(r"(?<![A-Za-z0-9-])T-(\d{6,})(?!\d)")


def handoff(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for what is expected of a step, and one for each ticket that it tells of."""
    for number, step, turn in steps(case, outcome):
        if turn.refused or not (answers(turn) or step.expect.handoff):
            continue
        told, wanted = came_with(turn, "handoff"), step.expect.handoff
        good = f"handed over for {told['reason']}" if told else "no ticket"
        yield check("handoff", faults=_faults(wanted, told), good=good, turn=number)
        if told or NUMBER.search(plain(spoken(turn))):
            faults = list(_in_rows(case, outcome, turn, told))
            yield check("handoff", faults=faults, good="the ticket is there", turn=number)


def _faults(wanted: Handoff | None, told: Json) -> Iterator[str]:
    if wanted is None:
        if told:
            yield f"expected no ticket, found one for {told.get('reason')}"
        return
    if not told:
        yield f"expected a ticket for {wanted.reason or 'any reason'}, found none"
        return
    for name in ("reason", "level"):
        expected = getattr(wanted, name)
        if expected is not None and expected != told.get(name):
            yield f"expected {name} {expected}, found {told.get(name)}"


def _in_rows(case: Case, outcome: Outcome, turn: Turn, told: Json) -> Iterator[str]:
    rows = {_number(row): row for row in outcome.tickets}
    named = {int(n) for n in NUMBER.findall(plain(spoken(turn)))}
    named |= {int(n) for n in NUMBER.findall(str(told.get("ticket", "")))}
    for number in sorted(named - rows.keys()):
        yield f"ticket T-{number:06} does not exist"
    for number in sorted(named & rows.keys()):
        yield from _packet_faults(case, rows[number].get("packet") or {})


def _number(row: Json) -> int:
    return int(re.sub(r"\D", "", str(row.get("ticket_id") or row.get("number"))))


def _packet_faults(case: Case, packet: Json) -> Iterator[str]:
    """A person must find who it is, what they wrote, and what was understood."""
    customer = packet.get("customer") or {}
    if customer.get("id") != case.customer:
        yield f"the packet is of {customer.get('id')}, not of {case.customer}"
    if "message" not in packet or not (packet["message"] or packet.get("history")):
        yield "the packet has no message"
    if not packet.get("understood"):
        yield "the packet does not say what was understood"

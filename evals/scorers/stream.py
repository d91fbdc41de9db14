"""Whether the answer came as a stream should: in order, in pieces of the reply, to its end."""

from collections.abc import Iterator

from evals.cases.schema import Case
from evals.outcome import Outcome, Turn, Verdict
from evals.scorers.reading import check, folded, steps
from tools.screening.personal import restore

SHOWN = 80


def stream(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each answer to a message or a button; what is sent twice is not streamed."""
    for number, step, turn in steps(case, outcome):
        if step.twice:
            continue
        if turn.kind in ("user", "button") and turn.reply and not turn.error:
            faults = list(_faults(turn))
            good = f"{turn.stream.pieces} pieces in {turn.stream.total_ms:.0f} ms"
            yield check("stream", faults=faults, good=good, turn=number)


def _faults(turn: Turn) -> Iterator[str]:
    came = turn.stream
    if not came.ids_ordered:
        yield "the events' ids are out of order"
    if not came.events or came.events[-1] == "error":
        yield f"the stream did not come to its end: {came.events}"
    if came.first_text_ms is None:
        yield "no text came before the end"
    elif came.first_text_ms > came.total_ms:
        yield f"text came {came.first_text_ms - came.total_ms:.0f} ms after the end"
    # Pieces hold tokens where the customer wrote personal data; only the stored reply has it.
    personal = (turn.state.get("screened") or {}).get("personal") or {}
    if folded(restore(came.text, personal)) != folded(turn.reply):
        yield f"the pieces add up to '{came.text[:SHOWN]}', the reply is '{turn.reply[:SHOWN]}'"
